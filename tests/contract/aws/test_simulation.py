"""IAM's policy simulator by an unmodified boto3, against the whole stack."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

ACCOUNT = "123456789012"
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
    assert refused(PolicySourceArn=ARN, CallerArn=ARN) == ("InvalidInput", 400)
