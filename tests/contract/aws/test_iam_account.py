"""What IAM tells of an account as a whole, by an unmodified boto3, against the whole stack."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.aws.answers import ACCOUNT, allowing, cleared, every, keys_of, refused, trusting

BUILT_IN = "arn:aws:iam::aws:policy/ReadOnlyAccess"


@pytest.fixture
def stem(iam: Any) -> Iterator[str]:
    """The name of a user, a group, a role and a policy, each with what can hang on it."""
    name, path = f"d{time.time_ns()}", "/details/"
    tags = [{"Key": "a", "Value": "b + é"}]
    policy = {"PolicyName": name, "PolicyDocument": allowing("iam:GetUser"), "Path": path}
    arn = iam.create_policy(**policy, Description="for é")["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=allowing("iam:ListUsers"), SetAsDefault=True)
    iam.create_user(UserName=name, Path=path, Tags=tags, PermissionsBoundary=BUILT_IN)
    iam.create_group(GroupName=name, Path=path)
    iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trusting(), Tags=tags)
    iam.add_user_to_group(GroupName=name, UserName=name)
    for kind in ("user", "group", "role"):
        named = {f"{kind.capitalize()}Name": name}
        put = getattr(iam, f"put_{kind}_policy")
        put(**named, PolicyName="inline", PolicyDocument=allowing(f"iam:Get{kind.capitalize()}"))
        getattr(iam, f"attach_{kind}_policy")(**named, PolicyArn=arn)
    iam.attach_role_policy(RoleName=name, PolicyArn=BUILT_IN)
    yield name
    for kind in ("User", "Group", "Role"):
        cleared(iam, kind, name)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)


def test_details_tell_who_has_which_rights(iam: Any, stem: str) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/details/{stem}"
    attached = {"PolicyName": stem, "PolicyArn": arn}
    found = iam.get_account_authorization_details(MaxItems=1000)
    assert found["IsTruncated"] is False
    (user,) = [each for each in found["UserDetailList"] if each["UserName"] == stem]
    (group,) = [each for each in found["GroupDetailList"] if each["GroupName"] == stem]
    (role,) = [each for each in found["RoleDetailList"] if each["RoleName"] == stem]
    (policy,) = [each for each in found["Policies"] if each["PolicyName"] == stem]
    (built_in,) = [each for each in found["Policies"] if each["Arn"] == BUILT_IN]
    described = iam.get_user(UserName=stem)["User"]
    assert {name: user[name] for name in described} == described
    assert user["GroupList"] == [stem]
    for kind, each in (("User", user), ("Group", group), ("Role", role)):
        (inline,) = each[f"{kind}PolicyList"]
        assert inline["PolicyName"] == "inline"
        # boto3 unquotes and parses what AWS, and the edge, send quoted.
        assert inline["PolicyDocument"] == json.loads(allowing(f"iam:Get{kind}"))
        assert attached in each["AttachedManagedPolicies"]
        assert each["Path"] == "/details/"
    assert role["AssumeRolePolicyDocument"] == json.loads(trusting())
    assert (role["Tags"], role["InstanceProfileList"]) == ([{"Key": "a", "Value": "b + é"}], [])
    assert len(role["AttachedManagedPolicies"]) == 2
    versions = {each["VersionId"]: each for each in policy["PolicyVersionList"]}
    assert {name: each["IsDefaultVersion"] for name, each in versions.items()} == {"v1": False, "v2": True}
    assert versions["v2"]["Document"] == json.loads(allowing("iam:ListUsers"))
    assert (policy["AttachmentCount"], policy["Description"]) == (3, "for é")
    assert len(built_in["PolicyVersionList"]) == 1


def test_details_come_in_pages_and_by_kinds(iam: Any, stem: str) -> None:
    members = {
        "User": "UserDetailList",
        "Group": "GroupDetailList",
        "Role": "RoleDetailList",
        "LocalManagedPolicy": "Policies",
        "AWSManagedPolicy": "Policies",
    }
    whole = iam.get_account_authorization_details(MaxItems=1000)
    for size in (1, 2, 3, 100):
        found: dict[str, list[Any]] = {member: [] for member in members.values()}
        arguments: dict[str, Any] = {"MaxItems": size}
        while True:
            page = iam.get_account_authorization_details(**arguments)
            items = {member: page[member] for member in found}
            assert 0 < sum(map(len, items.values())) <= size
            for member, each in items.items():
                found[member] += each
            if not page["IsTruncated"]:
                break
            arguments["Marker"] = page["Marker"]
        assert found == {member: whole[member] for member in found}
    for kind, member in members.items():
        page = iam.get_account_authorization_details(Filter=[kind], MaxItems=1000)
        for other in {*members.values()} - {member}:
            assert page[other] == []
        names = {each["Arn"] for each in page[member]}
        assert names <= {each["Arn"] for each in whole[member]}
        assert any(stem in name or name == BUILT_IN for name in names)
    both = iam.get_account_authorization_details(Filter=["User", "Group"], MaxItems=1000)
    assert both["UserDetailList"] == whole["UserDetailList"]
    assert both["GroupDetailList"] == whole["GroupDetailList"]
    assert both["RoleDetailList"] == []
    bad = {"Filter": ["Everything"]}
    assert refused(iam.get_account_authorization_details, **bad) == ("ValidationError", 400)


def test_the_summary_counts(iam: Any, stem: str) -> None:
    summary = iam.get_account_summary()["SummaryMap"]
    for member, call in (
        ("Users", iam.list_users),
        ("Groups", iam.list_groups),
        ("Roles", iam.list_roles),
    ):
        assert summary[member] == len(list(every(call, member, 100)))
    own = list(every(iam.list_policies, "Policies", 100, Scope="Local"))
    assert summary["Policies"] == len(own)
    versions = sum(len(iam.list_policy_versions(PolicyArn=each["Arn"])["Versions"]) for each in own)
    assert summary["PolicyVersionsInUse"] == versions
    quotas = {
        "AccessKeysPerUserQuota": 2,
        "GroupsPerUserQuota": 10,
        "UserPolicySizeQuota": 2048,
        "GroupPolicySizeQuota": 5120,
        "RolePolicySizeQuota": 10240,
        "PolicySizeQuota": 6144,
        "AssumeRolePolicySizeQuota": 2048,
        "VersionsPerPolicyQuota": 5,
    }
    assert {name: summary[name] for name in quotas} == quotas
    iam.create_user(UserName=f"{stem}-more")
    try:
        assert iam.get_account_summary()["SummaryMap"]["Users"] == summary["Users"] + 1
    finally:
        iam.delete_user(UserName=f"{stem}-more")


def test_an_account_has_one_alias(iam: Any) -> None:
    aliases = [f"alias-{time.time_ns()}", f"b{time.time_ns()}"]
    for alias in aliases:
        iam.create_account_alias(AccountAlias=alias)
        assert iam.list_account_aliases()["AccountAliases"] == [alias]
    assert refused(iam.delete_account_alias, AccountAlias=aliases[0]) == ("NoSuchEntity", 404)
    iam.delete_account_alias(AccountAlias=aliases[1])
    assert iam.list_account_aliases()["AccountAliases"] == []
    for bad in ("-abc", "a--b", "Abc", "a" * 64):
        assert refused(iam.create_account_alias, AccountAlias=bad) == ("ValidationError", 400)


def test_the_last_use_of_a_key(stack: Any, iam: Any, stem: str) -> None:
    keys = keys_of(iam, stem)
    key = keys["aws_access_key_id"]
    never = {"ServiceName": "N/A", "Region": "N/A"}
    answer = iam.get_access_key_last_used(AccessKeyId=key)
    assert (answer["UserName"], answer["AccessKeyLastUsed"]) == (stem, never)
    for region, service, name in (("us-east-1", "sts", "sts"), ("eu-west-1", "bedrock", "bedrock")):
        before = datetime.now(UTC).replace(microsecond=0)
        client = stack.client(service, region_name=region, **keys)
        if service == "sts":
            client.get_caller_identity()
        else:
            assert refused(client.list_foundation_models)[1] == 403
        used = iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]
        assert (used["ServiceName"], used["Region"]) == (name, region)
        assert before <= used["LastUsedDate"] <= datetime.now(UTC) + timedelta(seconds=1)
    assert refused(iam.get_access_key_last_used, AccessKeyId="AKIAIOSFODNN7EXAMPLE") == (
        "ValidationError",
        400,
    )
    own = stack.client("iam", **keys)
    assert refused(own.get_access_key_last_used, AccessKeyId="AKIAIOSFODNN7EXAMPLE") == ("AccessDenied", 403)
    admins = stack.credentials()["aws_access_key_id"]
    assert refused(own.get_access_key_last_used, AccessKeyId=admins) == ("AccessDenied", 403)
