"""Tags of users, roles and policies in requests and conditions, by an unmodified boto3."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.aws.answers import ACCOUNT, allowing, cleared, every, keys_of, refused, trusting

RED, BLUE = {"Key": "team", "Value": "red"}, {"Key": "team", "Value": "blue"}


@pytest.fixture
def stem() -> str:
    """A beginning of names that no other test has."""
    return f"t{time.time_ns()}"


@pytest.fixture
def client(stack: Any, iam: Any, stem: str) -> Iterator[Any]:
    """A client whose policy is `p` of the user named by `stem`."""
    iam.create_user(UserName=stem)
    yield stack.client("iam", **keys_of(iam, stem))
    cleared(iam, "User", stem)


def test_life_of_a_policys_tags(iam: Any, stem: str) -> None:
    made = iam.create_policy(PolicyName=stem, PolicyDocument=allowing("iam:GetUser"), Tags=[RED])["Policy"]
    arn = made["Arn"]
    try:
        assert made["Tags"] == [RED]
        iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "Team", "Value": "é"}, {"Key": "x", "Value": ""}])
        tags = [{"Key": "Team", "Value": "é"}, {"Key": "x", "Value": ""}]
        assert iam.get_policy(PolicyArn=arn)["Policy"]["Tags"] == tags
        assert list(every(iam.list_policy_tags, "Tags", 1, PolicyArn=arn)) == tags
        iam.untag_policy(PolicyArn=arn, TagKeys=["TEAM", "none"])
        assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == tags[1:]
        many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
        assert refused(iam.tag_policy, PolicyArn=arn, Tags=many) == ("LimitExceeded", 409)
        assert refused(iam.tag_policy, PolicyArn=f"{arn}x", Tags=[RED]) == ("NoSuchEntity", 404)
        reserved = [{"Key": "aws:x", "Value": ""}]
        assert refused(iam.tag_policy, PolicyArn=arn, Tags=reserved) == ("InvalidInput", 400)
        built_in = "arn:aws:iam::aws:policy/ReadOnlyAccess"
        assert refused(iam.tag_policy, PolicyArn=built_in, Tags=[RED]) == ("AccessDenied", 403)
    finally:
        iam.delete_policy(PolicyArn=arn)


def test_a_role_begins_with_boundary_and_tags(iam: Any, stem: str) -> None:
    bound = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    made = iam.create_role(
        RoleName=stem, AssumeRolePolicyDocument=trusting(), PermissionsBoundary=bound, Tags=[RED]
    )["Role"]
    try:
        expected = {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": bound}
        assert (made["PermissionsBoundary"], made["Tags"]) == (expected, [RED])
        assert iam.get_role(RoleName=stem)["Role"] == made
        iam.tag_role(RoleName=stem, Tags=[BLUE, {"Key": "x", "Value": "y"}])
        assert list(every(iam.list_role_tags, "Tags", 1, RoleName=stem)) == [BLUE, {"Key": "x", "Value": "y"}]
        iam.untag_role(RoleName=stem, TagKeys=["team"])
        iam.delete_role_permissions_boundary(RoleName=stem)
        found = iam.get_role(RoleName=stem)["Role"]
        assert ("PermissionsBoundary" in found, found["Tags"]) == (False, [{"Key": "x", "Value": "y"}])
        iam.put_role_permissions_boundary(RoleName=stem, PermissionsBoundary=bound)
        assert iam.get_role(RoleName=stem)["Role"]["PermissionsBoundary"] == expected
        # What listings leave out, AWS's leave out as well.
        (listed,) = [each for each in iam.list_roles()["Roles"] if each["RoleName"] == stem]
        assert "Tags" not in listed
    finally:
        cleared(iam, "Role", stem)


def test_creating_what_is_tagged_is_bound_by_its_tags(iam: Any, client: Any, stem: str) -> None:
    conditions = {
        "StringEquals": {"aws:RequestTag/team": "red"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
    }
    creating = [f"iam:{verb}{kind}" for verb in ("Create", "Tag") for kind in ("User", "Role", "Policy")]
    bound = allowing(*creating, Condition=conditions)
    iam.put_user_policy(UserName=stem, PolicyName="p", PolicyDocument=bound)
    calls = (
        (client.create_user, {"UserName": f"{stem}-x"}),
        (client.create_role, {"RoleName": f"{stem}-x", "AssumeRolePolicyDocument": trusting()}),
        (client.create_policy, {"PolicyName": f"{stem}-x", "PolicyDocument": allowing("iam:GetUser")}),
    )
    for call, arguments in calls:
        for tags in ([], [BLUE], [RED, {"Key": "more", "Value": ""}]):
            assert refused(call, **arguments, Tags=tags) == ("AccessDenied", 403)
        call(**arguments, Tags=[RED])
    cleared(iam, "User", f"{stem}-x")
    cleared(iam, "Role", f"{stem}-x")
    iam.delete_policy(PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/{stem}-x")


@pytest.mark.parametrize("service", ["aws", "iam"])
def test_actions_are_bound_by_the_tags_of_what_they_are_about(
    iam: Any, client: Any, stem: str, service: str
) -> None:
    red = {"StringEquals": {f"{service}:ResourceTag/team": "red"}}
    iam.put_user_policy(UserName=stem, PolicyName="p", PolicyDocument=allowing("iam:*", Condition=red))
    policy = allowing("iam:GetUser")
    made = iam.create_policy(PolicyName=f"{stem}-x", PolicyDocument=policy, Tags=[BLUE])["Policy"]["Arn"]
    iam.create_user(UserName=f"{stem}-x", Tags=[BLUE])
    iam.create_role(RoleName=f"{stem}-x", AssumeRolePolicyDocument=trusting(), Tags=[BLUE])
    calls = (
        (client.get_user, {"UserName": f"{stem}-x"}, iam.tag_user),
        (client.get_role, {"RoleName": f"{stem}-x"}, iam.tag_role),
        (client.get_policy, {"PolicyArn": made}, iam.tag_policy),
    )
    try:
        for call, arguments, tag in calls:
            assert refused(call, **arguments) == ("AccessDenied", 403)
            tag(**arguments, Tags=[RED])
            assert call(**arguments)
        assert refused(client.get_user, UserName=stem) == ("AccessDenied", 403)
        assert refused(client.get_user, UserName=f"{stem}-nobody") == ("AccessDenied", 403)
    finally:
        cleared(iam, "User", f"{stem}-x")
        cleared(iam, "Role", f"{stem}-x")
        iam.delete_policy(PolicyArn=made)
