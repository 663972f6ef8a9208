"""An organization over mTLS: its tree, and what its policies forbid at auth and at an enforcement point."""

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from craton.auth.v1 import account_service_pb2, model_access_service_pb2
from craton.auth.v1 import organization_policy_service_pb2 as policy_pb2
from craton.auth.v1 import organization_service_pb2 as tree_pb2

from services.auth.adapters.sql_directory import SqlDirectory
from services.auth.config import AuthConfig
from services.auth.domain.records import Account
from services.chassis.context import CallContext
from services.chassis.database import Database
from services.chassis.errors import DomainError
from services.chassis.revocation import EVERYBODY, RedisRevocations, RevocationListener
from tests.fakes.auth_client import ACCOUNT, Client, Credential, bearer, reason, refusal
from tests.fakes.workloads import Workloads
from tests.integration.auth.test_enforcement import (
    MODEL,
    RUNTIME,
    EnforcementPoint,
    enforcement_point,
    listening_point,
)

SCP = tree_pb2.ORGANIZATION_POLICY_TYPE_SERVICE_CONTROL_POLICY
RCP = tree_pb2.ORGANIZATION_POLICY_TYPE_RESOURCE_CONTROL_POLICY
MEMBER = "210987654321"


class Manager:
    """The management account's administrator, and what it does."""

    def __init__(self, client: Client, credential: Credential) -> None:
        self._client = client
        self._credential = credential

    async def metadata(self) -> Any:
        return bearer(await self._client.token(self._credential))

    async def tree(self, method: str, **fields: Any) -> Any:
        request = getattr(tree_pb2, f"{method}Request")(**fields)
        return await getattr(self._client.organization, method)(
            request, metadata=await self.metadata(), timeout=20
        )

    async def policy(self, method: str, **fields: Any) -> Any:
        request = getattr(policy_pb2, f"{method}Request")(**fields)
        return await getattr(self._client.controls, method)(
            request, metadata=await self.metadata(), timeout=20
        )

    async def root(self) -> str:
        return str((await self.tree("ListRoots")).roots[0].root_id)

    async def forbid(self, action: str, target: str, policy_type: Any = SCP) -> str:
        """Create a policy that denies an action, and attach it; return its id."""
        statement = {"Effect": "Deny", "Action": action, "Resource": "*"}
        if policy_type == RCP:
            statement["Principal"] = "*"
        created = await self.policy(
            "CreateOrganizationPolicy",
            policy_type=policy_type,
            name=f"no {action}".replace(":", " "),
            content=json.dumps({"Version": "2012-10-17", "Statement": statement}),
        )
        policy_id = str(created.policy.policy_id)
        await self.policy("AttachOrganizationPolicy", policy_id=policy_id, target_id=target)
        return policy_id


@pytest.fixture
def model(catalog: Any) -> Any:
    """A model that was published before auth started."""
    return catalog.publish("echo-v1")


@pytest.fixture
def manager(operator: Client, admin: Credential) -> Manager:
    return Manager(operator, admin)


@pytest.fixture
async def member(operator: Client, manager: Manager) -> Credential:
    """The administrator of another account."""
    created = await operator.accounts.CreateAccount(
        account_service_pb2.CreateAccountRequest(
            account_id=MEMBER, display_name="member", administrator_user_name="boss"
        ),
        metadata=await manager.metadata(),
    )
    return Credential(created.access_key.access_key_id, created.secret_access_key)


@pytest.fixture
async def unit(manager: Manager, member: Credential) -> str:
    """A unit with the member in it."""
    root = await manager.root()
    created = await manager.tree("CreateOrganizationalUnit", parent_id=root, name="Research")
    unit_id = str(created.organizational_unit.organizational_unit_id)
    await manager.tree("MoveAccount", account_id=MEMBER, source_parent_id=root, destination_parent_id=unit_id)
    return unit_id


@pytest.fixture
async def point(auth: Any, workloads: Workloads) -> AsyncIterator[EnforcementPoint]:
    async with enforcement_point(auth.port, workloads) as made:
        yield made


@pytest.fixture
async def listening(auth: Any, workloads: Workloads, redis: Any) -> AsyncIterator[EnforcementPoint]:
    async with listening_point(auth.port, workloads, redis) as made:
        yield made


async def test_the_tree_is_what_was_made_of_it(manager: Manager, unit: str) -> None:
    root = await manager.root()
    organization = (await manager.tree("DescribeOrganization")).organization
    prefix = f"arn:aws:organizations::{ACCOUNT}"
    organization_id = organization.organization_id
    assert organization.arn == f"{prefix}:organization/{organization_id}"
    assert organization.management_account_id == ACCOUNT
    made = (await manager.tree("ListRoots")).roots[0]
    assert made.arn == f"{prefix}:root/{organization_id}/{root}"
    assert set(made.enabled_policy_types) == {SCP, RCP}
    inner = (await manager.tree("CreateOrganizationalUnit", parent_id=unit, name="Inner")).organizational_unit
    described = await manager.tree(
        "DescribeOrganizationalUnit", organizational_unit_id=inner.organizational_unit_id
    )
    assert described.organizational_unit == inner
    assert inner.arn == f"{prefix}:ou/{organization_id}/{inner.organizational_unit_id}"
    assert inner.parent_id == unit
    listed = await manager.tree("ListOrganizationalUnitsForParent", parent_id=root)
    assert [each.name for each in listed.organizational_units] == ["Research"]
    accounts = await manager.tree("ListAccountsForParent", parent_id=unit)
    assert [each.account_id for each in accounts.accounts] == [MEMBER]
    parents = await manager.tree("ListParents", child_id=inner.organizational_unit_id)
    assert [(each.id, each.type) for each in parents.parents] == [
        (unit, tree_pb2.ORGANIZATION_NODE_TYPE_ORGANIZATIONAL_UNIT)
    ]
    for child_type, child in (
        (tree_pb2.ORGANIZATION_NODE_TYPE_ORGANIZATIONAL_UNIT, inner.organizational_unit_id),
        (tree_pb2.ORGANIZATION_NODE_TYPE_ACCOUNT, MEMBER),
    ):
        children = await manager.tree("ListChildren", parent_id=unit, child_type=child_type)
        assert [(each.id, each.type) for each in children.children] == [(child, child_type)]
    renamed = await manager.tree(
        "UpdateOrganizationalUnit", organizational_unit_id=inner.organizational_unit_id, name="Other"
    )
    assert renamed.organizational_unit.name == "Other"
    await manager.tree("DeleteOrganizationalUnit", organizational_unit_id=inner.organizational_unit_id)
    gone = manager.tree("DescribeOrganizationalUnit", organizational_unit_id=inner.organizational_unit_id)
    assert await reason(gone) == "RESOURCE_NOT_FOUND"


async def test_policies_are_kept_listed_changed_and_attached(manager: Manager, unit: str) -> None:
    policy_id = await manager.forbid("bedrock:InvokeModel", unit)
    organization_id = (await manager.tree("DescribeOrganization")).organization.organization_id
    policy = (await manager.policy("DescribeOrganizationPolicy", policy_id=policy_id)).policy
    prefix = f"arn:aws:organizations::{ACCOUNT}:policy/{organization_id}"
    assert policy.arn == f"{prefix}/service_control_policy/{policy_id}"
    assert (policy.aws_managed, policy.type) == (False, SCP)
    assert '"Deny"' in policy.content
    for policy_type, policy_ids in ((SCP, {policy_id, "p-FullAWSAccess"}), (RCP, {"p-RCPFullAWSAccess"})):
        for listed in (
            await manager.policy("ListOrganizationPolicies", policy_type=policy_type),
            await manager.policy("ListPoliciesForTarget", target_id=unit, policy_type=policy_type),
        ):
            assert {each.policy_id for each in listed.policies} == policy_ids
            assert not any(each.content for each in listed.policies)
    full = (await manager.policy("DescribeOrganizationPolicy", policy_id="p-RCPFullAWSAccess")).policy
    assert full.arn == "arn:aws:organizations::aws:policy/resource_control_policy/p-RCPFullAWSAccess"
    targets = await manager.policy("ListTargetsForPolicy", policy_id=policy_id)
    assert [(each.target_id, each.name) for each in targets.targets] == [(unit, "Research")]
    changed = await manager.policy("UpdateOrganizationPolicy", policy_id=policy_id, description="")
    assert (changed.policy.content, changed.policy.name) == (policy.content, policy.name)
    changed = await manager.policy("UpdateOrganizationPolicy", policy_id=policy_id, name="other")
    assert changed.policy.name == "other"
    in_use = manager.policy("DeleteOrganizationPolicy", policy_id=policy_id)
    assert await reason(in_use) == "RESOURCE_STATE"
    await manager.policy("DetachOrganizationPolicy", policy_id=policy_id, target_id=unit)
    await manager.policy("DeleteOrganizationPolicy", policy_id=policy_id)
    root = await manager.root()
    answer = await manager.policy("DisablePolicyType", root_id=root, policy_type=RCP)
    assert list(answer.root.enabled_policy_types) == [SCP]
    answer = await manager.policy("EnablePolicyType", root_id=root, policy_type=RCP)
    assert set(answer.root.enabled_policy_types) == {SCP, RCP}


async def test_only_the_management_account_manages(
    operator: Client, manager: Manager, member: Credential
) -> None:
    boss = Manager(operator, member)
    root = await manager.root()
    calls = (
        boss.tree("DescribeOrganization"),
        boss.tree("MoveAccount", account_id=MEMBER, source_parent_id=root, destination_parent_id=root),
        boss.policy("DetachOrganizationPolicy", policy_id="p-FullAWSAccess", target_id=MEMBER),
        boss.policy("ListOrganizationPolicies", policy_type=SCP),
    )
    for call in calls:
        assert await reason(call) == "ACCESS_DENIED"


async def test_a_policy_that_cannot_be_evaluated_is_refused_with_its_place(manager: Manager) -> None:
    content = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","X":1}]}'
    refused = await refusal(
        manager.policy("CreateOrganizationPolicy", policy_type=SCP, name="x", content=content)
    )
    assert refused.reason_name == "UNSUPPORTED_POLICY"
    assert (
        refused.message
        == "The policy is refused at line 1: statement 0, X is an element that is not supported."
    )
    content = '{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}'
    refused = await refusal(
        manager.policy("CreateOrganizationPolicy", policy_type=RCP, name="x", content=content)
    )
    assert refused.reason_name == "UNSUPPORTED_POLICY"
    assert "statement 0, Effect must be Deny" in refused.message


async def test_nobody_in_a_unit_can_accept_a_model_that_its_policy_forbids(
    model: Any, operator: Client, edge: Client, manager: Manager, member: Credential, unit: str
) -> None:
    await manager.forbid("bedrock:CreateFoundationModelAgreement", unit)
    key = await operator.accounts.CreateRootAccessKey(
        account_service_pb2.CreateRootAccessKeyRequest(account_id=MEMBER),
        metadata=await manager.metadata(),
    )
    root = Credential(key.access_key.access_key_id, key.secret_access_key)

    async def accept(credential: Credential) -> None:
        metadata = bearer((await edge.authenticate(credential, "auth")).token)
        offers = await edge.models.ListFoundationModelAgreementOffers(
            model_access_service_pb2.ListFoundationModelAgreementOffersRequest(model_id=model.model_id),
            metadata=metadata,
        )
        await edge.models.CreateFoundationModelAgreement(
            model_access_service_pb2.CreateFoundationModelAgreementRequest(
                model_id=model.model_id, offer_token=offers.offers[0].offer_token
            ),
            metadata=metadata,
        )

    for credential in (member, root):
        refused = await refusal(accept(credential))
        assert refused.reason_name == "ACCESS_DENIED"
        assert refused.message.endswith("with an explicit deny in a service control policy")
    await manager.tree(
        "MoveAccount", account_id=MEMBER, source_parent_id=unit, destination_parent_id=await manager.root()
    )
    await accept(root)


async def test_a_service_control_policy_counts_at_a_running_enforcement_point_at_once(
    listening: EnforcementPoint, edge: Client, manager: Manager, member: Credential, unit: str
) -> None:
    token = (await edge.authenticate(member)).token
    await listening.invoke(token)
    started = asyncio.get_running_loop().time()
    policy_id = await manager.forbid("bedrock:InvokeModel", unit)
    # The lease that permitted a moment ago would have lived for five seconds.
    assert asyncio.get_running_loop().time() - started < 4
    with pytest.raises(DomainError) as caught:
        await listening.invoke(token)
    assert caught.value.message.endswith("with an explicit deny in a service control policy")
    await manager.policy("DetachOrganizationPolicy", policy_id=policy_id, target_id=unit)
    await listening.invoke(token)
    root = await manager.root()
    for policy_type in (SCP, RCP):
        await manager.policy("DisablePolicyType", root_id=root, policy_type=policy_type)
    lease = await listening.leases.get(await _call(listening, edge, member))
    assert (lease.policies.bound.service_control, lease.policies.control) == ((), ())


async def test_the_management_account_is_bound_by_neither_kind(
    point: EnforcementPoint, edge: Client, admin: Credential, manager: Manager, unit: str
) -> None:
    root = await manager.root()
    await manager.forbid("bedrock:*", root)
    await manager.forbid("bedrock:InvokeModel", root, RCP)
    await point.invoke((await edge.authenticate(admin)).token)


async def test_resource_control_policies_protect_the_resources_of_an_account(
    point: EnforcementPoint, operator: Client, manager: Manager, member: Credential, unit: str
) -> None:
    await manager.forbid("kms:Decrypt", unit, RCP)
    # Asked for by the client itself, so for the actions of every service.
    token = await operator.token(member, "runtime")
    claims = await point.verifier.verify(token)
    call = CallContext(
        method="/m", request_id="r", call_id="c", caller=RUNTIME, principal=claims, principal_token=token
    )
    key = f"arn:aws:kms:us-east-1:{MEMBER}:key/k"
    await point.authorizer.authorize(call, "kms:Encrypt", key)
    await point.authorizer.authorize(call, "bedrock:InvokeModel", MODEL)
    with pytest.raises(DomainError) as caught:
        await point.authorizer.authorize(call, "kms:Decrypt", key)
    assert caught.value.message.endswith("with an explicit deny in a resource control policy")


async def test_conditions_know_where_the_principal_stands(
    point: EnforcementPoint, edge: Client, manager: Manager, member: Credential, unit: str
) -> None:
    organization_id = (await manager.tree("DescribeOrganization")).organization.organization_id
    path = f"{organization_id}/{await manager.root()}/{unit}/"
    lease = await point.leases.get(await _call(point, edge, member))
    assert (lease.facts.organization_id, lease.facts.organization_path) == (organization_id, path)


async def _call(point: EnforcementPoint, edge: Client, credential: Credential) -> CallContext:
    token = (await edge.authenticate(credential)).token
    claims = await point.verifier.verify(token)
    return CallContext(
        method="/m", request_id="r", call_id="c", caller=RUNTIME, principal=claims, principal_token=token
    )


async def test_a_change_of_the_whole_organization_is_in_force_at_once(
    auth: Any,
    config: AuthConfig,
    workloads: Workloads,
    redis: Any,
    operator: Client,
    edge: Client,
    manager: Manager,
    member: Credential,
) -> None:
    """However many accounts there are, it is one revocation, and no lease has to end for it."""
    database = Database(config.database_url)
    store, now = SqlDirectory(database), datetime.now(UTC)
    for number in range(1_500):
        await store.create_account(Account(f"{number:012d}", "i", "a", now), None, None)
    await database.close()
    async with (
        listening_point(auth.port, workloads, redis) as one,
        listening_point(auth.port, workloads, redis) as two,
    ):
        token = (await edge.authenticate(member)).token
        for point in (one, two):
            await point.invoke(token)
        created = await manager.policy(
            "CreateOrganizationPolicy",
            policy_type=SCP,
            name="nothing",
            content='{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}',
        )
        root, started = await manager.root(), time.monotonic()
        await manager.policy("AttachOrganizationPolicy", policy_id=created.policy.policy_id, target_id=root)
        took = time.monotonic() - started
        for point in (one, two):
            with pytest.raises(DomainError, match="with an explicit deny in a service control policy"):
                await point.invoke(token)
        assert took < 4.5, "leases of five seconds did not have to be waited for"


async def test_a_change_of_several_accounts_is_announced_to_the_last(redis: Any) -> None:
    heard: dict[str, int] = {}
    listening = asyncio.Event()
    listener = RevocationListener(redis("runtime"), heard.__setitem__, listening.set)
    task, publisher = asyncio.create_task(listener.run()), RedisRevocations(redis("auth"))
    epochs = {f"{number:012d}": number for number in range(1, 101)} | {EVERYBODY: 2**63 - 1}
    try:
        async with asyncio.timeout(10):
            await listening.wait()
            await publisher.publish_all(epochs)
            while len(heard) < len(epochs):
                await asyncio.sleep(0.01)
        assert heard == epochs
    finally:
        task.cancel()
        await publisher.close()


async def test_without_redis_a_change_of_many_accounts_is_not_held_up(redis: Any) -> None:
    # Nobody listens on port 1.
    publisher = RedisRevocations(dataclasses.replace(redis("auth"), port=1))
    async with asyncio.timeout(3):
        await publisher.publish_all({f"{number:012d}": 1 for number in range(100)})
    await publisher.close()
