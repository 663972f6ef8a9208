"""Roles and temporary credentials by an unmodified boto3, against the whole stack."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.aws.answers import ACCOUNT, document, refused

ROLE = "contract-sessions"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
MODEL = "craton.tiny-text-v1"


@pytest.fixture
def role(stack: Any) -> Iterator[str]:
    """A role that the account's principals may assume, and that may read the catalogue."""
    iam = stack.client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": ACCOUNT},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=document(trust))
    allow = {"Effect": "Allow", "Action": ["bedrock:List*", "bedrock:Get*"], "Resource": "*"}
    only_red = {
        "Effect": "Allow",
        "Action": "iam:GetUser",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/team": "red"}},
    }
    iam.put_role_policy(RoleName=ROLE, PolicyName="p", PolicyDocument=document(allow, only_red))
    yield ROLE_ARN
    iam.delete_role_policy(RoleName=ROLE, PolicyName="p")
    iam.delete_role(RoleName=ROLE)


def session(stack: Any, service: str, answer: dict[str, Any], **changes: Any) -> Any:
    given = answer["Credentials"]
    return stack.client(
        service,
        **{
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
            **changes,
        },
    )


def test_a_role_is_assumed_and_has_its_own_rights(stack: Any, role: str) -> None:
    answer = stack.client("sts").assume_role(RoleArn=role, RoleSessionName="today")
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/today"
    assert answer["AssumedRoleUser"]["Arn"] == arn
    left = answer["Credentials"]["Expiration"] - datetime.now(UTC)
    assert timedelta(minutes=58) < left <= timedelta(hours=1)
    who = session(stack, "sts", answer).get_caller_identity()
    assert (who["Arn"], who["UserId"]) == (arn, answer["AssumedRoleUser"]["AssumedRoleId"])
    assert session(stack, "bedrock", answer).get_foundation_model(modelIdentifier=MODEL)["modelDetails"]
    body = json.dumps({"inputText": "hi"})
    invoke = session(stack, "bedrock-runtime", answer).invoke_model
    assert refused(invoke, modelId=MODEL, body=body) == ("AccessDeniedException", 403)
    assert refused(session(stack, "iam", answer).get_user, UserName="admin") == ("AccessDenied", 403)


def test_a_session_policy_and_tags(stack: Any, role: str) -> None:
    sts = stack.client("sts")
    only_get = document({"Effect": "Allow", "Action": "bedrock:Get*", "Resource": "*"})
    narrow = sts.assume_role(RoleArn=role, RoleSessionName="narrow", Policy=only_get)
    assert narrow["PackedPolicySize"] > 0
    bedrock = session(stack, "bedrock", narrow)
    assert bedrock.get_foundation_model(modelIdentifier=MODEL)["modelDetails"]
    with pytest.raises(ClientError, match="no session policy allows the bedrock:ListFoundationModels"):
        bedrock.list_foundation_models()
    red = sts.assume_role(
        RoleArn=role,
        RoleSessionName="red",
        Tags=[{"Key": "team", "Value": "red"}],
        TransitiveTagKeys=["team"],
    )
    assert session(stack, "iam", red).get_user(UserName="admin")["User"]["UserName"] == "admin"


def test_without_its_token_a_key_is_nothing(stack: Any, role: str) -> None:
    answer = stack.client("sts").assume_role(RoleArn=role, RoleSessionName="today")
    other = stack.client("sts").assume_role(RoleArn=role, RoleSessionName="other")
    for token in (None, "x", other["Credentials"]["SessionToken"]):
        without = session(stack, "sts", answer, aws_session_token=token)
        assert refused(without.get_caller_identity) == ("InvalidClientTokenId", 403)
    assert session(stack, "sts", answer).get_caller_identity()["Account"] == ACCOUNT


def test_a_deleted_role_ends_its_sessions(stack: Any) -> None:
    iam = stack.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="short-lived", AssumeRolePolicyDocument=document(trust))
    arn = ROLE_ARN.replace(ROLE, "short-lived")
    sts = session(stack, "sts", stack.client("sts").assume_role(RoleArn=arn, RoleSessionName="today"))
    assert sts.get_caller_identity()["Account"] == ACCOUNT
    iam.delete_role(RoleName="short-lived")
    code, status = refused(sts.get_caller_identity)
    assert (code, status) in {("ExpiredToken", 403), ("InvalidClientTokenId", 403)}


def test_a_user_gets_a_session_token(stack: Any) -> None:
    answer = stack.client("sts").get_session_token(DurationSeconds=900)
    sts = session(stack, "sts", answer)
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/admin"
    assert refused(sts.get_session_token) == ("AccessDenied", 403)
    # AWS: of STS, AssumeRole and GetCallerIdentity alone.
    key = answer["Credentials"]["AccessKeyId"]
    assert refused(sts.get_access_key_info, AccessKeyId=key) == ("AccessDenied", 403)
    assert stack.client("sts").get_access_key_info(AccessKeyId=key)["Account"] == ACCOUNT


def test_refusals(stack: Any, role: str) -> None:
    assume = stack.client("sts").assume_role
    nobody = f"{role}-nobody"
    assert refused(assume, RoleArn=nobody, RoleSessionName="today") == ("AccessDenied", 403)
    user = f"arn:aws:iam::{ACCOUNT}:user/admin"
    assert refused(assume, RoleArn=user, RoleSessionName="today")[1] == 400
    longer = {"RoleArn": role, "RoleSessionName": "today", "DurationSeconds": 43_200}
    assert refused(assume, **longer) == ("ValidationError", 400)
    bad = {"RoleArn": role, "RoleSessionName": "today", "Policy": "{"}
    assert refused(assume, **bad) == ("MalformedPolicyDocument", 400)
    arns = {"RoleArn": role, "RoleSessionName": "today", "PolicyArns": [{"arn": f"{role}xxxxxxxxxxxx"}]}
    assert refused(assume, **arns) == ("ValidationError", 400)
    unknown = {**arns, "PolicyArns": [{"arn": f"arn:aws:iam::{ACCOUNT}:policy/nobody"}]}
    assert refused(assume, **unknown) == ("ValidationError", 400)
    tags = [{"Key": f"key{number}", "Value": "v" * 256} for number in range(20)]
    with pytest.raises(ClientError, match=r"Packed size of session tags consumes \d+% of allotted") as caught:
        assume(RoleArn=role, RoleSessionName="today", Tags=tags)
    assert caught.value.response["Error"]["Code"] == "PackedPolicyTooLarge"


def test_managed_session_policies(stack: Any, role: str) -> None:
    built_in = "arn:aws:iam::aws:policy/AmazonBedrockReadOnly"
    iam, sts = stack.client("iam"), stack.client("sts")
    text = document({"Effect": "Allow", "Action": "bedrock:Get*", "Resource": "*"})
    own = iam.create_policy(PolicyName="contract-session", PolicyDocument=text)["Policy"]["Arn"]
    wanted = {"RoleArn": role, "RoleSessionName": "managed"}
    both = sts.assume_role(**wanted, PolicyArns=[{"arn": built_in}, {"arn": own}])
    assert both["PackedPolicySize"] > 0
    assert session(stack, "bedrock", both).list_foundation_models()["modelSummaries"]
    narrow = session(stack, "bedrock", sts.assume_role(**wanted, PolicyArns=[{"arn": own}]))
    assert narrow.get_foundation_model(modelIdentifier=MODEL)["modelDetails"]
    assert refused(narrow.list_foundation_models) == ("AccessDeniedException", 403)
    iam.delete_policy(PolicyArn=own)
    assert refused(narrow.get_foundation_model, modelIdentifier=MODEL) == ("AccessDeniedException", 403)


def test_a_chained_session_lasts_an_hour(stack: Any, role: str) -> None:
    iam, sts = stack.client("iam"), stack.client("sts")
    iam.update_role(RoleName=ROLE, MaxSessionDuration=7200)
    iam.put_role_policy(
        RoleName=ROLE,
        PolicyName="p",
        PolicyDocument=document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}),
    )
    wanted = {"RoleArn": role, "RoleSessionName": "today", "DurationSeconds": 7200}
    chained = session(stack, "sts", sts.assume_role(**wanted))
    with pytest.raises(ClientError, match="exceeds the 1 hour session limit for roles assumed by role chain"):
        chained.assume_role(**wanted)
    assert chained.assume_role(**{**wanted, "DurationSeconds": 3600})["Credentials"]
    with pytest.raises(ClientError, match="exceeds the MaxSessionDuration set for this role"):
        sts.assume_role(**{**wanted, "DurationSeconds": 7201})
