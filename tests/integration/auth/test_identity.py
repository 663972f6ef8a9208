"""Groups, managed policies, boundaries and tags over real mTLS, down to what an enforcement point permits."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from craton.auth.v1 import (
    account_service_pb2,
    group_service_pb2,
    managed_policy_service_pb2,
    policy_service_pb2,
    resources_pb2,
    role_service_pb2,
    user_service_pb2,
)

from services.chassis.errors import DomainError
from tests.fakes.auth_client import ACCOUNT, Client, Credential, bearer, reason, refusal
from tests.fakes.workloads import Workloads
from tests.integration.auth.test_auth import make_user, put_policy
from tests.integration.auth.test_enforcement import EnforcementPoint, listening_point

ALLOW_BEDROCK = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"bedrock:*","Resource":"*"}}'
ALLOW_KMS = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}'
POLICIES = f"arn:aws:iam::{ACCOUNT}:policy/"
BUILT_IN = "arn:aws:iam::aws:policy/"


class Iam:
    """What one principal asks of IAM, and whether an enforcement point permits the principal a call."""

    def __init__(self, operator: Client, edge: Client, point: EnforcementPoint, caller: Credential) -> None:
        self.operator, self.edge, self.point, self.caller = operator, edge, point, caller

    async def __call__(self, method: str, **fields: Any) -> Any:
        """Call a method by its name at IAM."""
        for stub, messages in (
            (self.operator.groups, group_service_pb2),
            (self.operator.managed, managed_policy_service_pb2),
            (self.operator.users, user_service_pb2),
            (self.operator.roles, role_service_pb2),
        ):
            if hasattr(stub, method):
                request = getattr(messages, f"{method}Request")(**fields)
                metadata = bearer(await self.operator.token(self.caller))
                return await getattr(stub, method)(request, metadata=metadata)
        raise AssertionError(f"no service has the method {method}")

    async def permitted(self, user: Credential) -> str:
        """Return "yes", or why a model cannot be invoked now."""
        # The token names the account's epoch: a lease from before the last change is not used for it.
        token = (await self.edge.authenticate(user)).token
        try:
            await self.point.invoke(token)
        except DomainError as error:
            return error.message.rpartition("because ")[2]
        return "yes"


NOT_ALLOWED = "no identity-based policy allows the bedrock:InvokeModel action"


@pytest.fixture
async def iam(
    auth: Any, workloads: Workloads, redis: Any, operator: Client, edge: Client, admin: Credential
) -> AsyncIterator[Iam]:
    async with listening_point(auth.port, workloads, redis) as point:
        yield Iam(operator, edge, point, admin)


@pytest.fixture
async def alice(iam: Iam) -> Credential:
    return await make_user(iam.operator, iam.caller, "alice")


async def test_what_is_attached_to_a_group_permits_its_members(iam: Iam, alice: Credential) -> None:
    created = await iam("CreatePolicy", policy_name="invoke", document=ALLOW_BEDROCK, description="why")
    arn = created.policy.arn
    assert (arn, created.policy.default_version_id) == (POLICIES + "invoke", "v1")
    assert created.policy.policy_id.startswith("ANPA")
    group = (await iam("CreateGroup", group_name="Team")).group
    assert (group.arn, group.name) == (
        f"arn:aws:iam::{ACCOUNT}:group/Team",
        f"accounts/{ACCOUNT}/groups/Team",
    )
    assert await iam.permitted(alice) == NOT_ALLOWED
    await iam("AttachGroupPolicy", group_name="Team", policy_arn=arn)
    assert await iam.permitted(alice) == NOT_ALLOWED
    await iam("AddUserToGroup", group_name="Team", user_name="alice")
    assert await iam.permitted(alice) == "yes"
    listed = await iam("GetGroup", group_name="Team")
    assert [user.user_name for user in listed.users] == ["alice"]
    assert [each.group_name for each in (await iam("ListGroupsForUser", user_name="alice")).groups] == [
        "Team"
    ]
    attached = await iam("ListAttachedGroupPolicies", group_name="Team")
    assert [(each.policy_name, each.policy_arn) for each in attached.attached_policies] == [("invoke", arn)]
    await iam("DetachGroupPolicy", group_name="Team", policy_arn=arn)
    assert await iam.permitted(alice) == NOT_ALLOWED
    await iam("PutGroupPolicy", group_name="Team", policy_name="inline", document=ALLOW_BEDROCK)
    assert await iam.permitted(alice) == "yes"
    found = await iam("GetGroupPolicy", group_name="Team", policy_name="inline")
    assert found.policy.document == ALLOW_BEDROCK
    await iam("RemoveUserFromGroup", group_name="Team", user_name="alice")
    assert await iam.permitted(alice) == NOT_ALLOWED


async def test_a_boundary_narrows_and_its_policy_stays(iam: Iam, alice: Credential) -> None:
    await put_policy(iam.operator, iam.caller, "alice", ALLOW_BEDROCK)
    made = (await iam("CreatePolicy", policy_name="edge", document=ALLOW_KMS)).policy
    assert await iam.permitted(alice) == "yes"
    await iam("PutUserPermissionsBoundary", user_name="alice", permissions_boundary=made.arn)
    assert await iam.permitted(alice) == "no permissions boundary allows the bedrock:InvokeModel action"
    assert (await iam("GetUser", user_name="alice")).user.permissions_boundary == made.arn
    entities = (await iam("ListEntitiesForPolicy", policy_arn=made.arn)).entities
    assert [each.entity_name for each in entities] == ["alice"]
    usage = (await iam("GetPolicy", policy_arn=made.arn)).policy
    assert (usage.attachment_count, usage.permissions_boundary_usage_count) == (0, 1)
    refused = await refusal(iam("DeletePolicy", policy_arn=made.arn))
    assert refused.reason_name == "RESOURCE_STATE"
    # A boundary permits nothing by itself, and what it permits is that of its version in force.
    await iam("CreatePolicyVersion", policy_arn=made.arn, document=ALLOW_BEDROCK, set_as_default=True)
    assert await iam.permitted(alice) == "yes"
    await iam.operator.policies.DeleteUserPolicy(
        _delete_inline("alice"), metadata=bearer(await iam.operator.token(iam.caller))
    )
    assert await iam.permitted(alice) == NOT_ALLOWED
    await iam("DeleteUserPermissionsBoundary", user_name="alice")
    assert await reason(iam("DeleteUserPermissionsBoundary", user_name="alice")) == "RESOURCE_NOT_FOUND"


def _delete_inline(user: str) -> Any:
    return policy_service_pb2.DeleteUserPolicyRequest(user_name=user, policy_name="p")


async def test_the_version_in_force_decides(iam: Iam, alice: Credential) -> None:
    arn = (await iam("CreatePolicy", policy_name="p", document=ALLOW_KMS)).policy.arn
    await iam("AttachUserPolicy", user_name="alice", policy_arn=arn)
    second = await iam("CreatePolicyVersion", policy_arn=arn, document=ALLOW_BEDROCK)
    assert (second.version.version_id, second.version.is_default_version) == ("v2", False)
    assert await iam.permitted(alice) == NOT_ALLOWED
    await iam("SetDefaultPolicyVersion", policy_arn=arn, version_id="v2")
    assert await iam.permitted(alice) == "yes"
    refused = await refusal(iam("DeletePolicyVersion", policy_arn=arn, version_id="v2"))
    assert refused.message == "Cannot delete the default version of a policy."
    await iam("SetDefaultPolicyVersion", policy_arn=arn, version_id="v1")
    assert await iam.permitted(alice) == NOT_ALLOWED
    await iam("DeletePolicyVersion", policy_arn=arn, version_id="v2")
    for method in ("GetPolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion"):
        assert await reason(iam(method, policy_arn=arn, version_id="v2")) == "RESOURCE_NOT_FOUND"
    third = await iam("CreatePolicyVersion", policy_arn=arn, document=ALLOW_BEDROCK)
    assert third.version.version_id == "v3"
    versions = (await iam("ListPolicyVersions", policy_arn=arn)).versions
    assert [(each.version_id, each.is_default_version) for each in versions] == [("v3", False), ("v1", True)]
    assert (await iam("GetPolicyVersion", policy_arn=arn, version_id="v3")).version.document == ALLOW_BEDROCK


async def test_built_in_policies_can_be_attached_and_not_changed(iam: Iam, alice: Credential) -> None:
    await iam("AttachUserPolicy", user_name="alice", policy_arn=BUILT_IN + "AmazonBedrockReadOnly")
    assert await iam.permitted(alice) == NOT_ALLOWED
    await iam("AttachUserPolicy", user_name="alice", policy_arn=BUILT_IN + "AmazonBedrockFullAccess")
    assert await iam.permitted(alice) == "yes"
    listed = (await iam("ListPolicies", scope=managed_policy_service_pb2.POLICY_SCOPE_AWS)).policies
    assert [(each.policy_name, each.attachment_count) for each in listed] == [
        ("AdministratorAccess", 0),
        ("AmazonBedrockFullAccess", 1),
        ("AmazonBedrockReadOnly", 1),
        ("ReadOnlyAccess", 0),
    ]
    found = (await iam("GetPolicy", policy_arn=BUILT_IN + "AdministratorAccess")).policy
    assert found.name == "managedPolicies/AdministratorAccess"
    for method, fields in (
        ("DeletePolicy", {}),
        ("CreatePolicyVersion", {"document": ALLOW_KMS}),
        ("SetDefaultPolicyVersion", {"version_id": "v1"}),
        ("DeletePolicyVersion", {"version_id": "v1"}),
    ):
        assert await reason(iam(method, policy_arn=found.arn, **fields)) == "ACCESS_DENIED"
    nothing = iam("AttachUserPolicy", user_name="alice", policy_arn=BUILT_IN + "Nothing")
    assert await reason(nothing) == "RESOURCE_NOT_FOUND"


async def test_tags_of_a_user_reach_conditions(iam: Iam, alice: Credential) -> None:
    document = """{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"bedrock:*","Resource":"*",
        "Condition":{"StringEquals":{"aws:PrincipalTag/Team":"red","aws:PrincipalTag/cost center":"7"}}}}"""
    await put_policy(iam.operator, iam.caller, "alice", document)
    assert await iam.permitted(alice) == NOT_ALLOWED
    tags = [resources_pb2.Tag(key="team", value="red"), resources_pb2.Tag(key="Cost Center", value="7")]
    await iam("TagUser", user_name="alice", tags=tags)
    assert await iam.permitted(alice) == "yes"
    assert list((await iam("ListUserTags", user_name="alice")).tags) == [tags[1], tags[0]]
    await iam("TagUser", user_name="alice", tags=[resources_pb2.Tag(key="TEAM", value="blue")])
    assert await iam.permitted(alice) == NOT_ALLOWED
    await iam("UntagUser", user_name="alice", tag_keys=["team"])
    assert [each.key for each in (await iam("GetUser", user_name="alice")).user.tags] == ["Cost Center"]
    for wrong in (
        [resources_pb2.Tag(key="aws:x", value="")],
        [resources_pb2.Tag(key="a", value="1"), resources_pb2.Tag(key="A", value="2")],
        [resources_pb2.Tag(key="a{", value="")],
    ):
        assert await reason(iam("TagUser", user_name="alice", tags=wrong)) == "INVALID_FIELD"


async def test_a_role_has_boundary_and_tags_too(iam: Iam) -> None:
    trust = f"""{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{{"AWS":"{ACCOUNT}"}}}}}}"""
    await iam("CreateRole", role_name="reader", assume_role_policy_document=trust)
    tag = resources_pb2.Tag(key="team", value="red")
    await iam("TagRole", role_name="reader", tags=[tag, resources_pb2.Tag(key="b", value="")])
    await iam("UntagRole", role_name="reader", tag_keys=["B"])
    assert list((await iam("ListRoleTags", role_name="reader")).tags) == [tag]
    boundary = {"role_name": "reader", "permissions_boundary": BUILT_IN + "ReadOnlyAccess"}
    await iam("PutRolePermissionsBoundary", **boundary)
    await iam("AttachRolePolicy", role_name="reader", policy_arn=BUILT_IN + "ReadOnlyAccess")
    attached = (await iam("ListAttachedRolePolicies", role_name="reader")).attached_policies
    assert [each.policy_name for each in attached] == ["ReadOnlyAccess"]
    found = (await iam("GetPolicy", policy_arn=BUILT_IN + "ReadOnlyAccess")).policy
    assert (found.attachment_count, found.permissions_boundary_usage_count) == (1, 1)
    assert await reason(iam("DeleteRole", role_name="reader")) == "RESOURCE_STATE"
    await iam("DetachRolePolicy", role_name="reader", policy_arn=BUILT_IN + "ReadOnlyAccess")
    await iam("DeleteRolePermissionsBoundary", role_name="reader")
    await iam("DeleteRole", role_name="reader")


async def test_a_user_is_created_with_boundary_and_tags(iam: Iam) -> None:
    tag = resources_pb2.Tag(key="team", value="red")
    boundary = BUILT_IN + "ReadOnlyAccess"
    created = await iam("CreateUser", user_name="bob", permissions_boundary=boundary, tags=[tag])
    assert (created.user.permissions_boundary, list(created.user.tags)) == (boundary, [tag])
    assert (await iam("GetUser", user_name="bob")).user == created.user
    await iam("DeleteUser", user_name="bob")


async def test_nothing_is_deleted_that_something_hangs_on(iam: Iam) -> None:
    await iam("CreateUser", user_name="bob")
    await iam("CreateGroup", group_name="Team")
    arn = (await iam("CreatePolicy", policy_name="p", document=ALLOW_KMS)).policy.arn
    await iam("AddUserToGroup", group_name="Team", user_name="bob")
    await iam("AttachUserPolicy", user_name="bob", policy_arn=arn)
    for method, fields in (
        ("DeleteUser", {"user_name": "bob"}),
        ("DeleteGroup", {"group_name": "Team"}),
        ("DeletePolicy", {"policy_arn": arn}),
    ):
        assert await reason(iam(method, **fields)) == "RESOURCE_STATE"
    await iam("RemoveUserFromGroup", group_name="Team", user_name="bob")
    await iam("DetachUserPolicy", user_name="bob", policy_arn=arn)
    await iam("DeleteUser", user_name="bob")
    await iam("DeleteGroup", group_name="Team")
    await iam("DeletePolicy", policy_arn=arn)


async def test_callers_do_what_their_own_policies_allow(iam: Iam, alice: Credential) -> None:
    await iam("CreateGroup", group_name="Team")
    arn = (await iam("CreatePolicy", policy_name="p", document=ALLOW_KMS)).policy.arn
    own = Iam(iam.operator, iam.edge, iam.point, alice)
    every: tuple[tuple[str, dict[str, Any]], ...] = (
        ("CreateGroup", {"group_name": "x"}),
        ("GetGroup", {"group_name": "Team"}),
        ("ListGroups", {}),
        ("DeleteGroup", {"group_name": "Team"}),
        ("AddUserToGroup", {"group_name": "Team", "user_name": "alice"}),
        ("RemoveUserFromGroup", {"group_name": "Team", "user_name": "alice"}),
        ("ListGroupsForUser", {"user_name": "alice"}),
        ("PutGroupPolicy", {"group_name": "Team", "policy_name": "p", "document": ALLOW_KMS}),
        ("GetGroupPolicy", {"group_name": "Team", "policy_name": "p"}),
        ("ListGroupPolicies", {"group_name": "Team"}),
        ("DeleteGroupPolicy", {"group_name": "Team", "policy_name": "p"}),
        ("CreatePolicy", {"policy_name": "x", "document": ALLOW_KMS}),
        ("GetPolicy", {"policy_arn": arn}),
        ("ListPolicies", {}),
        ("DeletePolicy", {"policy_arn": arn}),
        ("CreatePolicyVersion", {"policy_arn": arn, "document": ALLOW_KMS}),
        ("GetPolicyVersion", {"policy_arn": arn, "version_id": "v1"}),
        ("ListPolicyVersions", {"policy_arn": arn}),
        ("SetDefaultPolicyVersion", {"policy_arn": arn, "version_id": "v1"}),
        ("DeletePolicyVersion", {"policy_arn": arn, "version_id": "v1"}),
        ("ListEntitiesForPolicy", {"policy_arn": arn}),
        ("AttachUserPolicy", {"user_name": "alice", "policy_arn": arn}),
        ("DetachUserPolicy", {"user_name": "alice", "policy_arn": arn}),
        ("ListAttachedUserPolicies", {"user_name": "alice"}),
        ("AttachGroupPolicy", {"group_name": "Team", "policy_arn": arn}),
        ("DetachGroupPolicy", {"group_name": "Team", "policy_arn": arn}),
        ("ListAttachedGroupPolicies", {"group_name": "Team"}),
        ("AttachRolePolicy", {"role_name": "r", "policy_arn": arn}),
        ("DetachRolePolicy", {"role_name": "r", "policy_arn": arn}),
        ("ListAttachedRolePolicies", {"role_name": "r"}),
        ("PutRolePermissionsBoundary", {"role_name": "r", "permissions_boundary": arn}),
        ("DeleteRolePermissionsBoundary", {"role_name": "r"}),
        ("TagRole", {"role_name": "r", "tags": [resources_pb2.Tag(key="a", value="b")]}),
        ("UntagRole", {"role_name": "r", "tag_keys": ["a"]}),
        ("ListRoleTags", {"role_name": "r"}),
        ("PutUserPermissionsBoundary", {"user_name": "alice", "permissions_boundary": arn}),
        ("DeleteUserPermissionsBoundary", {"user_name": "alice"}),
        ("TagUser", {"user_name": "alice", "tags": [resources_pb2.Tag(key="a", value="b")]}),
        ("UntagUser", {"user_name": "alice", "tag_keys": ["a"]}),
        ("ListUserTags", {"user_name": "alice"}),
    )
    for method, fields in every:
        refused = await refusal(own(method, **fields))
        assert refused.reason_name == "ACCESS_DENIED"
        assert f"is not authorized to perform: iam:{method} on resource: " in refused.message
    attach = f"""{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"iam:AttachUserPolicy",
        "Resource":"arn:aws:iam::{ACCOUNT}:user/alice",
        "Condition":{{"ArnEquals":{{"iam:PolicyARN":"{arn}"}}}}}}}}"""
    await put_policy(iam.operator, iam.caller, "alice", attach)
    await own("AttachUserPolicy", user_name="alice", policy_arn=arn)
    for user, policy in (("alice", BUILT_IN + "AdministratorAccess"), ("admin", arn)):
        assert await reason(own("AttachUserPolicy", user_name=user, policy_arn=policy)) == "ACCESS_DENIED"


async def test_accounts_see_nothing_of_each_other(iam: Iam, connect: Callable[[Any, str], Client]) -> None:
    created = await iam.operator.accounts.CreateAccount(
        account_service_pb2.CreateAccountRequest(
            account_id="210987654321", display_name="second", administrator_user_name="boss"
        ),
        metadata=bearer(await iam.operator.token(iam.caller)),
    )
    boss = Credential(created.access_key.access_key_id, created.secret_access_key)
    theirs = Iam(iam.operator, iam.edge, iam.point, boss)
    arn = (await iam("CreatePolicy", policy_name="p", document=ALLOW_KMS)).policy.arn
    for method in ("GetPolicy", "DeletePolicy", "ListEntitiesForPolicy"):
        assert await reason(theirs(method, policy_arn=arn)) == "ACCESS_DENIED"
    attach = theirs("AttachUserPolicy", user_name="boss", policy_arn=arn)
    assert await reason(attach) == "RESOURCE_NOT_FOUND"
    bound = theirs("PutUserPermissionsBoundary", user_name="boss", permissions_boundary=arn)
    assert await reason(bound) == "RESOURCE_NOT_FOUND"
    local = await theirs("ListPolicies", scope=managed_policy_service_pb2.POLICY_SCOPE_LOCAL)
    assert list(local.policies) == []
    for wrong in ("arn:aws:iam::aws:role/x-and-more", "arn:aws-cn:iam::aws:policy/AdministratorAccess"):
        assert await reason(theirs("GetPolicy", policy_arn=wrong)) == "INVALID_FIELD"


async def test_a_renamed_user_is_known_by_its_new_arn_at_once(iam: Iam, admin: Credential) -> None:
    user = await make_user(iam.operator, admin, "alice")
    renamed = {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/x/alicia"}}
    statements = [
        {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": renamed},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    await put_policy(iam.operator, admin, "alice", document)
    token = (await iam.edge.authenticate(user)).token
    await iam.point.invoke(token)
    await iam("UpdateUser", user_name="alice", new_user_name="alicia", new_path="/x/")
    # The token says the old name until it ends; the lease that it needs now says the new one.
    with pytest.raises(DomainError, match="explicit deny in an identity-based policy"):
        await iam.point.invoke(token)
