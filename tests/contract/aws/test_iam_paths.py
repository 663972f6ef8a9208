"""Paths of what IAM knows, and what moves, by an unmodified boto3, against the whole stack."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.aws.answers import ACCOUNT, allowing, cleared, document, every, keys_of, refused, trusting


@pytest.fixture
def stem() -> str:
    """A beginning of names and a path that no other test has."""
    return f"p{time.time_ns()}"


@pytest.fixture
def user(iam: Any, stem: str) -> Iterator[str]:
    """A user below a path of its own."""
    name = f"{stem}-user"
    iam.create_user(UserName=name, Path=f"/{stem}/red/")
    yield name
    for each in iam.list_users(PathPrefix=f"/{stem}/")["Users"]:
        cleared(iam, "User", each["UserName"])


def test_paths_stand_in_arns_and_select_listings(iam: Any, stem: str) -> None:
    path, arn = f"/{stem}/a.b=c@d/", f"arn:aws:iam::{ACCOUNT}:"
    name = f"{stem}-x"
    made = iam.create_policy(PolicyName=name, PolicyDocument=allowing("iam:GetUser"), Path=path)["Policy"]
    created = {
        "user": iam.create_user(UserName=name, Path=path)["User"],
        "group": iam.create_group(GroupName=name, Path=path)["Group"],
        "role": iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trusting())["Role"],
        "policy": made,
    }
    try:
        for kind, each in created.items():
            assert (each["Path"], each["Arn"]) == (path, f"{arn}{kind}{path}{name}")
        assert iam.get_user(UserName=name)["User"] == created["user"]
        assert iam.get_role(RoleName=name)["Role"] == created["role"]
        assert iam.get_policy(PolicyArn=made["Arn"])["Policy"]["Path"] == path
        listings = (
            (iam.list_users, "Users", "UserName"),
            (iam.list_groups, "Groups", "GroupName"),
            (iam.list_roles, "Roles", "RoleName"),
            (iam.list_policies, "Policies", "PolicyName"),
        )
        for call, member, field in listings:
            for prefix in (f"/{stem}/", path):
                assert [each[field] for each in call(PathPrefix=prefix)[member]] == [name]
            for prefix in (f"/{stem}/b/", path.upper(), f"/x{stem}/"):
                assert call(PathPrefix=prefix)[member] == []
        assert [each["UserName"] for each in iam.list_users(PathPrefix=f"/{stem}/a.")["Users"]] == [name]
        # A policy is named by its whole ARN.
        assert refused(iam.get_policy, PolicyArn=f"{arn}policy/{name}") == ("NoSuchEntity", 404)
        assert refused(iam.delete_policy, PolicyArn=f"{arn}policy/{name}") == ("NoSuchEntity", 404)
        iam.attach_role_policy(RoleName=name, PolicyArn=made["Arn"])
        attached = iam.list_attached_role_policies
        assert attached(RoleName=name, PathPrefix=path)["AttachedPolicies"][0]["PolicyArn"] == made["Arn"]
        assert attached(RoleName=name, PathPrefix="/b/")["AttachedPolicies"] == []
        users_of = iam.list_entities_for_policy
        assert len(users_of(PolicyArn=made["Arn"], PathPrefix=path)["PolicyRoles"]) == 1
        assert users_of(PolicyArn=made["Arn"], PathPrefix="/b/")["PolicyRoles"] == []
    finally:
        for kind in ("User", "Group", "Role"):
            cleared(iam, kind, name)
        iam.delete_policy(PolicyArn=made["Arn"])
    # Wildcards would be some in every policy that names the ARN.
    for bad in (f"/{stem}/*/", "/a?/"):
        assert refused(iam.create_user, UserName=name, Path=bad) == ("InvalidInput", 400)
        # CreateGroup declares no InvalidInput.
        assert refused(iam.create_group, GroupName=name, Path=bad) == ("ValidationError", 400)
        role = {"RoleName": name, "AssumeRolePolicyDocument": trusting()}
        assert refused(iam.create_role, **role, Path=bad) == ("InvalidInput", 400)
    for bad in ("a/", "/a", "/a b/", "//" * 300):
        assert refused(iam.create_user, UserName=name, Path=bad) == ("ValidationError", 400)


def test_a_path_may_have_any_other_sign(stack: Any, iam: Any, stem: str) -> None:
    name, path, head = f"{stem}-x", f"/{stem}:!~:y/", f"arn:aws:iam::{ACCOUNT}:"
    created = {
        "User": iam.create_user(UserName=name, Path=path)["User"],
        "Group": iam.create_group(GroupName=name, Path=path)["Group"],
        "Role": iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trusting())["Role"],
    }
    try:
        for kind, each in created.items():
            assert (each["Path"], each["Arn"]) == (path, f"{head}{kind.lower()}{path}{name}")
            assert getattr(iam, f"get_{kind.lower()}")(**{f"{kind}Name": name})[kind] == each
            listing = getattr(iam, f"list_{kind.lower()}s")(PathPrefix=path)[f"{kind}s"]
            assert [(found["Path"], found["Arn"]) for found in listing] == [(path, each["Arn"])]
        details = iam.get_account_authorization_details(Filter=["User", "Group", "Role"], MaxItems=1000)
        for kind in created:
            found = next(each for each in details[f"{kind}DetailList"] if each[f"{kind}Name"] == name)
            assert found["Path"] == path
        # Whoever lives there is the user that requests without a name are about.
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=allowing("iam:*"))
        own = stack.client("iam", **keys_of(iam, name))
        assert own.get_user()["User"] == created["User"]
        assert len(own.list_access_keys()["AccessKeyMetadata"]) == 1
        assert own.create_access_key()["AccessKey"]["UserName"] == name
    finally:
        for kind in created:
            cleared(iam, kind, name)


def test_policies_are_about_paths(stack: Any, iam: Any, stem: str, user: str) -> None:
    everything = allowing("iam:*", resource=f"arn:aws:iam::{ACCOUNT}:user/{stem}/red/*")
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=everything)
    own = stack.client("iam", **keys_of(iam, user))
    assert own.get_user()["User"]["UserName"] == user
    assert [each["UserName"] for each in own.list_users(PathPrefix=f"/{stem}/red/")["Users"]] == [user]
    for call, arguments in (
        (own.list_users, {}),
        (own.list_users, {"PathPrefix": f"/{stem}/"}),
        (own.create_user, {"UserName": f"{stem}-2"}),
        (own.create_user, {"UserName": f"{stem}-2", "Path": f"/{stem}/blue/"}),
        # To move something both what it was and what it becomes must be the caller's to change.
        (own.update_user, {"UserName": user, "NewPath": f"/{stem}/blue/"}),
        (own.get_user, {"UserName": "admin"}),
    ):
        assert refused(call, **arguments) == ("AccessDenied", 403)
    own.create_user(UserName=f"{stem}-2", Path=f"/{stem}/red/")
    own.update_user(UserName=f"{stem}-2", NewPath=f"/{stem}/red/deep/", NewUserName=f"{stem}-3")
    own.delete_user(UserName=f"{stem}-3")


def test_a_user_is_renamed_and_stays_who_it_is(stack: Any, iam: Any, stem: str, user: str) -> None:
    keys, before = keys_of(iam, user), iam.get_user(UserName=user)["User"]
    role, new = f"{stem}-role", f"{stem}-New"
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    new_arn = f"arn:aws:iam::{ACCOUNT}:user/{stem}/blue/{new}"
    own_name = document(
        {"Effect": "Allow", "Action": "iam:ListUserTags", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "iam:ListUserTags",
            "Resource": "*",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": new_arn}},
        },
    )
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=own_name)
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trusting(before["Arn"]))
    sts = stack.client("sts", **keys)
    assume = {"RoleArn": role_arn, "RoleSessionName": "now"}
    try:
        assert sts.assume_role(**assume)["AssumedRoleUser"]["Arn"].endswith("/now")
        tags = stack.client("iam", **keys).list_user_tags
        assert tags(UserName=user)["Tags"] == []
        iam.update_user(UserName=user, NewUserName=new, NewPath=f"/{stem}/blue/")
        found = iam.get_user(UserName=new)["User"]
        assert (found["Arn"], found["UserId"]) == (new_arn, before["UserId"])
        assert refused(iam.get_user, UserName=user) == ("NoSuchEntity", 404)
        # Conditions see the new name at once, and what is about the user's id does not see that it changed.
        assert refused(tags, UserName=new) == ("AccessDenied", 403)
        assert sts.get_caller_identity()["Arn"] == new_arn
        assert sts.assume_role(**assume)["AssumedRoleUser"]["Arn"].endswith("/now")
        assert iam.list_user_policies(UserName=new)["PolicyNames"] == ["p"]
        # Whoever gets the old name now is somebody else.
        iam.create_user(UserName=user, Path=f"/{stem}/red/")
        other = stack.client("sts", **keys_of(iam, user))
        assert refused(other.assume_role, **assume) == ("AccessDenied", 403)
        taken = {"UserName": user, "NewUserName": new.lower()}
        assert refused(iam.update_user, **taken) == ("EntityAlreadyExists", 409)
        iam.update_user(UserName=new, NewUserName=new.upper())
        assert iam.get_user(UserName=new.upper())["User"]["UserId"] == before["UserId"]
        missing = {"UserName": f"{stem}-nobody", "NewPath": "/"}
        assert refused(iam.update_user, **missing) == ("NoSuchEntity", 404)
    finally:
        iam.delete_role(RoleName=role)


def test_a_group_is_renamed_with_its_members(stack: Any, iam: Any, stem: str, user: str) -> None:
    name, new = f"{stem}-g", f"{stem}-h"
    iam.create_group(GroupName=name)
    iam.put_group_policy(GroupName=name, PolicyName="p", PolicyDocument=allowing("iam:ListRoles"))
    iam.add_user_to_group(GroupName=name, UserName=user)
    try:
        iam.update_group(GroupName=name, NewGroupName=new, NewPath=f"/{stem}/")
    except BaseException:
        cleared(iam, "Group", name)
        raise
    try:
        answer = iam.get_group(GroupName=new)
        assert answer["Group"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/{stem}/{new}"
        assert [each["UserName"] for each in answer["Users"]] == [user]
        assert stack.client("iam", **keys_of(iam, user)).list_roles(MaxItems=1)["Roles"] is not None
        assert refused(iam.get_group, GroupName=name) == ("NoSuchEntity", 404)
    finally:
        cleared(iam, "Group", new)


def test_a_roles_path_is_seen_by_conditions_and_needed_to_assume_it(stack: Any, iam: Any, stem: str) -> None:
    name = f"{stem}-r"
    arn = f"arn:aws:iam::{ACCOUNT}:role/{stem}/{name}"
    only_here = {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/{stem}/*"}}
    iam.create_role(RoleName=name, Path=f"/{stem}/", AssumeRolePolicyDocument=trusting())
    policy = allowing("iam:ListRoles", Condition=only_here)
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    try:
        sts = stack.client("sts")
        short = {"RoleArn": arn.replace(f"/{stem}/", "/"), "RoleSessionName": "now"}
        assert refused(sts.assume_role, **short) == ("AccessDenied", 403)
        answer = sts.assume_role(RoleArn=arn, RoleSessionName="now")
        assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/now"
        given = answer["Credentials"]
        own = stack.client(
            "iam",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
        assert own.list_roles(MaxItems=1)["Roles"]
    finally:
        cleared(iam, "Role", name)


def test_listings_below_a_path_have_whole_pages(iam: Any, stem: str) -> None:
    names = [f"{stem}-{number}" for number in range(5)]
    for number, name in enumerate(names):
        iam.create_user(UserName=name, Path=f"/{stem}/even/" if number % 2 == 0 else f"/{stem}/odd/")
    try:
        even = every(iam.list_users, "Users", 2, PathPrefix=f"/{stem}/even/")
        assert [each["UserName"] for each in even] == names[::2]
        assert [
            each["UserName"] for each in every(iam.list_users, "Users", 2, PathPrefix=f"/{stem}/")
        ] == names
    finally:
        for name in names:
            iam.delete_user(UserName=name)
