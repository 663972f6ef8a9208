"""What `craton policies simulate` prints of a result."""

import pytest
from craton.auth.v1 import simulation_service_pb2 as pb
from craton.common.v1.policy_finding_pb2 import PolicyPosition

from cli.simulate import show_result


def matched(policy_id: str, source: pb.PolicySourceType, line: int, column: int) -> pb.MatchedStatement:
    start = PolicyPosition(line=line, column=column)
    return pb.MatchedStatement(policy_id=policy_id, policy_type=source, start=start)


def test_the_deciding_statements_stand_with_file_line_and_column(capsys: pytest.CaptureFixture[str]) -> None:
    result = pb.SimulationResult(
        action="bedrock:InvokeModel",
        resource="*",
        verdict=pb.SIMULATION_VERDICT_EXPLICIT_DENY,
        action_known=True,
        matched_statements=[
            matched("PolicyInputList.2", pb.POLICY_SOURCE_TYPE_NONE, 3, 4),
            matched("user_alice_mine", pb.POLICY_SOURCE_TYPE_USER, 1, 37),
        ],
    )
    show_result(result, {"PolicyInputList.1": "allow.json", "PolicyInputList.2": "deny.json"})
    assert capsys.readouterr().out.splitlines() == [
        "explicit deny: bedrock:InvokeModel on *",
        "    by deny.json:3:5 (given)",
        "    by user_alice_mine:1:38 (inline policy of the user)",
    ]
