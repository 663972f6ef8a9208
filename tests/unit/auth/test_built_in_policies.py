"""The policies that come with this software."""

import pytest

from services.auth.adapters.built_in_policies import built_in_policies
from services.chassis.policy.document import parse
from services.chassis.policy.evaluator import PolicySet
from services.chassis.policy.model import Verdict


@pytest.mark.parametrize(
    ("name", "allowed", "denied"),
    [
        ("AdministratorAccess", ("iam:DeleteUser", "bedrock:InvokeModel"), ()),
        (
            "AmazonBedrockFullAccess",
            ("bedrock:InvokeModel", "bedrock:CreateModelCustomizationJob", "kms:DescribeKey"),
            ("kms:Decrypt", "iam:CreateUser", "iam:PassRole"),
        ),
        (
            "AmazonBedrockReadOnly",
            ("bedrock:GetFoundationModel", "bedrock:ListFoundationModels"),
            ("bedrock:InvokeModel", "bedrock:CreateFoundationModelAgreement", "kms:DescribeKey"),
        ),
        (
            "ReadOnlyAccess",
            ("bedrock:ListFoundationModels", "iam:GetUser", "kms:ListKeys", "cloudtrail:LookupEvents"),
            (
                "bedrock:InvokeModel",
                "iam:CreateAccessKey",
                "kms:Decrypt",
                "kms:GenerateDataKey",
                "sts:AssumeRole",
            ),
        ),
    ],
)
def test_built_in_policies_permit_what_their_names_say(
    name: str, allowed: tuple[str, ...], denied: tuple[str, ...]
) -> None:
    found = built_in_policies().by_name[name]
    assert built_in_policies().by_id[found.policy.policy_id] is found
    policies = PolicySet([parse(found.version.document)])
    for action in (*allowed, *denied):
        verdict = policies.evaluate(action, "*", {}).verdict
        assert verdict is (Verdict.ALLOW if action in allowed else Verdict.IMPLICIT_DENY), action


def test_ids_of_built_in_policies_never_change() -> None:
    # Attachments refer to them: another id would detach the policy everywhere.
    assert {name: each.policy.policy_id for name, each in built_in_policies().by_name.items()} == {
        "AdministratorAccess": "ANPA34SN6YCLNSZWWPS7E",
        "AmazonBedrockFullAccess": "ANPAEORBBUXQ7YHW3EVMH",
        "AmazonBedrockReadOnly": "ANPA53AQQNOYTB6ER6HPY",
        "ReadOnlyAccess": "ANPAEBQRJMRUNJOVKCUK2",
    }
