"""What administrators can be held to: policies, tags, boundaries, their own account."""

import json

import pytest

from services.auth.adapters.sql_managed_policies import SqlManagedPolicies
from services.auth.domain.identity import (
    Entity,
    EntityKind,
    ManagedPolicy,
    PolicyReference,
    PolicyUsage,
    PolicyVersion,
)
from services.auth.domain.records import Account
from tests.unit.auth.identities import ACCOUNT, ADMINISTRATOR, ALICE, ALLOW, FIRST, Iam, allow, refused


async def test_attaching_can_be_allowed_for_one_policy(iam: Iam) -> None:
    arn = await iam.policy("p", ALLOW.replace('"Action":"*"', '"Action":"kms:*"'))
    user = f"arn:aws:iam::{ACCOUNT}:user/alice"
    await iam.allow(allow("iam:*", user, ArnEquals={"iam:PolicyARN": arn}))
    call = await iam.alice()
    await iam.attachments.attach(call, ALICE, arn)
    for refusal in (
        iam.attachments.attach(call, ALICE, ADMINISTRATOR),
        iam.attachments.attach(call, Entity(EntityKind.GROUP, "g"), arn),
        # These requests carry no ARN of a policy.
        iam.attachments.attached(call, ALICE, FIRST),
        iam.tags.list(call, ALICE, FIRST),
    ):
        assert (await refused(refusal))[0] == "ACCESS_DENIED"
    await iam.attachments.detach(call, ALICE, arn)


async def test_an_administrator_can_be_held_to_users_with_a_boundary(iam: Iam) -> None:
    arn = await iam.policy("edge", ALLOW.replace('"Action":"*"', '"Action":"kms:*"'))
    await iam.allow(
        allow("iam:*User*", f"arn:aws:iam::{ACCOUNT}:user/*", ArnEquals={"iam:PermissionsBoundary": arn})
    )
    call, bob, carol = await iam.alice(), Entity(EntityKind.USER, "bob"), Entity(EntityKind.USER, "carol")
    for boundary in ("", ADMINISTRATOR):
        assert (await refused(iam.users.create(call, "bob", boundary)))[0] == "ACCESS_DENIED"
    await iam.users.create(call, "bob", arn)
    await iam.users.create(iam.root, "carol")
    await iam.attachments.attach(call, bob, ADMINISTRATOR)
    await iam.attachments.detach(call, bob, ADMINISTRATOR)
    await iam.inline.put(call, bob, "p", ALLOW)
    await iam.inline.delete(call, bob, "p")
    await iam.boundaries.put(call, carol, arn)
    await iam.boundaries.delete(iam.root, carol)
    for refusal in (
        lambda: iam.boundaries.put(call, bob, ADMINISTRATOR),
        lambda: iam.attachments.attach(call, carol, ADMINISTRATOR),
        lambda: iam.inline.put(call, carol, "p", ALLOW),
        lambda: iam.inline.delete(call, carol, "p"),
        lambda: iam.boundaries.delete(call, carol),
        lambda: iam.attachments.attach(call, Entity(EntityKind.USER, "nobody"), ADMINISTRATOR),
    ):
        assert (await refused(refusal()))[0] == "ACCESS_DENIED"
    # AWS's advice is a Deny on this action: whoever may call it can lift the boundary that binds others.
    await iam.boundaries.delete(call, bob)


async def test_roles_have_policies_attached_too(iam: Iam) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    await iam.roles.create(
        iam.root, "reader", json.dumps({"Version": "2012-10-17", "Statement": trust}), "", None
    )
    role = Entity(EntityKind.ROLE, "reader")
    await iam.allow(allow("iam:*RolePolic*", f"arn:aws:iam::{ACCOUNT}:role/reader"))
    call = await iam.alice()
    await iam.attachments.attach(call, role, ADMINISTRATOR)
    await iam.inline.put(call, role, "p", ALLOW)
    await iam.allow(
        allow("iam:*RolePolic*"),
        {**allow("iam:*", ArnEquals={"iam:PermissionsBoundary": ADMINISTRATOR}), "Effect": "Deny"},
    )
    await iam.boundaries.put(iam.root, role, ADMINISTRATOR)
    for refusal in (
        lambda: iam.inline.put(call, role, "p", ALLOW),
        lambda: iam.inline.delete(call, role, "p"),
        lambda: iam.attachments.detach(call, role, ADMINISTRATOR),
    ):
        assert "explicit deny" in (await refused(refusal()))[1]
    await iam.boundaries.delete(iam.root, role)
    assert (await refused(iam.attachments.attach(call, ALICE, ADMINISTRATOR)))[0] == "ACCESS_DENIED"
    (attached,) = (await iam.attachments.attached(call, role, FIRST)).items
    assert (attached.built_in, attached.policy_name) == (True, "AdministratorAccess")
    using = await iam.attachments.entities(iam.root, ADMINISTRATOR, PolicyUsage.ANY, EntityKind.ROLE, FIRST)
    assert [each.name for each in using.items] == ["reader"]


async def test_policies_of_another_account_cannot_be_used(iam: Iam) -> None:
    other = Account("210987654321", "incarnation", "second", iam.auth.clock.now())
    await iam.auth.directory.create_account(other, None, None)
    theirs = PolicyReference(other.account_id, "p")
    now = iam.auth.clock.now()
    await SqlManagedPolicies(iam.auth.credentials._database).create_policy(
        ManagedPolicy(theirs, "ANPAOTHER", "", 1, now, now),
        PolicyVersion(1, ALLOW, ALLOW, is_default=True, created_at=now),
        9,
    )
    arn = f"arn:aws:iam::{other.account_id}:policy/p"
    for call in (
        iam.attachments.attach(iam.root, ALICE, arn),
        iam.boundaries.put(iam.root, ALICE, arn),
        iam.users.create(iam.root, "bob", arn),
    ):
        assert (await refused(call))[0] == "RESOURCE_NOT_FOUND"
    for closed in (
        iam.policies.get(iam.root, arn),
        iam.policies.delete(iam.root, arn),
        iam.policies.create_version(iam.root, arn, ALLOW, as_default=True),
        iam.attachments.entities(iam.root, arn, PolicyUsage.ANY, None, FIRST),
    ):
        assert (await refused(closed))[0] == "ACCESS_DENIED"


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "AdministratorAccess",
        f"arn:aws:iam::{ACCOUNT}:user/alice",
        f"arn:aws:iam::{ACCOUNT}:policy/a b/c",
        f"arn:aws:iam::{ACCOUNT}:policy/",
        "arn:aws:iam::aws:user/alice",
        "arn:aws-cn:iam::aws:policy/AdministratorAccess",
        f"arn:aws:iam:us-east-1:{ACCOUNT}:policy/p",
    ],
)
async def test_what_is_no_policy_is_refused(iam: Iam, arn: str) -> None:
    for call in (
        iam.policies.get(iam.root, arn),
        iam.attachments.attach(iam.root, ALICE, arn),
        iam.boundaries.put(iam.root, ALICE, arn),
    ):
        assert (await refused(call))[0] == "INVALID_FIELD"
