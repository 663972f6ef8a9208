"""IAM's policy simulator by an unmodified boto3, against the whole stack."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.aws.answers import ACCOUNT, refused

MODEL = "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1"
USER = "contract-simulated"
ARN = f"arn:aws:iam::{ACCOUNT}:user/{USER}"


@pytest.fixture
def iam(stack: Any) -> Iterator[Any]:
    iam = stack.client("iam")
    iam.create_user(UserName=USER)
    inside = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    statements = [
        {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": MODEL, "Condition": inside},
        {"Effect": "Deny", "Action": "bedrock:Delete*", "Resource": "*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=USER, PolicyName="p", PolicyDocument=document)
    yield iam
    iam.delete_user_policy(UserName=USER, PolicyName="p")
    iam.delete_user(UserName=USER)


def test_decisions_are_those_that_calls_would_meet(iam: Any) -> None:
    def decisions(**changes: Any) -> list[str]:
        answer = iam.simulate_principal_policy(
            PolicySourceArn=ARN,
            ActionNames=["bedrock:InvokeModel", "bedrock:DeleteGuardrail", "bedrock:GetGuardrail"],
            ResourceArns=[MODEL],
            **changes,
        )
        assert not answer["IsTruncated"]
        return [each["EvalDecision"] for each in answer["EvaluationResults"]]

    def address(text: str) -> list[dict[str, Any]]:
        entry = {"ContextKeyName": "aws:SourceIp", "ContextKeyType": "ip", "ContextKeyValues": [text]}
        return [entry]

    assert decisions(ContextEntries=address("10.1.2.3")) == ["allowed", "explicitDeny", "implicitDeny"]
    assert decisions(ContextEntries=address("192.0.2.1")) == ["implicitDeny", "explicitDeny", "implicitDeny"]
    allow = json.dumps({"Statement": {"Effect": "Allow", "Action": "bedrock:Get*", "Resource": "*"}})
    assert decisions(PolicyInputList=[allow]) == ["implicitDeny", "explicitDeny", "allowed"]


def test_refusals(iam: Any) -> None:
    def refusal(**arguments: Any) -> tuple[str, int]:
        return refused(iam.simulate_principal_policy, ActionNames=["bedrock:InvokeModel"], **arguments)

    assert refusal(PolicySourceArn=f"{ARN}-nobody") == ("NoSuchEntity", 404)
    assert refusal(PolicySourceArn=ARN, ResourceHandlingOption="EC2-VPC") == ("InvalidInput", 400)
    assert refusal(PolicySourceArn=ARN, CallerArn=f"arn:aws:iam::{ACCOUNT}:group/x") == ("InvalidInput", 400)
    assert refusal(PolicySourceArn=ARN, ResourceOwner="arn:aws:iam::1:user/x") == ("InvalidInput", 400)
    excluded = [{"PolicyType": "inline"}]
    assert refusal(PolicySourceArn=ARN, PolicyExclusionList=excluded) == ("InvalidInput", 400)


def policy(**statement: Any) -> str:
    made = {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": made})


def test_policies_by_themselves(iam: Any) -> None:
    inside = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}

    def evaluated(**changes: Any) -> dict[str, Any]:
        arguments = {"ActionNames": ["bedrock:InvokeModel"], "PolicyInputList": [policy(Condition=inside)]}
        [result] = iam.simulate_custom_policy(**{**arguments, **changes})["EvaluationResults"]
        return result

    result = evaluated()
    assert result["EvalDecision"] == "implicitDeny"
    assert result["MissingContextValues"] == ["aws:SourceIp"]
    entry = {"ContextKeyName": "aws:SourceIp", "ContextKeyType": "ip", "ContextKeyValues": ["10.1.2.3"]}
    result = evaluated(ContextEntries=[entry])
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", [])
    boundary = [policy(Action="kms:*")]
    result = evaluated(ContextEntries=[entry], PermissionsBoundaryPolicyInputList=boundary)
    assert result["EvalDecision"] == "implicitDeny"
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    assert evaluated(ActionNames=["sts:GetCallerIdentity"])["EvalDecision"] == "allowed"


def test_the_policy_of_a_resource(iam: Any) -> None:
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
    mine = policy(Action="kms:*", Principal={"AWS": ARN})

    def decision(**changes: Any) -> str:
        arguments = {
            "PolicySourceArn": ARN,
            "ActionNames": ["kms:Decrypt"],
            "ResourceArns": [key],
            "ResourcePolicy": mine,
        }
        [result] = iam.simulate_principal_policy(**{**arguments, **changes})["EvaluationResults"]
        return str(result["EvalDecision"])

    assert decision() == "allowed"
    assert decision(CallerArn=f"{ARN}-else") == "implicitDeny"
    model: dict[str, Any] = {"ActionNames": ["bedrock:InvokeModel"], "ResourceArns": [MODEL]}
    model["ResourcePolicy"] = policy(Principal="*")
    assert decision(**model) == "allowed"
    assert decision(**model, ResourceOwner="arn:aws:iam::210987654321:root") == "implicitDeny"


def test_the_keys_that_policies_ask_for(iam: Any) -> None:
    asks = policy(Condition={"StringEquals": {"aws:userid": "${aws:username}"}})
    found = iam.get_context_keys_for_custom_policy(PolicyInputList=[asks])
    assert found["ContextKeyNames"] == ["aws:userid", "aws:username"]
    found = iam.get_context_keys_for_principal_policy(PolicySourceArn=ARN, PolicyInputList=[asks])
    assert found["ContextKeyNames"] == ["aws:SourceIp", "aws:userid", "aws:username"]


def simulated(iam: Any, *policies: str, **changes: Any) -> dict[str, Any]:
    asked = {"ActionNames": ["bedrock:InvokeModel"], "PolicyInputList": list(policies)}
    [result] = iam.simulate_custom_policy(**{**asked, **changes})["EvaluationResults"]
    return result


def test_the_statement_that_decides_is_named_with_its_place(iam: Any) -> None:
    other, mine = policy(Action="kms:*"), json.dumps(json.loads(policy()), indent=2)
    [matched] = simulated(iam, other, mine)["MatchedStatements"]
    assert matched == {
        "SourcePolicyId": "PolicyInputList.2",
        "SourcePolicyType": "none",
        "StartPosition": {"Line": 3, "Column": 16},
        "EndPosition": {"Line": 7, "Column": 4},
    }
    # As AWS tells the places of its managed policies: behind the list's bracket, behind the statement.
    listed = json.dumps({"Version": "2012-10-17", "Statement": [json.loads(mine)["Statement"]]}, indent=2)
    [matched] = simulated(iam, listed)["MatchedStatements"]
    assert matched["StartPosition"] == {"Line": 3, "Column": 17}
    assert matched["EndPosition"] == {"Line": 8, "Column": 6}
    assert simulated(iam, other)["MatchedStatements"] == []


def test_of_a_deny_no_allow_is_named(iam: Any) -> None:
    result = simulated(iam, policy(), policy(Effect="Deny", Action="bedrock:Invoke*"), ResourceArns=[MODEL])
    assert result["EvalDecision"] == "explicitDeny"
    assert [each["SourcePolicyId"] for each in result["MatchedStatements"]] == ["PolicyInputList.2"]
    [specific] = result["ResourceSpecificResults"]
    assert (specific["EvalResourceName"], specific["EvalResourceDecision"]) == (MODEL, "explicitDeny")
    assert specific["MatchedStatements"] == result["MatchedStatements"]
    boundary = [policy(Effect="Deny")]
    result = simulated(iam, policy(), PermissionsBoundaryPolicyInputList=boundary)
    [matched] = result["MatchedStatements"]
    assert matched["SourcePolicyId"] == "PermissionsBoundaryPolicyInputList.1"


def test_policies_of_a_principal_are_named_by_whose_they_are(iam: Any) -> None:
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.attach_user_policy(UserName=USER, PolicyArn=administrator)
    try:
        answer = iam.simulate_principal_policy(
            PolicySourceArn=ARN, ActionNames=["bedrock:DeleteGuardrail", "kms:Decrypt"]
        )
    finally:
        iam.detach_user_policy(UserName=USER, PolicyArn=administrator)
    denied, allowed = answer["EvaluationResults"]
    [matched] = denied["MatchedStatements"]
    assert (matched["SourcePolicyId"], matched["SourcePolicyType"]) == (f"user_{USER}_p", "user")
    text = json.dumps(iam.get_user_policy(UserName=USER, PolicyName="p")["PolicyDocument"])
    start, end = (matched[each]["Column"] - 1 for each in ("StartPosition", "EndPosition"))
    assert json.loads(text[start:end].removeprefix(","))["Action"] == "bedrock:Delete*"
    [matched] = allowed["MatchedStatements"]
    assert (matched["SourcePolicyId"], matched["SourcePolicyType"]) == ("AdministratorAccess", "aws-managed")


def test_between_accounts_each_kind_of_policy_is_told(iam: Any) -> None:
    asked: dict[str, Any] = {"ResourceArns": [MODEL], "CallerArn": ARN}
    assert simulated(iam, policy(), **asked)["EvalDecisionDetails"] == {}
    assert "EvalDecisionDetails" not in simulated(iam, policy())
    asked["ResourcePolicy"] = policy(Action="bedrock:Get*", Principal={"AWS": ARN})
    result = simulated(iam, policy(), ResourceOwner="arn:aws:iam::210987654321:root", **asked)
    assert result["EvalDecision"] == "implicitDeny"
    assert result["EvalDecisionDetails"] == {
        "identity-based policy": "allowed",
        "resource-based policy": "implicitDeny",
    }


def test_an_organization_is_tried_out(iam: Any) -> None:
    def levels(*each: str) -> list[dict[str, list[str]]]:
        return [{"ServiceControlPolicyInputList": [document]} for document in each]

    narrow = levels(policy(Action="*"), policy(Action="kms:*"))
    result = simulated(iam, policy(), OrderedOrganizationPolicyInputList=narrow)
    assert (result["EvalDecision"], result["MatchedStatements"]) == ("implicitDeny", [])
    assert result["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": False}
    wide = levels(policy(Action="*"), policy())
    result = simulated(iam, policy(), OrderedOrganizationPolicyInputList=wide)
    assert result["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": True}


def test_every_resource_has_a_result_and_what_is_no_arn_is_refused(iam: Any) -> None:
    answer = iam.simulate_custom_policy(
        ActionNames=["bedrock:InvokeModel"],
        PolicyInputList=[policy(Resource=MODEL)],
        ResourceArns=["*", MODEL, MODEL.replace("text", "chat")],
    )
    assert [each["EvalDecision"] for each in answer["EvaluationResults"]] == [
        "implicitDeny",
        "allowed",
        "implicitDeny",
    ]
    arguments = {"ActionNames": ["bedrock:InvokeModel"], "PolicyInputList": [policy()]}
    for each in ("notanarn", "arn:aws:s3"):
        refusal = refused(iam.simulate_custom_policy, ResourceArns=[MODEL, each], **arguments)
        assert refusal == ("InvalidInput", 400)


def entry(name: str, stated: str, *values: str) -> dict[str, Any]:
    return {"ContextKeyName": name, "ContextKeyType": stated, "ContextKeyValues": list(values)}


@pytest.mark.parametrize(
    "entries",
    [
        [entry("aws:SourceIp", "ip", "10.1.2.3"), entry("aws:SourceIp", "ip", "192.0.2.1")],
        [entry("aws:SourceIp", "ip", "10.1.2.3"), entry("AWS:sourceip", "ip", "10.1.2.3")],
        [entry("aws:SourceIp", "ip", "banana")],
        [entry("aws:SourceIp", "string", "banana")],
        [entry("aws:SourceIp", "ip", "10.1.2.3", "10.1.2.4")],
        [entry("aws:EpochTime", "numeric", "soon")],
        [entry("aws:SecureTransport", "boolean", "perhaps")],
        [entry("aws:CurrentTime", "date", "tomorrow")],
        [entry("aws:username", "binaryList", "%%%")],
        [entry("aws:Nothing", "string", "x")],
    ],
)
def test_a_context_that_would_be_misread_is_refused(iam: Any, entries: list[dict[str, Any]]) -> None:
    arguments = {"ActionNames": ["bedrock:InvokeModel"], "PolicyInputList": [policy()]}
    refusal = refused(iam.simulate_custom_policy, ContextEntries=entries, **arguments)
    assert refusal == ("InvalidInput", 400)


def test_results_come_in_pages(iam: Any) -> None:
    arguments: dict[str, Any] = {
        "PolicySourceArn": ARN,
        "ActionNames": ["bedrock:InvokeModel", "bedrock:DeleteGuardrail"],
        "ResourceArns": ["*", MODEL, f"{MODEL}-2"],
    }
    whole = iam.simulate_principal_policy(**arguments)
    assert (len(whole["EvaluationResults"]), whole["IsTruncated"], "Marker" in whole) == (6, False, False)
    first = iam.simulate_principal_policy(**arguments, MaxItems=1)
    assert first["IsTruncated"]
    assert first["EvaluationResults"] == whole["EvaluationResults"][:1]
    pages = list(iam.get_paginator("simulate_principal_policy").paginate(**arguments, MaxItems=4))
    assert [len(page["EvaluationResults"]) for page in pages] == [4, 2]
    assert [each for page in pages for each in page["EvaluationResults"]] == whole["EvaluationResults"]
    custom = {"PolicyInputList": [policy()], "ActionNames": arguments["ActionNames"], "MaxItems": 1}
    pages = list(iam.get_paginator("simulate_custom_policy").paginate(**custom))
    assert [each["EvalActionName"] for page in pages for each in page["EvaluationResults"]] == custom[
        "ActionNames"
    ]
    other = refused(iam.simulate_custom_policy, **custom, Marker=first["Marker"])
    assert other == ("InvalidInput", 400)
    assert refused(iam.simulate_custom_policy, **custom, Marker="x") == ("ValidationError", 400)


def test_the_command_answers_as_iam_does(iam: Any, stack: Any, tmp_path: Path) -> None:
    deny = tmp_path / "deny.json"
    deny.write_text(json.dumps({"Statement": [json.loads(policy(Effect="Deny"))["Statement"]]}, indent=2))
    words = ("policies", "simulate", ARN, "bedrock:InvokeModel", "--policy", str(deny))
    done = stack.craton(*words, "--resource", "*", "--resource", MODEL, check=False)
    assert done.returncode == 3, done.stderr
    assert done.stdout.count(f"    by {deny}:3:5 (given)\n") == 2
    actions = [f"bedrock:Delete{number}" for number in range(51)]
    everything = ("policies", "simulate", ARN, *actions, "--resource", MODEL, "--resource", "*", "--json")
    results = json.loads(stack.craton(*everything, check=False).stdout)
    asked = [(action, resource) for action in actions for resource in (MODEL, "*")]
    assert [(each["action"], each["resource"]) for each in results] == asked, "more than one page has"
    assert {each["matched_statements"][0]["policy_id"] for each in results} == {f"user_{USER}_p"}
    for given in (("--context", "aws:SourceIp=banana"), ("--resource", "notanarn")):
        assert stack.craton(*words, *given, check=False).returncode == 1
