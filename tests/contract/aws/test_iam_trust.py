"""Trust policies as they are read and as they are in force, by an unmodified boto3."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.aws.answers import ACCOUNT, allowing, cleared, every, keys_of, refused, trusting

USER, ROLE = f"arn:aws:iam::{ACCOUNT}:user", f"arn:aws:iam::{ACCOUNT}:role"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role"
INVALID = ("MalformedPolicyDocument", 400)


@pytest.fixture
def stem(iam: Any) -> Iterator[str]:
    """A beginning of names; what is called so is gone at the end."""
    found = f"t{time.time_ns()}"
    yield found
    for kind in ("Role", "User"):
        for each in list(every(getattr(iam, f"list_{kind.lower()}s"), f"{kind}s", 1000)):
            if each[f"{kind}Name"].startswith(found):
                cleared(iam, kind, each[f"{kind}Name"])


@pytest.fixture
def told(iam: Any) -> Callable[[str], Any]:
    """Reads whom a role trusts, which all operations tell alike, and writes back what it read."""

    def read(name: str) -> Any:
        role = iam.get_role(RoleName=name)["Role"]
        listed = every(iam.list_roles, "Roles", 1000)
        details = every(iam.get_account_authorization_details, "RoleDetailList", 1000, Filter=["Role"])
        for found in (listed, details):
            one = next(each for each in found if each["RoleName"] == name)
            assert one["AssumeRolePolicyDocument"] == role["AssumeRolePolicyDocument"]
        document = json.dumps(role["AssumeRolePolicyDocument"])
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=document)
        assert iam.get_role(RoleName=name)["Role"] == role
        return role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"]

    return read


def session(stack: Any, name: str, session_name: str, **keys: str) -> dict[str, str]:
    """Assume a role and return the session's keys, as boto3's keyword arguments."""
    sts = stack.client("sts", **keys)
    given = sts.assume_role(RoleArn=f"{ROLE}/{name}", RoleSessionName=session_name)["Credentials"]
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }


def assumes(stack: Any, name: str, **keys: str) -> bool:
    """Say whether somebody may assume a role."""
    try:
        session(stack, name, "now", **keys)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


def test_a_namesake_is_not_let_in_by_what_was_read(stack: Any, iam: Any, stem: str, told: Any) -> None:
    old, new, name = f"{stem}-rn", f"{stem}-rn-new", f"{stem}-r"
    iam.create_user(UserName=old)
    meant = keys_of(iam, old)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(f"{USER}/{old}"))
    iam.update_user(UserName=old, NewUserName=new, NewPath="/x:y/")
    iam.create_user(UserName=old)
    namesake = keys_of(iam, old)
    for _ in range(2):
        assert told(name) == f"{USER}/x:y/{new}"
        assert (assumes(stack, name, **meant), assumes(stack, name, **namesake)) == (True, False)


def test_who_is_gone_is_an_id_and_stays_one(stack: Any, iam: Any, stem: str, told: Any) -> None:
    user, name = f"{stem}-u", f"{stem}-r"
    user_id = iam.create_user(UserName=user)["User"]["UserId"]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(f"{USER}/{user}"))
    assert told(name) == f"{USER}/{user}"
    iam.delete_user(UserName=user)
    assert told(name) == user_id
    iam.create_user(UserName=user)
    assert told(name) == user_id
    assert not assumes(stack, name, **keys_of(iam, user))
    update = iam.update_assume_role_policy
    for nobody in (f"AIDA{'A' * 17}", f"AROA{'A' * 17}", f"{SESSION}/AROA{'A' * 17}/b", f"{USER}/{stem}-no"):
        assert refused(update, RoleName=name, PolicyDocument=trusting(nobody)) == INVALID
    assert told(name) == user_id


def test_a_session_is_of_the_role_that_was_meant(stack: Any, iam: Any, stem: str, told: Any) -> None:
    source, name = f"{stem}-src", f"{stem}-r"
    source_id = iam.create_role(RoleName=source, AssumeRolePolicyDocument=trusting())["Role"]["RoleId"]
    bob = f"{SESSION}/{source}/bob"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(bob))
    assert told(name) == bob
    assert assumes(stack, name, **session(stack, source, "bob"))
    assert not assumes(stack, name, **session(stack, source, "carol"))
    iam.delete_role(RoleName=source)
    iam.create_role(RoleName=source, AssumeRolePolicyDocument=trusting())
    for _ in range(2):
        assert not assumes(stack, name, **session(stack, source, "bob"))
        assert told(name) == f"{SESSION}/{source_id}/bob"
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trusting(bob))
    assert assumes(stack, name, **session(stack, source, "bob"))


def test_a_user_whose_path_looks_like_a_session_is_a_user(stack: Any, iam: Any, stem: str, told: Any) -> None:
    user, name = f"{stem}-u", f"{stem}-r"
    arn = iam.create_user(UserName=user, Path="/:assumed-role/x/")["User"]["Arn"]
    only_users = {"StringEquals": {"aws:PrincipalType": "User"}}
    iam.put_user_policy(
        UserName=user, PolicyName="p", PolicyDocument=allowing("iam:GetUser", Condition=only_users)
    )
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(arn))
    keys = keys_of(iam, user)
    assert stack.client("sts", **keys).get_caller_identity()["Arn"] == arn
    assert stack.client("iam", **keys).get_user()["User"]["Arn"] == arn
    assert told(name) == arn
    assert assumes(stack, name, **keys)
