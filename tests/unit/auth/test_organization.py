"""Who may do what to the organization, and whom a change is announced to."""

import dataclasses
import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from craton.auth.v1 import organization_policy_service_pb2, organization_service_pb2

from services.auth.adapters.sql_control_policies import SqlControlPolicies
from services.auth.adapters.sql_organization import SqlOrganization
from services.auth.adapters.sql_roles import SqlRoles
from services.auth.domain.identity import Entity, EntityKind, InlinePolicy
from services.auth.domain.organization import (
    MAX_DEPTH,
    NodeKind,
    OrganizationArns,
    PolicyType,
    kind_of,
    new_policy_id,
    new_unit_id,
    root_id_of,
)
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import Account, Installation, User
from services.auth.domain.roles import Role
from services.auth.events import EVENTS
from services.auth.operations.organization import Organization, OrganizationAdmission
from services.auth.operations.organization_policies import ControlPolicies
from services.auth.operations.sessions import RoleRequest
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.policy.document import canonical, parse
from services.chassis.policy.kinds import TRUST
from services.chassis.principal import ClientContext

OPERATOR = WorkloadId("craton.local", "operator", "admin")
INSTALLATION = Installation("999999999999", "o-abcdefghij")
MEMBER = "123456789012"
SCP, RCP = PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL
DENY = '{"Statement": {"Effect": "Deny", "Action": "bedrock:*", "Resource": "*"}}'
PREFIX = "arn:aws:organizations::999999999999"


class Announced:
    """A Revocations that remembers."""

    def __init__(self) -> None:
        self.epochs: list[dict[str, int]] = []

    async def publish(self, account_id: str, epoch: int) -> None:
        raise AssertionError("changes of the organization are announced together")

    async def publish_all(self, epochs: Mapping[str, int]) -> None:
        self.epochs.append(dict(epochs))


@dataclass
class Managed:
    """The organization of the fixture `auth`, and its manager."""

    auth: Any
    tree: Organization
    policies: ControlPolicies
    announced: Announced
    root: str
    boss: Any

    async def call(self, key: Any = None) -> CallContext:
        """Return a call of the manager, or of the holder of another key."""
        state = await self.auth.credentials.principal_state((key or self.boss).key.access_key_id)
        _token, claims = self.auth.issuer.issue(state, "us-east-1", "auth", ClientContext())
        return CallContext(method="/m", request_id="r", call_id="c", caller=OPERATOR, principal=claims)

    async def may(self, document: str) -> None:
        """Give the manager another policy."""
        await self.auth.allow("boss", document, "all", "999999999999")

    async def policy(self, policy_type: PolicyType = SCP, document: str = DENY, name: str = "x") -> str:
        created, _arn = await self.policies.create(await self.call(), policy_type, name, "", document)
        return created.policy_id


@pytest.fixture
async def managed(auth: Any) -> Managed:
    """An installation whose management account is 999999999999, beside the member 123456789012."""
    database = auth.directory._database
    now = auth.clock.now()
    account, user = (
        Account("999999999999", "i", "management", now),
        User("999999999999", "boss", "AIDABOSS", now),
    )
    boss = await auth.keys.make(account.account_id, user)
    everything = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
    policy = InlinePolicy(
        account.account_id, Entity(EntityKind.USER, "boss"), "all", everything, everything, now
    )
    await auth.directory.bootstrap(INSTALLATION, account, user, policy, boss.key)
    tree, announced = SqlOrganization(database), Announced()
    admission = OrganizationAdmission(auth.directory, auth.admission, "aws")
    rest = (tree, admission, announced, auth.clock, auth.randomness)
    return Managed(
        auth,
        Organization(*rest),
        ControlPolicies(SqlControlPolicies(database), *rest),
        announced,
        root_id_of(INSTALLATION.organization_id),
        boss,
    )


async def refusal(call: Awaitable[Any]) -> DomainError:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value


def everything(managed: Managed, call: CallContext, unit: str, policy: str) -> dict[str, Awaitable[Any]]:
    """Return one call of every operation by its action."""
    tree, policies, page = managed.tree, managed.policies, PageRequest.parse(0, "")
    return {
        "DescribeOrganization": tree.describe(call),
        "ListRoots": tree.root(call),
        "CreateOrganizationalUnit": tree.create_unit(call, unit, "new"),
        "DescribeOrganizationalUnit": tree.unit(call, unit),
        "UpdateOrganizationalUnit": tree.rename_unit(call, unit, "new"),
        "DeleteOrganizationalUnit": tree.delete_unit(call, unit),
        "ListOrganizationalUnitsForParent": tree.units_in(call, unit, page),
        "ListAccountsForParent": tree.accounts_in(call, unit, page),
        "ListParents": tree.parent_of(call, unit),
        "ListChildren": tree.child_units(call, unit, page),
        "MoveAccount": tree.move_account(call, MEMBER, managed.root, unit),
        "EnablePolicyType": policies.enable_type(call, managed.root, SCP),
        "DisablePolicyType": policies.disable_type(call, managed.root, SCP),
        "CreatePolicy": policies.create(call, SCP, "n", "", DENY),
        "DescribePolicy": policies.describe(call, policy),
        "UpdatePolicy": policies.update(call, policy, "n", None, None),
        "DeletePolicy": policies.delete(call, policy),
        "ListPolicies": policies.list(call, SCP, page),
        "AttachPolicy": policies.attach(call, policy, unit),
        "DetachPolicy": policies.detach(call, policy, unit),
        "ListPoliciesForTarget": policies.policies_of(call, unit, SCP, page),
        "ListTargetsForPolicy": policies.targets_of(call, policy, page),
    }


async def test_every_operation_is_an_action_on_the_arns_that_aws_names(managed: Managed) -> None:
    call = await managed.call()
    unit = (await managed.tree.create_unit(call, managed.root, "a")).unit_id
    policy = await managed.policy()
    allow = '{"Effect":"Allow","Action":"*","Resource":"*"}'
    await managed.may(
        f'{{"Statement":[{allow},{{"Effect":"Deny","Action":"organizations:*","Resource":"*"}}]}}'
    )
    unit_arn = f"{PREFIX}:ou/o-abcdefghij/{unit}"
    policy_arn = f"{PREFIX}:policy/o-abcdefghij/service_control_policy/{policy}"
    resources = {
        **dict.fromkeys(("DescribeOrganization", "ListRoots", "CreatePolicy", "ListPolicies"), "*"),
        **dict.fromkeys(
            ("EnablePolicyType", "DisablePolicyType"), f"{PREFIX}:root/o-abcdefghij/{managed.root}"
        ),
        "MoveAccount": f"{PREFIX}:account/o-abcdefghij/{MEMBER}",
    }
    for action, refused in everything(managed, call, unit, policy).items():
        about_policy = "Policy" in action and action != "ListPoliciesForTarget"
        resource = resources.get(action, policy_arn if about_policy else unit_arn)
        error = await refusal(refused)
        assert error.message == (
            f"User: arn:aws:iam::999999999999:user/boss is not authorized to perform: organizations:{action}"
            f" on resource: {resource} with an explicit deny in an identity-based policy"
        )


async def test_no_principal_of_a_member_may_do_anything(managed: Managed) -> None:
    unit = (await managed.tree.create_unit(await managed.call(), managed.root, "a")).unit_id
    policy = await managed.policy()
    root_user = await managed.auth.keys.make(MEMBER, None)
    await managed.auth.directory.create_access_key(root_user.key, 2)
    for key in (managed.auth.key, root_user):
        for refused in everything(managed, await managed.call(key), unit, policy).values():
            assert (await refusal(refused)).reason_name == "ACCESS_DENIED"


@pytest.mark.parametrize("denied", ["account", "source", "destination"])
async def test_a_move_needs_permission_for_the_account_and_both_parents(
    managed: Managed, denied: str
) -> None:
    call = await managed.call()
    unit = (await managed.tree.create_unit(call, managed.root, "a")).unit_id
    node = {"account": MEMBER, "source": managed.root, "destination": unit}[denied]
    arn = OrganizationArns(INSTALLATION).node(node)
    allow = '{"Effect":"Allow","Action":"*","Resource":"*"}'
    deny = f'{{"Effect":"Deny","Action":"organizations:MoveAccount","Resource":"{arn}"}}'
    await managed.may(f'{{"Statement":[{allow},{deny}]}}')
    error = await refusal(managed.tree.move_account(call, MEMBER, managed.root, unit))
    assert f"on resource: {arn} with" in error.message
    await managed.may(f'{{"Statement":{allow}}}')
    await managed.tree.move_account(call, MEMBER, managed.root, unit)


async def test_attaching_needs_permission_for_policy_and_target(managed: Managed) -> None:
    call, policy = await managed.call(), await managed.policy()
    arn = OrganizationArns(INSTALLATION).node(MEMBER)
    allow = '{"Effect":"Allow","Action":"*","Resource":"*"}'
    deny = f'{{"Effect":"Deny","Action":["organizations:AttachPolicy"],"Resource":"{arn}"}}'
    await managed.may(f'{{"Statement":[{allow},{deny}]}}')
    assert (
        f"on resource: {arn} with" in (await refusal(managed.policies.attach(call, policy, MEMBER))).message
    )
    await managed.policies.attach(call, policy, managed.root)


async def test_policies_of_one_type_can_be_left_to_somebody(managed: Managed) -> None:
    call, page = await managed.call(), PageRequest.parse(0, "")
    both = DENY.replace('"Effect"', '"Principal": "*", "Effect"')
    policies = {SCP: await managed.policy(), RCP: await managed.policy(RCP, both)}
    condition = '{"StringEquals":{"organizations:PolicyType":"RESOURCE_CONTROL_POLICY"}}'
    await managed.may(
        '{"Statement":{"Effect":"Allow","Action":"organizations:*","Resource":"*","Condition":'
        f"{condition}}}}}"
    )
    for policy_type, allowed in ((SCP, False), (RCP, True)):
        held, document = policies[policy_type], DENY if policy_type is SCP else both
        calls = (
            managed.policies.describe(call, held),
            managed.policies.list(call, policy_type, page),
            managed.policies.policies_of(call, MEMBER, policy_type, page),
            managed.policies.attach(call, held, MEMBER),
            managed.policies.disable_type(call, managed.root, policy_type),
            managed.policies.enable_type(call, managed.root, policy_type),
            managed.policies.create(call, policy_type, "another", "", document),
            managed.policies.delete(call, held),
        )
        for each in calls:
            if allowed:
                await each
            else:
                assert (await refusal(each)).reason_name == "ACCESS_DENIED"


async def test_a_change_is_announced_for_every_account_that_it_reaches(managed: Managed) -> None:
    call = await managed.call()
    unit = (await managed.tree.create_unit(call, managed.root, "a")).unit_id
    policy = await managed.policy()
    everybody, moved = {MEMBER, "999999999999"}, {MEMBER}
    changes: tuple[tuple[Any, set[str]], ...] = (
        (managed.tree.move_account(call, MEMBER, managed.root, unit), moved),
        (managed.policies.attach(call, policy, unit), moved),
        (managed.policies.update(call, policy, None, None, DENY.replace("bedrock", "kms")), moved),
        (managed.policies.detach(call, policy, unit), moved),
        (managed.policies.attach(call, policy, managed.root), everybody),
        (managed.policies.disable_type(call, managed.root, SCP), everybody),
        (managed.policies.enable_type(call, managed.root, SCP), everybody),
    )
    for change, accounts in changes:
        managed.announced.epochs.clear()
        await change
        assert [set(each) for each in managed.announced.epochs] == [accounts]
        for account_id, key in ((MEMBER, managed.auth.key), ("999999999999", managed.boss)):
            if account_id in accounts:
                state = await managed.auth.credentials.principal_state(key.key.access_key_id)
                assert state.epoch == managed.announced.epochs[0][account_id]


async def test_a_token_from_before_a_change_asks_for_a_newer_lease(managed: Managed) -> None:
    before = await managed.call(managed.auth.key)
    policy = await managed.policy()
    await managed.policies.attach(await managed.call(), policy, MEMBER)
    after = await managed.call(managed.auth.key)
    assert before.principal is not None
    assert after.principal is not None
    assert after.principal.policy_epoch == before.principal.policy_epoch + 1


async def test_documents_are_of_their_type(managed: Managed) -> None:
    call = await managed.call()
    both = DENY.replace('"Effect"', '"Principal": "*", "Effect"')
    for policy_type, document, refused in ((SCP, DENY, both), (RCP, both, DENY)):
        error = await refusal(managed.policies.create(call, policy_type, "n", "", refused))
        assert error.reason_name == "UNSUPPORTED_POLICY"
        assert "statement 0" in error.message
        policy = await managed.policy(policy_type, document)
        error = await refusal(managed.policies.update(call, policy, None, None, refused))
        assert error.reason_name == "UNSUPPORTED_POLICY"
        stored, _arn = await managed.policies.describe(call, policy)
        assert stored.document == document


async def test_what_is_not_there_is_said_to_who_may_ask(managed: Managed) -> None:
    call = await managed.call()
    missing = (
        managed.policies.describe(call, "p-nothing000"),
        managed.policies.enable_type(call, "r-none", SCP),
        managed.tree.unit(call, "ou-none-00000000"),
    )
    for each in missing:
        assert (await refusal(each)).reason_name == "RESOURCE_NOT_FOUND"


async def test_units_are_nested_five_deep(managed: Managed) -> None:
    call, parent = await managed.call(), managed.root
    for depth in range(MAX_DEPTH):
        parent = (await managed.tree.create_unit(call, parent, f"level {depth}")).unit_id
    assert call.resources[-1] == parent
    error = await refusal(managed.tree.create_unit(call, parent, "too deep"))
    assert error.message == "OUs can be nested at most 5 levels deep."
    await managed.tree.move_account(call, MEMBER, managed.root, parent)
    state = await managed.auth.credentials.principal_state(managed.auth.key.key.access_key_id)
    assert len(state.policies.service_control) == len(state.policies.resource_control) == 7


def test_ids_have_the_shapes_that_aws_documents(auth: Any) -> None:
    root = root_id_of("o-abcdefghij")
    assert re.fullmatch(r"r-[0-9a-z]{4,32}", root)
    unit = new_unit_id(root, auth.randomness)
    assert re.fullmatch(r"ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}", unit)
    assert unit.startswith(f"ou-{root[2:]}-")
    assert re.fullmatch(r"p-[0-9a-zA-Z_]{8,128}", new_policy_id(auth.randomness))
    assert [kind_of(each) for each in (root, unit, MEMBER)] == list(NodeKind)


def test_events_name_the_parts_of_a_request() -> None:
    service = "/craton.auth.v1.OrganizationPolicyService"
    attach = EVENTS[f"{service}/AttachOrganizationPolicy"]
    assert (attach.event_source, attach.event_name) == ("organizations.amazonaws.com", "AttachPolicy")
    call = CallContext(method="/m", request_id="r", call_id="c", caller=OPERATOR)
    request = organization_policy_service_pb2.AttachOrganizationPolicyRequest(
        policy_id="p-1", target_id="r-1"
    )
    assert attach.resources(request, call) == ("p-1", "r-1")
    move = EVENTS["/craton.auth.v1.OrganizationService/MoveAccount"]
    moved = organization_service_pb2.MoveAccountRequest(
        account_id=MEMBER, source_parent_id="r-1", destination_parent_id="ou-1"
    )
    assert move.resources(moved, call) == (MEMBER, "r-1", "ou-1")


async def test_a_place_that_is_missing_is_an_error_and_no_freedom(managed: Managed) -> None:
    await managed.auth.directory._database.run(
        lambda connection: connection.execute(sa.text("DELETE FROM organization_members"))
    )
    with pytest.raises(RuntimeError, match="no place"):
        await managed.auth.credentials.principal_state(managed.auth.key.key.access_key_id)


def test_arns_hold_the_partition() -> None:
    arns = dataclasses.replace(OrganizationArns(INSTALLATION), partition="aws-cn")
    assert arns.organization() == "arn:aws-cn:organizations::999999999999:organization/o-abcdefghij"


async def test_a_resource_control_policy_protects_roles_from_other_accounts(managed: Managed) -> None:
    auth, database = managed.auth, managed.auth.directory._database
    trust = '{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"999999999999"}}}'
    roles = SqlRoles(database)
    now, longest = auth.clock.now(), timedelta(hours=1)
    role = Role(MEMBER, "r", "AROAROLE", trust, canonical(parse(trust, TRUST)), "", longest, now)
    await roles.create_role(role, 9)
    temporary = auth.temporary(roles)
    call, request = await managed.call(), RoleRequest(f"arn:aws:iam::{MEMBER}:role/r", "s1")
    await temporary.assume_role(call, request)
    document = (
        '{"Statement":{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Resource":"*",'
        f'"Condition":{{"StringNotEquals":{{"aws:PrincipalAccount":"{MEMBER}"}}}}}}}}'
    )
    policy = await managed.policy(RCP, document)
    await managed.policies.attach(call, policy, MEMBER)
    error = await refusal(temporary.assume_role(call, request))
    assert error.message.endswith("with an explicit deny in a resource control policy")
    allowed = document.replace(MEMBER, "999999999999")
    await managed.policies.update(call, policy, None, None, allowed)
    await temporary.assume_role(call, request)
