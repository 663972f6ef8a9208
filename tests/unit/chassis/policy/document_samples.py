"""Policy documents and ARNs as people write them."""

from typing import Any

from services.chassis.policy import kinds
from services.chassis.policy.kinds import PolicyKind

DOCUMENTS: tuple[tuple[PolicyKind, dict[str, Any]], ...] = (
    (
        kinds.IDENTITY,
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "InvokeThroughOneProfile",
                    "Effect": "Allow",
                    "Action": ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
                    "Resource": "arn:aws:bedrock:*::foundation-model/craton.*",
                    "Condition": {
                        "StringLike": {
                            "bedrock:InferenceProfileArn": "arn:aws:bedrock:us-east-1:123456789012:*"
                        },
                        "DateLessThan": {"aws:CurrentTime": "2026-12-31T23:59:59Z"},
                    },
                },
                {
                    "Sid": "Home",
                    "Effect": "Allow",
                    "Action": "kms:*",
                    "Resource": "arn:aws:kms:us-east-1:123456789012:key/${aws:PrincipalTag/team, 'none'}-*",
                    "Condition": {
                        "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["team", "project"]},
                        "Null": {"kms:EncryptionContextKeys": False},
                    },
                },
                {
                    "Effect": "Deny",
                    "NotAction": ["iam:*", "sts:*"],
                    "NotResource": ["arn:aws:iam::123456789012:role/*", "*"],
                    "Condition": {
                        "NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "2001:db8::/32"]},
                        "BoolIfExists": {"aws:MultiFactorAuthPresent": "false"},
                        "NumericGreaterThan": {"aws:EpochTime": 1795257000},
                    },
                },
            ],
        },
    ),
    (
        kinds.SERVICE_CONTROL,
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Deny",
                "Action": "bedrock:CreateFoundationModelAgreement",
                "Resource": "*",
                "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:*:iam::*:role/models/*"}},
            },
        },
    ),
    (
        kinds.RESOURCE_CONTROL,
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
                {
                    "Effect": "Deny",
                    "Principal": {"AWS": "*"},
                    "Action": "kms:*",
                    "Resource": "*",
                    "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
                },
            ],
        },
    ),
    (
        kinds.TRUST,
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/idp.example/tenant"},
                "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
                "Condition": {
                    "StringEquals": {"idp.example/tenant:aud": "craton"},
                    "ForAnyValue:StringLike": {"idp.example/tenant:amr": ["hw*", "sc"]},
                },
            },
        },
    ),
    (
        kinds.KEY,
        {
            "Version": "2008-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {
                        "AWS": [
                            "123456789012",
                            "arn:aws:iam::210987654321:user/a/b",
                            "AROAABCDEFGHIJKLMNOPQ",
                        ],
                        "Service": "bedrock.amazonaws.com",
                    },
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Effect": "Deny",
                    "NotPrincipal": {"AWS": "arn:aws:sts::123456789012:assumed-role/reader/session"},
                    "Action": "kms:Decrypt",
                    "Resource": "arn:aws:kms:us-east-1:123456789012:key/${",
                },
            ],
        },
    ),
)
"""One for each kind of element."""

ARNS = (
    "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1",
    "arn:aws:kms:us-east-1:123456789012:key/0123-abcd",
    "arn:aws:kms:us-east-1:123456789012:alias/team/a",
    "arn:aws:iam::123456789012:user/alice",
    "arn:aws:iam::123456789012:role/reader",
    "arn:aws:iam::123456789012:group/people",
    "arn:aws:iam::123456789012:policy/readers",
    "arn:aws:iam::aws:policy/AdministratorAccess",
    "arn:aws:iam::123456789012:root",
    "arn:aws:sts::123456789012:assumed-role/reader/session",
    "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/a.b:1/0123456789ab",
)
