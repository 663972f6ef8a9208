"""ARNs and resource names convert both ways and refuse what is foreign."""

import pytest

from services.chassis.arn import (
    AssumedRole,
    arn_of,
    assumed_role,
    assumed_role_arn,
    foundation_model_arn,
    foundation_model_id,
    group_arn,
    name_of,
    policy_arn,
    resource_part,
    root_arn,
    user_arn,
)

PAIRS = [
    (
        "regions/us-east-1/foundationModels/craton.tiny-text-v1",
        "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1",
    ),
    (
        "accounts/123456789012/regions/eu-west-1/keys/0b6f2f1e-8d2c-4a51-9d6c-1f2a3b4c5d6e",
        "arn:aws:kms:eu-west-1:123456789012:key/0b6f2f1e-8d2c-4a51-9d6c-1f2a3b4c5d6e",
    ),
    (
        "accounts/123456789012/regions/eu-west-1/aliases/app/a",
        "arn:aws:kms:eu-west-1:123456789012:alias/app/a",
    ),
    ("accounts/123456789012/users/alice@x", "arn:aws:iam::123456789012:user/alice@x"),
    ("accounts/123456789012/groups/a.b@c=d,e+f_g-h", "arn:aws:iam::123456789012:group/a.b@c=d,e+f_g-h"),
    ("accounts/123456789012/policies/p", "arn:aws:iam::123456789012:policy/p"),
    ("accounts/123456789012/users/team/red/alice", "arn:aws:iam::123456789012:user/team/red/alice"),
    ("accounts/123456789012/roles/service-role/r", "arn:aws:iam::123456789012:role/service-role/r"),
    ("accounts/123456789012/policies/a:b/p", "arn:aws:iam::123456789012:policy/a:b/p"),
    ("managedPolicies/service-role/X", "arn:aws:iam::aws:policy/service-role/X"),
    ("managedPolicies/AdministratorAccess", "arn:aws:iam::aws:policy/AdministratorAccess"),
    ("accounts/123456789012", "arn:aws:iam::123456789012:root"),
    (
        "accounts/123456789012/regions/us-east-1/modelCustomizationJobs/craton.tiny-text-v1/abcdefghijkl",
        "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/craton.tiny-text-v1/abcdefghijkl",
    ),
]


@pytest.mark.parametrize(("name", "arn"), PAIRS)
def test_round_trip(name: str, arn: str) -> None:
    assert arn_of(name) == arn
    assert name_of(arn) == name
    assert name_of(arn.replace("arn:aws:", "arn:aws-cn:"), "aws-cn") == name


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "arn:aws-cn:iam::123456789012:root",
        "arn:aws:iam::12345678901:root",
        "arn:aws:iam::123456789012:root\n",
        "arn:aws:iam::123456789012:user/a/",
        "arn:aws:iam::123456789012:user//",
        "arn:aws:iam::123456789012:user/a b/c",
        "arn:aws:iam::123456789012:root/a",
        "arn:aws:bedrock:us-east-1:123456789012:foundation-model/craton.tiny-text-v1",
        "arn:aws:bedrock:us-east-1::foundation-model/*",
    ],
)
def test_foreign_arns_are_refused(arn: str) -> None:
    with pytest.raises(ValueError):
        name_of(arn)


@pytest.mark.parametrize(
    "name", ["", "accounts/1", "accounts/123456789012/users/", "regions/x/foundationModels/a"]
)
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError):
        arn_of(name)


def test_short_forms_agree_with_the_table() -> None:
    assert foundation_model_arn("us-east-1", "craton.tiny-text-v1") == PAIRS[0][1]
    assert user_arn("123456789012", "alice@x") == PAIRS[3][1]
    account, arns = "123456789012", dict(PAIRS)
    assert root_arn(account) == arns[f"accounts/{account}"]
    group = "a.b@c=d,e+f_g-h"
    assert group_arn(account, group) == arns[f"accounts/{account}/groups/{group}"]
    assert policy_arn(account, "p") == arns[f"accounts/{account}/policies/p"]
    assert policy_arn("aws", "AdministratorAccess") == arns["managedPolicies/AdministratorAccess"]


def test_the_model_of_an_arn() -> None:
    assert foundation_model_id(PAIRS[0][1], "us-east-1") == "craton.tiny-text-v1"
    chinese = foundation_model_arn("cn-north-1", "craton.tiny-text-v1:0", "aws-cn")
    assert foundation_model_id(chinese, "cn-north-1", "aws-cn") == "craton.tiny-text-v1:0"


@pytest.mark.parametrize(
    ("arn", "region", "partition"),
    [
        (PAIRS[0][1], "us-east-1", "aws-cn"),
        (PAIRS[0][1].replace("arn:aws:", "arn:aws-cn:"), "us-east-1", "aws"),
        (PAIRS[0][1], "us-east-2", "aws"),
        (PAIRS[0][1], "us-east", "aws"),
        (PAIRS[1][1], "eu-west-1", "aws"),
        (PAIRS[5][1], "us-east-1", "aws"),
        ("craton.tiny-text-v1", "us-east-1", "aws"),
    ],
)
def test_what_is_no_foundation_model_here(arn: str, region: str, partition: str) -> None:
    with pytest.raises(ValueError):
        foundation_model_id(arn, region, partition)


@pytest.mark.parametrize(
    ("arn", "resource"),
    [
        ("arn:aws:iam::123456789012:user/x:y/n", "user/x:y/n"),
        ("arn:aws:iam::123456789012:user/:role/:/n", "user/:role/:/n"),
        ("arn:aws:iam::123456789012:root", "root"),
        ("arn:aws:bedrock:us-east-1::foundation-model/a.b:0", "foundation-model/a.b:0"),
        ("*", "*"),
    ],
)
def test_a_resource_keeps_its_colons(arn: str, resource: str) -> None:
    assert resource_part(arn) == resource


def test_sessions_of_roles_are_read() -> None:
    arn = assumed_role_arn("123456789012", "r.x", "b@c", "aws-cn")
    assert assumed_role(arn) == AssumedRole("aws-cn", "123456789012", "r.x", "b@c")
    for wrong in (
        "",
        "arn:aws:iam::123456789012:user/:assumed-role/r/b",
        "arn:aws:sts::123456789012:assumed-role/p/r/b",
        "arn:aws:sts::123456789012:assumed-role/r",
        "arn:aws:sts::12345678901:assumed-role/r/b",
        "arn:aws:iam::123456789012:role/r",
        arn + "\n",
    ):
        with pytest.raises(ValueError, match="not the ARN of a role's session"):
            assumed_role(wrong)
