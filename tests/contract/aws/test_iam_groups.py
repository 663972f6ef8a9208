"""IAM's groups by an unmodified boto3, against the whole stack."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.aws.answers import ACCOUNT, refused

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}],
}


@pytest.fixture
def names(iam: Any) -> Iterator[tuple[str, str]]:
    """A group and a user of this test's own, gone at the end with whatever hangs on them."""
    group, user = f"group-{time.time_ns()}", f"member-{time.time_ns()}"
    iam.create_group(GroupName=group)
    iam.create_user(UserName=user)
    yield group, user
    for member in iam.get_group(GroupName=group)["Users"]:
        iam.remove_user_from_group(GroupName=group, UserName=member["UserName"])
    for policy in iam.list_group_policies(GroupName=group)["PolicyNames"]:
        iam.delete_group_policy(GroupName=group, PolicyName=policy)
    iam.delete_group(GroupName=group)
    for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=user)


def test_life_of_a_group(iam: Any) -> None:
    name = f"g-{time.time_ns()}"
    created = iam.create_group(GroupName=name)["Group"]
    assert created["Path"] == "/"
    assert created["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/{name}"
    assert created["GroupId"].startswith("AGPA")
    answer = iam.get_group(GroupName=name)
    assert (answer["Group"], answer["Users"], answer["IsTruncated"]) == (created, [], False)
    assert created in iam.list_groups()["Groups"]
    assert iam.list_groups(PathPrefix="/elsewhere/")["Groups"] == []
    assert refused(iam.create_group, GroupName=name) == ("EntityAlreadyExists", 409)
    iam.delete_group(GroupName=name)
    assert refused(iam.get_group, GroupName=name) == ("NoSuchEntity", 404)
    assert refused(iam.delete_group, GroupName=name) == ("NoSuchEntity", 404)


def test_members(iam: Any, names: tuple[str, str]) -> None:
    group, user = names
    iam.add_user_to_group(GroupName=group, UserName=user)
    iam.add_user_to_group(GroupName=group, UserName="admin")
    page = iam.get_group(GroupName=group, MaxItems=1)
    assert ([each["UserName"] for each in page["Users"]], page["IsTruncated"]) == (["admin"], True)
    page = iam.get_group(GroupName=group, MaxItems=1, Marker=page["Marker"])
    assert ([each["UserName"] for each in page["Users"]], page["IsTruncated"]) == ([user], False)
    assert [each["GroupName"] for each in iam.list_groups_for_user(UserName=user)["Groups"]] == [group]
    assert refused(iam.delete_group, GroupName=group) == ("DeleteConflict", 409)
    assert refused(iam.delete_user, UserName=user) == ("DeleteConflict", 409)
    iam.remove_user_from_group(GroupName=group, UserName=user)
    assert iam.list_groups_for_user(UserName=user)["Groups"] == []
    # Both exist: it is the membership that does not.
    with pytest.raises(iam.exceptions.NoSuchEntityException) as caught:
        iam.remove_user_from_group(GroupName=group, UserName=user)
    text = f"The user with name {user} is not in group {group}."
    assert caught.value.response["Error"]["Message"] == text
    for call in (iam.add_user_to_group, iam.remove_user_from_group):
        assert refused(call, GroupName=group, UserName="nobody") == ("NoSuchEntity", 404)


def test_a_groups_policy_is_its_members(stack: Any, iam: Any, names: tuple[str, str]) -> None:
    group, user = names
    key = iam.create_access_key(UserName=user)["AccessKey"]
    own = stack.client(
        "iam", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    iam.put_group_policy(GroupName=group, PolicyName="list", PolicyDocument=json.dumps(POLICY))
    assert iam.list_group_policies(GroupName=group)["PolicyNames"] == ["list"]
    answer = iam.get_group_policy(GroupName=group, PolicyName="list")
    assert (answer["GroupName"], answer["PolicyName"]) == (group, "list")
    assert answer["PolicyDocument"] == POLICY
    assert refused(own.list_users) == ("AccessDenied", 403)
    iam.add_user_to_group(GroupName=group, UserName=user)
    assert user in {each["UserName"] for each in own.list_users()["Users"]}
    iam.remove_user_from_group(GroupName=group, UserName=user)
    assert refused(own.list_users) == ("AccessDenied", 403)
    bad = {"GroupName": group, "PolicyName": "p", "PolicyDocument": "{"}
    assert refused(iam.put_group_policy, **bad) == ("MalformedPolicyDocument", 400)
    assert refused(iam.delete_group, GroupName=group) == ("DeleteConflict", 409)
    iam.delete_group_policy(GroupName=group, PolicyName="list")
    assert refused(iam.get_group_policy, GroupName=group, PolicyName="list") == ("NoSuchEntity", 404)
