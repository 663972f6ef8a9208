"""IAM's managed policies by an unmodified boto3, against the whole stack."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.aws.answers import ACCOUNT, refused

BUNDLED = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def document(action: str) -> str:
    """Return a policy that allows one action."""
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_life_of_a_policy_and_its_versions(iam: Any) -> None:
    name = f"p-{time.time_ns()}"
    arguments = {"PolicyName": name, "PolicyDocument": document("iam:GetUser")}
    created = iam.create_policy(**arguments, Description="é & <x>")["Policy"]
    arn = created["Arn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/{name}"
    assert (created["Path"], created["DefaultVersionId"], created["AttachmentCount"]) == ("/", "v1", 0)
    assert created["PolicyId"].startswith("ANPA")
    found = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (found["PolicyName"], found["Description"], found["IsAttachable"]) == (name, "é & <x>", True)
    assert refused(iam.create_policy, **arguments) == ("EntityAlreadyExists", 409)
    second = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("iam:ListUsers"))
    assert second["PolicyVersion"]["VersionId"] == "v2"
    assert "Document" not in second["PolicyVersion"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert version["Document"] == json.loads(document("iam:ListUsers"))
    assert version["IsDefaultVersion"] is False
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert {each["VersionId"]: each["IsDefaultVersion"] for each in versions} == {"v1": False, "v2": True}
    assert refused(iam.delete_policy_version, PolicyArn=arn, VersionId="v2") == ("DeleteConflict", 409)
    assert refused(iam.delete_policy, PolicyArn=arn) == ("DeleteConflict", 409)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    assert refused(iam.get_policy_version, PolicyArn=arn, VersionId="v1") == ("NoSuchEntity", 404)
    iam.delete_policy(PolicyArn=arn)
    assert refused(iam.get_policy, PolicyArn=arn) == ("NoSuchEntity", 404)
    bad = {"PolicyName": name, "PolicyDocument": "{"}
    assert refused(iam.create_policy, **bad) == ("MalformedPolicyDocument", 400)


def test_policies_are_listed_by_scope(iam: Any) -> None:
    name = f"p-{time.time_ns()}"
    arn = iam.create_policy(PolicyName=name, PolicyDocument=document("iam:GetUser"))["Policy"]["Arn"]
    try:
        local = {each["Arn"] for each in iam.list_policies(Scope="Local")["Policies"]}
        bundled = {each["Arn"] for each in iam.list_policies(Scope="AWS")["Policies"]}
        everything = iam.get_paginator("list_policies").paginate(PaginationConfig={"PageSize": 2})
        assert arn in local
        assert BUNDLED in bundled
        assert {each["Arn"] for page in everything for each in page["Policies"]} == local | bundled
        attached = iam.list_policies(Scope="Local", OnlyAttached=True)["Policies"]
        assert arn not in {each["Arn"] for each in attached}
        iam.create_user(UserName=name, PermissionsBoundary=arn)
        for usage, found in (("PermissionsBoundary", True), ("PermissionsPolicy", False)):
            used = iam.list_policies(Scope="Local", PolicyUsageFilter=usage)["Policies"]
            assert (arn in {each["Arn"] for each in used}) is found
        iam.delete_user(UserName=name)
    finally:
        iam.delete_policy(PolicyArn=arn)


def test_attachments(stack: Any, iam: Any) -> None:
    stem = time.time_ns()
    user, group, role, name = (f"{kind}-{stem}" for kind in ("user", "group", "role", "policy"))
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
    }
    arn = iam.create_policy(PolicyName=name, PolicyDocument=document("iam:ListUsers"))["Policy"]["Arn"]
    iam.create_user(UserName=user)
    iam.create_group(GroupName=group)
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    own = stack.client(
        "iam", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    attached = [{"PolicyName": name, "PolicyArn": arn}]
    try:
        assert refused(own.list_users) == ("AccessDenied", 403)
        iam.attach_user_policy(UserName=user, PolicyArn=arn)
        assert own.list_users()["Users"]
        iam.attach_group_policy(GroupName=group, PolicyArn=arn)
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        assert iam.list_attached_user_policies(UserName=user)["AttachedPolicies"] == attached
        assert iam.list_attached_group_policies(GroupName=group)["AttachedPolicies"] == attached
        assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == attached
        elsewhere = iam.list_attached_user_policies(UserName=user, PathPrefix="/a/")
        assert elsewhere["AttachedPolicies"] == []
        found = iam.list_entities_for_policy(PolicyArn=arn)
        assert [each["UserName"] for each in found["PolicyUsers"]] == [user]
        assert [each["GroupName"] for each in found["PolicyGroups"]] == [group]
        assert [each["RoleName"] for each in found["PolicyRoles"]] == [role]
        users = iam.list_entities_for_policy(PolicyArn=arn, EntityFilter="User")
        assert ([*map(len, (users["PolicyUsers"], users["PolicyGroups"], users["PolicyRoles"]))]) == [1, 0, 0]
        assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 3
        assert refused(iam.delete_policy, PolicyArn=arn) == ("DeleteConflict", 409)
        nothing = {"UserName": user, "PolicyArn": f"{arn}x"}
        assert refused(iam.attach_user_policy, **nothing) == ("NoSuchEntity", 404)
        assert refused(iam.detach_user_policy, **nothing) == ("NoSuchEntity", 404)
        # The policy is there, and is not attached: AWS's words for that.
        with pytest.raises(ClientError, match=rf"\(NoSuchEntity\).*: Policy {BUNDLED} was not found\.$"):
            iam.detach_role_policy(RoleName=role, PolicyArn=BUNDLED)
    finally:
        iam.detach_user_policy(UserName=user, PolicyArn=arn)
        iam.detach_group_policy(GroupName=group, PolicyArn=arn)
        iam.detach_role_policy(RoleName=role, PolicyArn=arn)
        iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
        for delete, argument in (
            (iam.delete_user, {"UserName": user}),
            (iam.delete_group, {"GroupName": group}),
            (iam.delete_role, {"RoleName": role}),
            (iam.delete_policy, {"PolicyArn": arn}),
        ):
            delete(**argument)
