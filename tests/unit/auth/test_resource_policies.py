"""What the key service asks of auth: who is named in a policy, and what protects the keys of an account."""

import json

import pytest
from craton.auth.v1 import resource_policy_service_pb2 as pb

from services.auth.domain.organization import PolicyType
from services.auth.domain.points import EnforcementPointId
from services.auth.operations.principal_names import PrincipalNames
from services.auth.operations.resource_policies import ResourcePolicies
from services.auth.servicer.resource_policies import ResourcePolicyServicer
from services.chassis.context import CallContext, enter_call
from services.chassis.identity import WorkloadId
from tests.unit.auth.identities import ACCOUNT, Iam, refused
from tests.unit.auth.points import Points
from tests.unit.auth.test_organization import Managed, managed
from tests.unit.auth.test_trust_policies import ROLE, SESSION, USER, trusting

__all__ = ["managed"]

KMS = CallContext("/m", "r", "c", WorkloadId("craton.local", "service", "kms"))
POINT = "ab" * 16
DENY_KMS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"},
    }
)


@pytest.fixture
def points() -> Points:
    return Points()


@pytest.fixture
def resources(iam: Iam, points: Points) -> ResourcePolicies:
    names: PrincipalNames = iam.roles.trusts.names
    return ResourcePolicies(iam.auth.credentials, names, points)


async def test_names_are_bound_to_ids(iam: Iam, resources: ResourcePolicies) -> None:
    alice = (await iam.users.get(iam.root, "alice")).user.user_id
    await iam.roles.create(iam.root, "r", trusting(f"{USER}/alice"), "", None)
    role = (await iam.roles.get(iam.root, "r")).role.role_id
    names = [
        f"{USER}/alice",
        f"{USER}/nobody",
        f"{ROLE}/r",
        f"{SESSION}/r/bob",
        f"arn:aws:iam::{ACCOUNT}:root",
        ACCOUNT,
        "*",
        alice,
        "AIDAGONEGONEGONEGONE1",
        f"{USER}/alice",
    ]
    bound = await resources.bind(names, [])
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/bob"
    root = f"arn:aws:iam::{ACCOUNT}:root"
    assert bound == [alice, "", role, session, root, ACCOUNT, "*", alice, "", alice]
    # What was read may be written, though nobody has it any more.
    assert await resources.bind(["AIDAGONEGONEGONEGONE1"], ["AIDAGONEGONEGONEGONE1"]) == [
        "AIDAGONEGONEGONEGONE1"
    ]


async def test_ids_are_told_by_the_arns_of_now(iam: Iam, resources: ResourcePolicies) -> None:
    alice = (await iam.users.get(iam.root, "alice")).user.user_id
    await iam.users.update(iam.root, "alice", "alicia", "/team/")
    assert await resources.tell([alice, "AIDAGONEGONEGONEGONE1"]) == [(alice, f"{USER}/team/alicia")]


async def test_a_lease_says_what_protects_the_resources_of_an_account(
    managed: Managed, points: Points
) -> None:
    names = PrincipalNames(None, None, "aws")  # type: ignore[arg-type]
    resources = ResourcePolicies(managed.auth.credentials, names, points)
    first = await resources.lease(KMS, ACCOUNT, "", POINT)
    assert points.registered == [EnforcementPointId("kms", POINT)]
    assert first.owner.incarnation == managed.auth.account.incarnation
    again = await resources.lease(KMS, ACCOUNT, first.digest, POINT)
    assert (again.unchanged, again.digest) == (True, first.digest)
    policy = await managed.policy(PolicyType.RESOURCE_CONTROL, DENY_KMS)
    await managed.policies.attach(await managed.call(), policy, ACCOUNT)
    protected = await resources.lease(KMS, ACCOUNT, first.digest, POINT)
    assert not protected.unchanged
    assert protected.owner.epoch > first.owner.epoch, "older leases are found by the epoch"
    assert any("Deny" in document for document in protected.owner.resource_control[-1])
    # The management account is exempt.
    exempt = await resources.lease(KMS, "999999999999", "", POINT)
    assert exempt.owner.resource_control == ()


async def test_what_changes_before_the_point_is_written_down_is_in_force(
    managed: Managed, points: Points
) -> None:
    names = PrincipalNames(None, None, "aws")  # type: ignore[arg-type]
    resources = ResourcePolicies(managed.auth.credentials, names, points)
    policy = await managed.policy(PolicyType.RESOURCE_CONTROL, DENY_KMS)
    call = await managed.call()
    points.meanwhile = lambda: managed.policies.attach(call, policy, ACCOUNT)
    lease = await resources.lease(KMS, ACCOUNT, "", POINT)
    assert any("Deny" in document for document in lease.owner.resource_control[-1])


async def test_nobody_registers_for_an_account_that_there_is_not(
    resources: ResourcePolicies, points: Points
) -> None:
    assert (await refused(resources.lease(KMS, "000000000000", "", POINT)))[0] == "RESOURCE_NOT_FOUND"
    assert points.registered == []


async def test_leases_are_for_services(resources: ResourcePolicies) -> None:
    operator = CallContext("/m", "r", "c", WorkloadId("craton.local", "operator", "admin"))
    for call in (operator, CallContext("/m", "r", "c", None)):
        assert (await refused(resources.lease(call, ACCOUNT, "", POINT)))[0] == "ACCESS_DENIED"


async def test_what_is_answered(iam: Iam, resources: ResourcePolicies) -> None:
    enter_call(KMS)
    servicer = ResourcePolicyServicer(resources)
    alice = (await iam.users.get(iam.root, "alice")).user.user_id
    asked = pb.BindPrincipalsRequest(names=[f"{USER}/alice", f"{USER}/nobody", "AIDAGONEGONEGONEGONE1"])
    asked.known_ids.append("AIDAGONEGONEGONEGONE1")
    bound = await servicer.BindPrincipals(asked, None)
    assert list(bound.bound) == [alice, "", "AIDAGONEGONEGONEGONE1"]
    told = await servicer.TellPrincipals(pb.TellPrincipalsRequest(unique_ids=[alice]), None)
    assert [(each.unique_id, each.arn) for each in told.principals] == [(alice, f"{USER}/alice")]
    request = pb.GetResourceLeaseRequest(account_id=ACCOUNT, instance_id=POINT)
    lease = await servicer.GetResourceLease(request, None)
    assert lease.account_incarnation == iam.auth.account.incarnation
    assert lease.lease.ToMilliseconds() == 4_750
    request.known_digest = lease.digest
    again = await servicer.GetResourceLease(request, None)
    assert not again.resource_control_levels


async def test_levels_are_told_once(managed: Managed, points: Points) -> None:
    enter_call(KMS)
    names = PrincipalNames(None, None, "aws")  # type: ignore[arg-type]
    servicer = ResourcePolicyServicer(ResourcePolicies(managed.auth.credentials, names, points))
    policy = await managed.policy(PolicyType.RESOURCE_CONTROL, DENY_KMS)
    await managed.policies.attach(await managed.call(), policy, ACCOUNT)
    request = pb.GetResourceLeaseRequest(account_id=ACCOUNT, instance_id=POINT)
    lease = await servicer.GetResourceLease(request, None)
    levels = [list(level.documents) for level in lease.resource_control_levels]
    assert any("Deny" in document for document in levels[-1])
    request.known_digest = lease.digest
    again = await servicer.GetResourceLease(request, None)
    assert (again.digest, len(again.resource_control_levels)) == (lease.digest, 0)
