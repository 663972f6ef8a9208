"""IAM's roles by an unmodified boto3, against the whole stack."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.aws.answers import ACCOUNT, refused

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "sts:AssumeRole",
        }
    ],
}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}],
}


@pytest.fixture
def role(iam: Any) -> Iterator[str]:
    """A role of this test's own, gone at the end with whatever hangs on it."""
    name = f"role-{time.time_ns()}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    yield name
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


def test_life_of_a_role(iam: Any) -> None:
    name = f"r-{time.time_ns()}"
    arguments = {"RoleName": name, "AssumeRolePolicyDocument": json.dumps(TRUST)}
    created = iam.create_role(**arguments, Description="for é & <all>", MaxSessionDuration=7200)["Role"]
    assert created["Path"] == "/"
    assert created["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/{name}"
    assert created["RoleId"].startswith("AROA")
    assert created["AssumeRolePolicyDocument"] == TRUST
    assert (created["Description"], created["MaxSessionDuration"]) == ("for é & <all>", 7200)
    assert iam.get_role(RoleName=name)["Role"] == created
    assert name in {each["RoleName"] for each in iam.list_roles()["Roles"]}
    assert iam.list_roles(PathPrefix="/elsewhere/")["Roles"] == []
    assert refused(iam.create_role, **arguments) == ("EntityAlreadyExists", 409)
    iam.delete_role(RoleName=name)
    assert refused(iam.get_role, RoleName=name) == ("NoSuchEntity", 404)
    assert refused(iam.delete_role, RoleName=name) == ("NoSuchEntity", 404)


def test_what_changes_of_a_role(iam: Any, role: str) -> None:
    assert iam.get_role(RoleName=role)["Role"]["MaxSessionDuration"] == 3600
    iam.update_role(RoleName=role, Description="one", MaxSessionDuration=3601)
    iam.update_role(RoleName=role, MaxSessionDuration=43200)
    found = iam.get_role(RoleName=role)["Role"]
    assert (found["Description"], found["MaxSessionDuration"]) == ("one", 43200)
    assert iam.update_role_description(RoleName=role, Description="two")["Role"]["Description"] == "two"
    trust = json.loads(json.dumps(TRUST).replace(":root", ":user/admin"))
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
    assert iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"] == trust
    assert refused(iam.update_role, RoleName=role, MaxSessionDuration=43201) == ("ValidationError", 400)
    # A trust policy names principals.
    bad = {"RoleName": role, "PolicyDocument": json.dumps(POLICY)}
    assert refused(iam.update_assume_role_policy, **bad) == ("MalformedPolicyDocument", 400)


def test_inline_policies_of_a_role(iam: Any, role: str) -> None:
    iam.put_role_policy(RoleName=role, PolicyName="list", PolicyDocument=json.dumps(POLICY))
    answer = iam.get_role_policy(RoleName=role, PolicyName="list")
    assert (answer["RoleName"], answer["PolicyName"]) == (role, "list")
    assert answer["PolicyDocument"] == POLICY
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == ["list"]
    assert refused(iam.delete_role, RoleName=role) == ("DeleteConflict", 409)
    iam.delete_role_policy(RoleName=role, PolicyName="list")
    assert refused(iam.get_role_policy, RoleName=role, PolicyName="list") == ("NoSuchEntity", 404)
    bad = {"RoleName": role, "PolicyName": "p", "PolicyDocument": "{"}
    assert refused(iam.put_role_policy, **bad) == ("MalformedPolicyDocument", 400)
