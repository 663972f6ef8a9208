"""What the audit log says a request is about, before anything is done for it."""

from typing import Any

import pytest

from services.edge.domain.model import JSON_SERVICES, QUERY_SERVICES, SERVICES, ServiceModel
from services.edge.domain.resources import answered_resources, request_resources

MODELS = {name: ServiceModel.load(name) for name in (*SERVICES, *QUERY_SERVICES, *JSON_SERVICES)}
ACCOUNT = "123456789012"
KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
KMS = f"arn:aws-x:kms:eu-west-1:{ACCOUNT}"
POLICY = "arn:aws-x:iam::123456789012:policy/p"


@pytest.mark.parametrize(
    ("service", "operation", "values", "expected"),
    [
        ("iam", "GetUser", {"UserName": "a"}, [f"arn:aws-x:iam::{ACCOUNT}:user/a"]),
        ("iam", "GetUser", {}, []),
        ("iam", "ListUsers", {"MaxItems": 1}, []),
        (
            "iam",
            "AddUserToGroup",
            {"GroupName": "g", "UserName": "a"},
            [f"arn:aws-x:iam::{ACCOUNT}:user/a", f"arn:aws-x:iam::{ACCOUNT}:group/g"],
        ),
        (
            "iam",
            "AttachRolePolicy",
            {"RoleName": "r", "PolicyArn": POLICY},
            [f"arn:aws-x:iam::{ACCOUNT}:role/r", POLICY],
        ),
        ("iam", "CreatePolicy", {"PolicyName": "p"}, [POLICY]),
        (
            "iam",
            "CreateRole",
            {"RoleName": "r", "Path": "/team/"},
            [f"arn:aws-x:iam::{ACCOUNT}:role/team/r"],
        ),
        (
            "iam",
            "PutRolePolicy",
            {"RoleName": "r", "PolicyName": "inline"},
            [f"arn:aws-x:iam::{ACCOUNT}:role/r"],
        ),
        ("iam", "SimulatePrincipalPolicy", {"PolicySourceArn": f"{POLICY}x"}, [f"{POLICY}x"]),
        ("sts", "AssumeRole", {"RoleArn": "arn:aws-x:iam::1:role/r"}, ["arn:aws-x:iam::1:role/r"]),
        ("sts", "GetSessionToken", {}, []),
        ("sts", "GetAccessKeyInfo", {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}, []),
        ("kms", "Encrypt", {"KeyId": "alias/a", "Plaintext": b"x"}, [f"{KMS}:alias/a"]),
        ("kms", "Decrypt", {"CiphertextBlob": b"x"}, []),
        ("kms", "DescribeKey", {"KeyId": "no key"}, []),
        ("kms", "DescribeKey", {"KeyId": "arn:aws:iam::1:role/r"}, []),
        (
            "kms",
            "ReEncrypt",
            {"SourceKeyId": KEY_ID, "DestinationKeyId": f"arn:aws-x:kms:eu-west-1:210987654321:key/{KEY_ID}"},
            [f"{KMS}:key/{KEY_ID}", f"arn:aws-x:kms:eu-west-1:210987654321:key/{KEY_ID}"],
        ),
        (
            "kms",
            "CreateAlias",
            {"AliasName": "alias/a", "TargetKeyId": KEY_ID},
            [f"{KMS}:key/{KEY_ID}", f"{KMS}:alias/a"],
        ),
        (
            "bedrock",
            "GetFoundationModel",
            {"modelIdentifier": "craton.m"},
            ["arn:aws-x:bedrock:eu-west-1::foundation-model/craton.m"],
        ),
    ],
)
def test_resources(service: str, operation: str, values: dict[str, Any], expected: list[str]) -> None:
    described = MODELS[service].operations[operation]
    assert list(request_resources(described, values, ACCOUNT, "eu-west-1", "aws-x")) == expected


@pytest.mark.parametrize(
    ("service", "operation", "output", "expected"),
    [
        ("kms", "Decrypt", {"KeyId": f"{KMS}:key/{KEY_ID}", "Plaintext": b"x"}, [f"{KMS}:key/{KEY_ID}"]),
        ("kms", "CreateKey", {"KeyMetadata": {"Arn": f"{KMS}:key/{KEY_ID}"}}, [f"{KMS}:key/{KEY_ID}"]),
        ("kms", "ScheduleKeyDeletion", {"KeyId": KEY_ID}, []),
        ("kms", "ListKeys", {"Keys": []}, []),
        ("iam", "GetUser", {"User": {"Arn": "arn:aws-x:iam::1:user/a"}}, []),
    ],
)
def test_what_only_the_output_names(
    service: str, operation: str, output: dict[str, Any], expected: list[str]
) -> None:
    described = MODELS[service].operations[operation]
    assert list(answered_resources(described, output)) == expected
