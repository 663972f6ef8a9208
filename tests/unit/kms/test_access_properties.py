"""What no Deny and no grant can ever do, over random policies of all layers and random grants."""

import asyncio
import dataclasses
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.kms.domain.keys import Key
from services.kms.domain.request_facts import GrantFacts, RequestFacts
from services.kms.operations.grants import NewGrant
from tests.unit.kms.key_access import OTHER, OWNER, ROOT, World, allow, controlling, deny, document, to

ALICE, BOB = f"arn:aws:iam::{OWNER}:user/alice", f"arn:aws:iam::{OTHER}:user/bob"
ROLE, SESSION = f"arn:aws:iam::{OWNER}:role/r", f"arn:aws:sts::{OWNER}:assumed-role/r/s"
OTHER_ROOT = f"arn:aws:iam::{OTHER}:root"
OPERATIONS = ("Decrypt", "Encrypt", "GenerateDataKey", "DescribeKey")
CONTEXTS: tuple[dict[str, str], ...] = ({}, {"a": "1"}, {"a": "1", "b": "2"}, {"A": "1"}, {"a": "2"})
WORKLOAD = "service/training"

actions = st.lists(
    st.sampled_from(("kms:*", "kms:De*", *(f"kms:{each}" for each in OPERATIONS))),
    min_size=1,
    max_size=2,
    unique=True,
)
conditions = st.sampled_from(
    (
        {},
        {"StringEquals": {"kms:EncryptionContext:a": "1"}},
        {"StringEquals": {"kms:CallerAccount": OWNER}},
        {"Null": {"kms:ViaService": "false"}},
        {"StringNotEquals": {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}},
    )
)
principals = st.sampled_from((ROOT, ALICE, ROLE, SESSION, BOB, OTHER_ROOT, "*"))


@st.composite
def statements(draw: st.DrawFn, *, named: bool, denies: bool | None = None) -> dict[str, Any]:
    denying = draw(st.booleans()) if denies is None else denies
    more: dict[str, Any] = dict(to(draw(principals))) if named else {}
    condition = draw(conditions)
    if condition:
        more["Condition"] = condition
    return (deny if denying else allow)(draw(actions), **more)


@dataclasses.dataclass(frozen=True)
class Situation:
    """Whose policies say what, and who asks for what."""

    policy: tuple[dict[str, Any], ...]
    identity: tuple[dict[str, Any], ...]
    boundary: tuple[dict[str, Any], ...]
    session: tuple[dict[str, Any], ...]
    scp: tuple[dict[str, Any], ...]
    rcp: tuple[dict[str, Any], ...]
    grants: tuple[tuple[tuple[str, ...], str, str, Mapping[str, str]], ...]
    """Operations, grantee, kind of constraint, its pairs."""
    who: str
    operation: str
    context: Mapping[str, str]
    via: bool


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    def several(most: int, *, named: bool = False, denies: bool | None = None) -> tuple[dict[str, Any], ...]:
        return tuple(draw(st.lists(statements(named=named, denies=denies), max_size=most)))

    grants = st.tuples(
        st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=2, unique=True).map(tuple),
        st.sampled_from((ALICE, ROLE, SESSION, BOB, ROOT, OTHER_ROOT, WORKLOAD)),
        st.sampled_from(("", "equals", "subset")),
        st.sampled_from(CONTEXTS[1:]),
    )
    return Situation(
        several(3, named=True),
        several(2),
        several(1),
        several(1),
        several(1),
        several(1, denies=True),
        tuple(draw(st.lists(grants, max_size=3))),
        draw(st.sampled_from((ALICE, ROLE, BOB, ROOT, WORKLOAD))),
        draw(st.sampled_from(OPERATIONS)),
        draw(st.sampled_from(CONTEXTS)),
        draw(st.booleans()),
    )


async def build(now: Situation) -> tuple[World, Key]:
    world = World()
    layers: dict[str, Any] = {
        "boundary": (document(*now.boundary),) if now.boundary else None,
        "session": (document(*now.session),) if now.session else None,
        "service_control": ((document(*now.scp),),) if now.scp else (),
    }
    for name, account in (("user/alice", OWNER), ("role/r", OWNER), ("user/bob", OTHER)):
        world.make(name, *now.identity, account=account, **layers)
    key = await world.key()
    for operations, grantee, kind, pairs in now.grants:
        constraint: dict[str, Any] = {kind: pairs} if kind else {}
        wanted = GrantFacts(operations, grantee, **constraint)
        await world.grants.create(world.call(ROOT), NewGrant(str(key.name), wanted))
    if now.policy:
        key = await world.change(key, document(*now.policy))
    world.controls[OWNER] = controlling(*now.rcp)
    world.leases.revoke_all()
    world.owners.revoke_all()
    return world, key


async def permitted(now: Situation) -> bool:
    world, key = await build(now)
    via = ("bedrock.amazonaws.com",) if now.via else ()
    call = world.workload(now.who) if now.who == WORKLOAD else world.call(now.who, via=via)
    facts = RequestFacts(
        encryption_context={} if now.operation == "DescribeKey" else now.context,
        encryption_algorithm="" if now.operation == "DescribeKey" else "SYMMETRIC_DEFAULT",
    )
    return await world.may(call, key, f"kms:{now.operation}", facts)


def changed(now: Situation, layer: str, written: tuple[dict[str, Any], ...]) -> Situation:
    """Return the situation with other statements in a layer."""
    fields: dict[str, Any] = {layer: written}
    return dataclasses.replace(now, **fields)


def names(grantee: str, who: str) -> bool:
    """Say, without asking the product, whether a grant for `grantee` can be one for `who`."""
    roots = {ALICE: ROOT, ROLE: ROOT, ROOT: ROOT, BOB: OTHER_ROOT}
    return grantee in (who, roots.get(who)) or (who == ROLE and grantee == SESSION)


def gives(grant: tuple[tuple[str, ...], str, str, Mapping[str, str]], now: Situation) -> bool:
    """Say, without asking the product, whether a grant is about the request."""
    operations, grantee, kind, pairs = grant
    if now.operation not in operations or not names(grantee, now.who):
        return False
    if not kind or now.operation == "DescribeKey":
        return True
    if kind == "equals":
        return dict(now.context) == dict(pairs)
    return all(now.context.get(name) == value for name, value in pairs.items())


@given(situations(), st.sampled_from(("policy", "identity", "boundary", "session", "scp", "rcp")), st.data())
def test_a_deny_never_permits(now: Situation, layer: str, data: st.DataObject) -> None:
    before: tuple[dict[str, Any], ...] = getattr(now, layer)
    if not before and layer in ("boundary", "session", "scp"):
        # A layer that was not there at all allows everything: a Deny alone would stand for a silent one.
        before = (allow("*"),)
        now = changed(now, layer, before)
    if not before and layer == "policy":
        before = (allow("kms:*", **to(ROOT)),)
        now = dataclasses.replace(now, policy=before)
    extra = data.draw(statements(named=layer == "policy", denies=True))
    at = data.draw(st.integers(0, len(before)))
    denied = changed(now, layer, (*before[:at], extra, *before[at:]))
    if asyncio.run(permitted(denied)):
        assert asyncio.run(permitted(now))


@given(situations())
def test_a_deny_of_everything_refuses_everybody(now: Situation) -> None:
    for layer in ("policy", "rcp"):
        everybody: dict[str, Any] = {"Principal": "*"} if layer == "policy" else {}
        extra = deny("kms:*", **everybody)
        denied = changed(now, layer, (*getattr(now, layer), extra))
        assert not asyncio.run(permitted(denied))


@given(situations())
def test_grants_widen_to_what_they_are_about_and_no_further(now: Situation) -> None:
    without = asyncio.run(permitted(dataclasses.replace(now, grants=())))
    with_them = asyncio.run(permitted(now))
    if without:
        assert with_them, "a grant takes nothing"
    if with_them and not without:
        assert any(gives(each, now) for each in now.grants)


@given(situations())
def test_a_grant_that_is_about_the_request_permits_what_nothing_else_hinders(now: Situation) -> None:
    free = dataclasses.replace(now, identity=(), boundary=(), session=(), scp=(), rcp=(), policy=())
    if free.who in (ALICE, ROLE, WORKLOAD):
        itself = any(gives(each, free) and each[1] != ROOT for each in free.grants)
        assert asyncio.run(permitted(free)) is itself


@given(situations())
def test_between_accounts_both_sides_must_say_yes(now: Situation) -> None:
    foreign = dataclasses.replace(now, who=BOB)
    assert not asyncio.run(permitted(dataclasses.replace(foreign, identity=())))
    silent = dataclasses.replace(foreign, policy=(allow("kms:*", **to(ROOT)),), grants=())
    assert not asyncio.run(permitted(silent))
