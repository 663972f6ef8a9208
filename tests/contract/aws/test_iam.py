"""IAM by an unmodified boto3, against the whole stack: answers, defaults, pages, codes and statuses."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.aws.answers import ACCOUNT, keys_of, refused

POLICY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["sts:GetAccessKeyInfo"], "Resource": "*"}],
}


@pytest.fixture
def user(iam: Any) -> Iterator[str]:
    """A user of this test's own, with whatever it gets, gone at the end."""
    name = f"user.{time.time_ns()}@example+=,_-"
    iam.create_user(UserName=name)
    yield name
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    iam.delete_user(UserName=name)


def test_life_of_a_user(iam: Any) -> None:
    name = f"alice-{time.time_ns()}"
    created = iam.create_user(UserName=name, Path="/")["User"]
    assert created["Path"] == "/"
    assert created["UserName"] == name
    assert created["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{name}"
    assert created["UserId"].startswith("AIDA")
    assert abs(created["CreateDate"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert created["CreateDate"].microsecond == 0
    assert iam.get_user(UserName=name)["User"] == created
    assert refused(iam.create_user, UserName=name) == ("EntityAlreadyExists", 409)
    assert refused(iam.create_user, UserName=name.upper()) == ("EntityAlreadyExists", 409)
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_user(UserName=name)
    answer = iam.delete_user(UserName=name)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert refused(iam.get_user, UserName=name) == ("NoSuchEntity", 404)
    assert refused(iam.delete_user, UserName=name) == ("NoSuchEntity", 404)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_user(UserName=name)


def test_tags_and_the_boundary_of_a_user(iam: Any) -> None:
    name = f"tagged-{time.time_ns()}"
    bound = {
        "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
        "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
    }
    tags = [{"Key": "cost centre", "Value": "é/b+c @x: y=1"}, {"Key": "team", "Value": ""}]
    arn = bound["PermissionsBoundaryArn"]
    created = iam.create_user(UserName=name, Tags=tags, PermissionsBoundary=arn)["User"]
    try:
        assert created["Tags"] == tags
        assert created["PermissionsBoundary"] == bound
        assert iam.get_user(UserName=name)["User"] == created
        iam.tag_user(UserName=name, Tags=[{"Key": "Team", "Value": "red"}, {"Key": "x", "Value": "y"}])
        listed = {each["Key"].lower(): each["Value"] for each in iam.list_user_tags(UserName=name)["Tags"]}
        assert listed == {"cost centre": "é/b+c @x: y=1", "team": "red", "x": "y"}
        page = iam.list_user_tags(UserName=name, MaxItems=2)
        rest = iam.list_user_tags(UserName=name, MaxItems=2, Marker=page["Marker"])
        assert (len(page["Tags"]), len(rest["Tags"]), rest["IsTruncated"]) == (2, 1, False)
        iam.untag_user(UserName=name, TagKeys=["cost centre", "x", "none"])
        iam.delete_user_permissions_boundary(UserName=name)
        found = iam.get_user(UserName=name)["User"]
        assert [each["Value"] for each in found["Tags"]] == ["red"]
        assert "PermissionsBoundary" not in found
        iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=arn)
        assert iam.get_user(UserName=name)["User"]["PermissionsBoundary"] == bound
        nobodys = "arn:aws:iam::aws:policy/NoSuchPolicy"
        missing = {"UserName": name, "PermissionsBoundary": nobodys}
        assert refused(iam.put_user_permissions_boundary, **missing) == ("NoSuchEntity", 404)
    finally:
        iam.delete_user(UserName=name)


def test_a_request_without_a_name_is_about_the_caller(stack: Any, iam: Any, user: str) -> None:
    assert iam.get_user()["User"]["UserName"] == "admin"
    keys = iam.list_access_keys()["AccessKeyMetadata"]
    assert stack.credentials()["aws_access_key_id"] in {key["AccessKeyId"] for key in keys}
    assert {key["UserName"] for key in keys} == {"admin"}
    own = stack.client("iam", **keys_of(iam, user))
    everything = {"Effect": "Allow", "Action": "iam:*", "Resource": f"arn:aws:iam::{ACCOUNT}:user/{user}"}
    document = json.dumps({"Version": "2012-10-17", "Statement": everything})
    iam.put_user_policy(UserName=user, PolicyName="own", PolicyDocument=document)
    assert own.get_user()["User"]["UserName"] == user
    second = own.create_access_key()["AccessKey"]
    assert second["UserName"] == user
    own.update_access_key(AccessKeyId=second["AccessKeyId"], Status="Inactive")
    statuses = {key["AccessKeyId"]: key["Status"] for key in own.list_access_keys()["AccessKeyMetadata"]}
    assert statuses[second["AccessKeyId"]] == "Inactive"
    own.delete_access_key(AccessKeyId=second["AccessKeyId"])
    assert len(own.list_access_keys()["AccessKeyMetadata"]) == 1


def test_pages_of_users(iam: Any) -> None:
    stem = f"page-{time.time_ns()}-"
    names = [f"{stem}{number}" for number in range(5)]
    for name in names:
        iam.create_user(UserName=name)
    try:
        found: list[str] = []
        arguments: dict[str, Any] = {"MaxItems": 2}
        for _ in range(200):
            answer = iam.list_users(**arguments)
            assert len(answer["Users"]) <= 2
            found += [each["UserName"] for each in answer["Users"]]
            assert answer["IsTruncated"] is ("Marker" in answer)
            if not answer["IsTruncated"]:
                break
            arguments["Marker"] = answer["Marker"]
        assert [name for name in found if name.startswith(stem)] == names
        assert len(found) == len(set(found))
        paginator = iam.get_paginator("list_users")
        pages = paginator.paginate(PaginationConfig={"PageSize": 3})
        assert [each["UserName"] for page in pages for each in page["Users"]] == found
        everyone = iam.list_users(PathPrefix="/")["Users"]
        assert {each["Path"] for each in everyone} == {"/"}
        assert iam.list_users(PathPrefix="/elsewhere/")["Users"] == []
    finally:
        for name in names:
            iam.delete_user(UserName=name)
    assert refused(iam.list_users, Marker="no marker") == ("ValidationError", 400)
    assert refused(iam.list_users, MaxItems=1001) == ("ValidationError", 400)


def test_life_of_an_access_key(stack: Any, iam: Any, user: str) -> None:
    key = iam.create_access_key(UserName=user)["AccessKey"]
    assert key["UserName"] == user
    assert key["Status"] == "Active"
    assert len(key["SecretAccessKey"]) == 40
    (listed,) = iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
    assert listed == {each: key[each] for each in ("UserName", "AccessKeyId", "Status", "CreateDate")}
    secret = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    own = stack.client("sts", **secret)
    assert own.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{user}"
    iam.create_access_key(UserName=user)
    assert refused(iam.create_access_key, UserName=user) == ("LimitExceeded", 409)
    assert refused(iam.delete_user, UserName=user) == ("DeleteConflict", 409)
    iam.update_access_key(UserName=user, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    # The edge's lease of the signing key lasts for at most five seconds.
    deadline = time.monotonic() + 10
    code = ""
    while not code:
        assert time.monotonic() < deadline
        code = _code(own)
    assert code in {"InvalidClientTokenId", "ExpiredToken"}
    expired = {"UserName": user, "AccessKeyId": key["AccessKeyId"], "Status": "Expired"}
    assert refused(iam.update_access_key, **expired) == ("InvalidInput", 400)
    missing = {"UserName": user, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}
    assert refused(iam.delete_access_key, **missing) == ("NoSuchEntity", 404)
    assert refused(iam.update_access_key, **missing, Status="Active") == ("NoSuchEntity", 404)


def _code(sts: Any) -> str:
    """Return the code with which a caller is refused, "" when it is not."""
    try:
        sts.get_caller_identity()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    time.sleep(0.2)
    return ""


def test_life_of_an_inline_policy(iam: Any, user: str) -> None:
    condition = {"StringEquals": {"aws:username": "a & b <c> ]]> é % + \u00ff"}}
    hard = {**POLICY, "Statement": [{**POLICY["Statement"][0], "Condition": condition}]}
    for name, policy in (("first", POLICY), ("second+=,.@_-", hard)):
        iam.put_user_policy(UserName=user, PolicyName=name, PolicyDocument=json.dumps(policy))
        answer = iam.get_user_policy(UserName=user, PolicyName=name)
        assert (answer["UserName"], answer["PolicyName"]) == (user, name)
        # boto3 unquotes and parses what AWS, and the edge, send quoted.
        assert answer["PolicyDocument"] == policy
    assert iam.list_user_policies(UserName=user)["PolicyNames"] == ["first", "second+=,.@_-"]
    page = iam.list_user_policies(UserName=user, MaxItems=1)
    assert (page["PolicyNames"], page["IsTruncated"]) == (["first"], True)
    page = iam.list_user_policies(UserName=user, MaxItems=1, Marker=page["Marker"])
    assert (page["PolicyNames"], page["IsTruncated"]) == (["second+=,.@_-"], False)
    assert refused(iam.delete_user, UserName=user) == ("DeleteConflict", 409)
    iam.delete_user_policy(UserName=user, PolicyName="first")
    assert refused(iam.get_user_policy, UserName=user, PolicyName="first") == ("NoSuchEntity", 404)
    assert refused(iam.delete_user_policy, UserName=user, PolicyName="first") == ("NoSuchEntity", 404)


@pytest.mark.parametrize(
    "document",
    ["{", "[]", '{"Statement": []}', json.dumps({**POLICY, "Statement": [{"Effect": "Perhaps"}]})],
)
def test_policies_that_are_none(iam: Any, user: str, document: str) -> None:
    arguments = {"UserName": user, "PolicyName": "p", "PolicyDocument": document}
    assert refused(iam.put_user_policy, **arguments) == ("MalformedPolicyDocument", 400)
    assert iam.list_user_policies(UserName=user)["PolicyNames"] == []


def test_a_policy_that_is_too_long(iam: Any, user: str) -> None:
    long = json.dumps({**POLICY, "Id": "x" * 60_000})
    arguments = {"UserName": user, "PolicyName": "p", "PolicyDocument": long}
    assert refused(iam.put_user_policy, **arguments) == ("LimitExceeded", 409)


def test_inputs_that_break_the_model(iam: Any) -> None:
    assert refused(iam.get_user, UserName="a b") == ("ValidationError", 400)
    assert refused(iam.create_user, UserName="x" * 65) == ("ValidationError", 400)
    # Longer than any user's, and allowed by AWS's model.
    assert refused(iam.get_user, UserName="x" * 100) == ("NoSuchEntity", 404)


def test_a_user_without_a_policy_may_nothing_but_know_itself(stack: Any, iam: Any, user: str) -> None:
    keys = keys_of(iam, user)
    own = stack.client("iam", **keys)
    with pytest.raises(ClientError) as caught:
        own.list_users()
    error = caught.value.response["Error"]
    assert error["Code"] == "AccessDenied"
    assert error["Message"] == (
        f"User: arn:aws:iam::{ACCOUNT}:user/{user} is not authorized to perform: iam:ListUsers on resource: "
        f"arn:aws:iam::{ACCOUNT}:user/ because no identity-based policy allows the iam:ListUsers action"
    )
    assert refused(own.create_user, UserName="mallory") == ("AccessDenied", 403)
    assert refused(iam.get_user, UserName="mallory") == ("NoSuchEntity", 404)
    sts = stack.client("sts", **keys)
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{user}"
    key = keys["aws_access_key_id"]
    assert refused(sts.get_access_key_info, AccessKeyId=key) == ("AccessDenied", 403)
    iam.put_user_policy(UserName=user, PolicyName="info", PolicyDocument=json.dumps(POLICY))
    assert sts.get_access_key_info(AccessKeyId=key)["Account"] == ACCOUNT
