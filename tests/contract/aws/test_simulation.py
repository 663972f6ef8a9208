"""IAM's policy simulator by an unmodified boto3, against the whole stack."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.aws.answers import ACCOUNT

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
    def refused(**arguments: Any) -> tuple[str, int]:
        with pytest.raises(ClientError) as caught:
            iam.simulate_principal_policy(ActionNames=["bedrock:InvokeModel"], **arguments)
        response = caught.value.response
        return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]

    assert refused(PolicySourceArn=f"{ARN}-nobody") == ("NoSuchEntity", 404)
    assert refused(PolicySourceArn=ARN, ResourceHandlingOption="EC2-VPC") == ("InvalidInput", 400)
    assert refused(PolicySourceArn=ARN, CallerArn=f"arn:aws:iam::{ACCOUNT}:group/x") == ("InvalidInput", 400)
    assert refused(PolicySourceArn=ARN, ResourceOwner="arn:aws:iam::1:user/x") == ("InvalidInput", 400)


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
