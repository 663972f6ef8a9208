"""Who may use a key: cases written from AWS's pages.

https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html,
https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.kms.domain.key_policies import managed_policy
from services.kms.domain.keys import Key, KeyManager
from services.kms.domain.names import KeyName
from services.kms.domain.request_facts import GrantFacts, RequestFacts
from services.kms.operations.grants import NewGrant
from tests.unit.kms.key_access import OTHER, OWNER, ROOT, World, allow, controlling, deny, document, to

Statements = tuple[dict[str, Any], ...]
ALICE, BOB = f"arn:aws:iam::{OWNER}:user/alice", f"arn:aws:iam::{OTHER}:user/bob"
ROLE = f"arn:aws:iam::{OWNER}:role/r"
SESSION = f"arn:aws:sts::{OWNER}:assumed-role/r/s"
ACCOUNT = allow(**to(ROOT))
"""What AWS's default key policy says."""
ADMIN = allow("kms:PutKeyPolicy", **to(ROOT))
DECRYPT = allow("kms:Decrypt")
VIA: dict[str, Any] = {"Condition": {"StringEquals": {"kms:ViaService": "bedrock.us-east-1.amazonaws.com"}}}


@dataclass(frozen=True)
class Case:
    """Who asks for kms:Decrypt on a key, and with what."""

    what: str
    permitted: bool
    who: str = ALICE
    policy: Statements = (ACCOUNT,)
    own: Statements = ()
    boundary: Statements | None = None
    session: Statements | None = None
    scp: Statements = ()
    rcp: Statements = ()
    granted: tuple[str, ...] = ()
    grantee: str = ""
    subset: dict[str, str] = field(default_factory=dict)
    context: dict[str, str] = field(default_factory=dict)
    via: tuple[str, ...] = ()


CASES = [
    Case("the account decides, and says nothing", False),
    Case("the account decides, and allows", True, own=(DECRYPT,)),
    Case("the policy does not name the account", False, policy=(ADMIN,), own=(DECRYPT,)),
    Case("the policy names the user itself", True, policy=(ADMIN, allow("kms:Decrypt", **to(ALICE)))),
    Case("the root user is the account", True, who=ROOT),
    Case("the root user has no more than the policy gives", False, who=ROOT, policy=(ADMIN,)),
    Case(
        "a deny of the key's policy",
        False,
        policy=(ACCOUNT, deny("kms:Decrypt", **to(ALICE))),
        own=(DECRYPT,),
    ),
    Case(
        "a deny of the key's policy, for the account",
        False,
        policy=(ACCOUNT, deny(**to(ROOT))),
        own=(DECRYPT,),
    ),
    Case("a deny of its own", False, policy=(allow(**to(ALICE)),), own=(deny(),)),
    Case(
        "a silent boundary narrows what the account gives", False, own=(DECRYPT,), boundary=(allow("s3:*"),)
    ),
    Case(
        "a silent boundary does not narrow what the key gives a user",
        True,
        policy=(allow(**to(ALICE)),),
        boundary=(allow("s3:*"),),
    ),
    Case(
        "a silent boundary narrows what the key gives a role",
        False,
        who=ROLE,
        policy=(allow(**to(ROLE)),),
        boundary=(allow("s3:*"),),
    ),
    Case(
        "a silent session policy narrows what the key gives a role",
        False,
        who=ROLE,
        policy=(allow(**to(ROLE)),),
        session=(allow("s3:*"),),
    ),
    Case(
        "a session that is named itself",
        True,
        who=ROLE,
        policy=(allow(**to(SESSION)),),
        session=(allow("s3:*"),),
    ),
    Case("a deny of a boundary", False, policy=(allow(**to(ALICE)),), boundary=(allow("*"), deny())),
    Case("a silent service control policy", False, policy=(allow(**to(ALICE)),), scp=(allow("s3:*"),)),
    Case("a deny of a service control policy", False, own=(DECRYPT,), scp=(allow("*"), deny("kms:Decrypt"))),
    Case("a deny of a resource control policy", False, own=(DECRYPT,), rcp=(deny("kms:Decrypt"),)),
    Case("another account that is not named", False, who=BOB, own=(DECRYPT,)),
    Case(
        "another account that is named, and says nothing",
        False,
        who=BOB,
        policy=(ACCOUNT, allow(**to(f"arn:aws:iam::{OTHER}:root"))),
    ),
    Case(
        "another account that is named, and allows",
        True,
        who=BOB,
        own=(DECRYPT,),
        policy=(ACCOUNT, allow(**to(f"arn:aws:iam::{OTHER}:root"))),
    ),
    Case(
        "another account's user that is named, and is not allowed by its own",
        False,
        who=BOB,
        policy=(ACCOUNT, allow(**to(BOB))),
    ),
    Case(
        "another account's user that is named, and allowed",
        True,
        who=BOB,
        own=(DECRYPT,),
        policy=(ACCOUNT, allow(**to(BOB))),
    ),
    Case(
        "everybody is named, another account's user is allowed",
        True,
        who=BOB,
        own=(DECRYPT,),
        policy=(ACCOUNT, allow(Principal="*")),
    ),
    Case(
        "resource control policies of the owner bind everybody",
        False,
        who=BOB,
        own=(DECRYPT,),
        policy=(ACCOUNT, allow(**to(BOB))),
        rcp=(deny("kms:Decrypt"),),
    ),
    Case("a grant needs no policy", True, policy=(ADMIN,), granted=("Decrypt",)),
    Case("a grant for another operation", False, granted=("Encrypt",)),
    Case("a grant for somebody else", False, granted=("Decrypt",), grantee=ROLE),
    Case(
        "a grant for the account leaves it to the account",
        False,
        granted=("Decrypt",),
        grantee=ROOT,
        policy=(ADMIN,),
    ),
    Case(
        "a grant for the account, which allows",
        True,
        granted=("Decrypt",),
        grantee=ROOT,
        policy=(ADMIN,),
        own=(DECRYPT,),
    ),
    Case("a grant for a role", True, who=ROLE, granted=("Decrypt",)),
    Case("a grant for a session", True, who=ROLE, granted=("Decrypt",), grantee=SESSION),
    Case(
        "a grant for a role, and a silent session policy",
        False,
        who=ROLE,
        granted=("Decrypt",),
        session=(allow("s3:*"),),
    ),
    Case(
        "a grant, and a deny of the key's policy",
        False,
        granted=("Decrypt",),
        policy=(ACCOUNT, deny("kms:Decrypt", **to(ALICE))),
    ),
    Case("a grant, and a deny of its own", False, granted=("Decrypt",), own=(deny("kms:Decrypt"),)),
    Case("a grant, and a deny of a boundary", False, granted=("Decrypt",), boundary=(allow("*"), deny())),
    Case(
        "a grant, and a service control policy that is silent",
        False,
        granted=("Decrypt",),
        scp=(allow("s3:*"),),
    ),
    Case(
        "a grant, and a deny of a resource control policy",
        False,
        granted=("Decrypt",),
        rcp=(deny("kms:Decrypt"),),
    ),
    Case("a grant between accounts, and nothing of its own", False, who=BOB, granted=("Decrypt",)),
    Case(
        "a grant between accounts, and an allow of its own",
        True,
        who=BOB,
        granted=("Decrypt",),
        own=(DECRYPT,),
    ),
    Case(
        "a constraint that is met",
        True,
        granted=("Decrypt",),
        subset={"a": "1"},
        context={"a": "1", "b": "2"},
    ),
    Case("a constraint that is not met", False, granted=("Decrypt",), subset={"a": "1"}, context={"a": "2"}),
    Case("a constraint, and no context", False, granted=("Decrypt",), subset={"a": "1"}),
    Case(
        "through the service that a condition names",
        True,
        policy=(allow(**to(ALICE), **VIA),),
        via=("bedrock.amazonaws.com",),
    ),
    Case("not through the service that a condition names", False, policy=(allow(**to(ALICE), **VIA),)),
    Case(
        "a condition on the encryption context",
        True,
        context={"a": "1"},
        policy=(allow(**to(ALICE), Condition={"StringEquals": {"kms:EncryptionContext:a": "1"}}),),
    ),
    Case(
        "a condition on another encryption context",
        False,
        context={"a": "2"},
        policy=(allow(**to(ALICE), Condition={"StringEquals": {"kms:EncryptionContext:a": "1"}}),),
    ),
    Case(
        "a condition on the caller's account",
        False,
        who=BOB,
        own=(DECRYPT,),
        policy=(allow(Principal="*", Condition={"StringEquals": {"kms:CallerAccount": OWNER}}),),
    ),
    Case(
        "a condition on a tag of the key",
        True,
        policy=(allow(**to(ALICE), Condition={"StringEquals": {"aws:ResourceTag/team": "red"}}),),
    ),
    Case(
        "a condition on the key's spec",
        False,
        policy=(allow(**to(ALICE), Condition={"StringEquals": {"kms:KeySpec": "RSA_2048"}}),),
    ),
]


def optional(statements: Statements | None) -> tuple[str, ...] | None:
    return None if statements is None else (document(*statements),)


async def prepared(case: Case) -> tuple[World, CallContext, Key, RequestFacts]:
    world = World()
    world.make("user/alice")
    world.make("role/r")
    world.make("user/bob", account=OTHER)
    key = await world.key(document(ACCOUNT), tags=(("team", "red"),))
    if case.granted:
        wanted = GrantFacts(case.granted, case.grantee or case.who, subset=case.subset or None)
        await world.grants.create(world.call(ROOT), NewGrant(str(key.name), wanted))
    key = await world.change(key, document(*case.policy))
    if case.rcp:
        world.controls[OWNER] = controlling(*case.rcp)
    if case.who != ROOT:
        world.narrow(
            case.who,
            identity=optional(case.own or None) or (),
            boundary=optional(case.boundary),
            session=optional(case.session),
            service_control=(optional(case.scp) or (),) if case.scp else (),
        )
    world.leases.revoke_all()
    world.owners.revoke_all()
    call = world.call(case.who, via=case.via)
    return world, call, key, RequestFacts(encryption_context=case.context)


@pytest.mark.parametrize("case", CASES, ids=[case.what for case in CASES])
async def test_cases(case: Case) -> None:
    world, call, key, facts = await prepared(case)
    assert await world.may(call, key, facts=facts) is case.permitted


@pytest.mark.parametrize("case", [each for each in CASES if each.permitted], ids=lambda case: case.what)
async def test_whatever_is_permitted_a_deny_of_the_key_takes(case: Case) -> None:
    world, call, key, facts = await prepared(case)
    changed = await world.change(key, document(*case.policy, deny("kms:Decrypt", Principal="*")))
    assert not await world.may(call, changed, facts=facts)


async def test_a_name_that_is_used_again_is_somebody_else() -> None:
    world = World()
    world.make("user/alice")
    world.make("role/r")
    key = await world.key(document(ACCOUNT, allow("kms:Decrypt", **to(ALICE, SESSION))))
    wanted = GrantFacts(("Encrypt",), ROLE)
    await world.grants.create(world.call(ROOT), NewGrant(str(key.name), wanted))
    assert await world.may(world.call(ALICE), key)
    assert await world.may(world.call(ROLE), key)
    assert await world.may(world.call(ROLE), key, "kms:Encrypt")
    before = await world.policies.get(world.call(ROOT), key.name)
    assert (ALICE in before, SESSION in before) == (True, True)
    old = world.ids[ALICE]
    world.make("user/alice")
    world.make("role/r")
    assert not await world.may(world.call(ALICE), key)
    assert not await world.may(world.call(ROLE), key)
    assert not await world.may(world.call(ROLE), key, "kms:Encrypt")
    # Who is gone is shown by id, and can be written again as it was read.
    after = await world.policies.get(world.call(ROOT), key.name)
    assert (old in after, ALICE in after) == (True, False)
    await world.policies.put(world.call(ROOT), key.name, after, bypass_lockout_check=False)
    assert await world.policies.get(world.call(ROOT), key.name) == after


async def test_keys_of_other_accounts_are_not_told_from_those_that_are_not_there() -> None:
    world = World()
    world.make("user/bob", allow(), account=OTHER)
    key = await world.key()
    absent = KeyName(key.name.parent, "none")
    call = world.call(BOB)
    with pytest.raises(DomainError) as present:
        await world.access.admit(call, key, "kms:Decrypt")
    missing = world.access.refuse_unknown(call, absent, "kms:Decrypt")
    assert present.value.reason_name == missing.reason_name == "ACCESS_DENIED"
    assert present.value.message.replace(key.name.key_id, "none") == missing.message
    assert "because no resource-based policy allows the kms:Decrypt action" in missing.message
    # With a deny of its own as well.
    world.narrow(BOB, identity=(document(deny()),))
    with pytest.raises(DomainError) as present:
        await world.access.admit(call, key, "kms:Decrypt")
    assert present.value.message.replace(key.name.key_id, "none") == missing.message


async def test_what_the_owner_allows_and_the_callers_account_does_not_is_said() -> None:
    world = World()
    world.make("user/bob", account=OTHER)
    key = await world.key(document(ACCOUNT, allow(**to(BOB))))
    with pytest.raises(DomainError, match="because no identity-based policy allows"):
        await world.access.admit(world.call(BOB), key, "kms:Decrypt")


@pytest.mark.parametrize("action", ["kms:ScheduleKeyDeletion", "kms:PutKeyPolicy", "kms:EnableKey"])
async def test_other_accounts_do_not_administer_keys(action: str) -> None:
    world = World()
    world.make("user/bob", allow(), account=OTHER)
    key = await world.key(document(ACCOUNT, allow(**to(BOB))))
    assert await world.may(world.call(BOB), key, "kms:DescribeKey")
    assert not await world.may(world.call(BOB), key, action)


async def test_use_by_another_account_stands_in_the_owners_log() -> None:
    world = World()
    world.make("user/bob", allow(), account=OTHER)
    world.make("user/alice", allow())
    key = await world.key(document(ACCOUNT, allow(**to(BOB))))
    calls = world.call(BOB), world.call(ALICE)
    for call in calls:
        assert await world.may(call, key)
    assert [call.recipients for call in calls] == [[OWNER], []]


async def test_nothing_is_permitted_when_nobody_says_what_protects_the_owner() -> None:
    world = World()
    world.make("user/bob", allow(), account=OTHER)
    key = await world.key(document(ACCOUNT, allow(**to(BOB))))
    assert await world.may(world.call(BOB), key)
    world.owners.revoke_all()
    world.down = True
    with pytest.raises(DomainError) as caught:
        await world.may(world.call(BOB), key)
    assert caught.value.reason_name == "DEPENDENCY_UNAVAILABLE"


async def test_a_change_of_the_owners_resource_control_policies_is_heard() -> None:
    world = World()
    world.make("user/bob", allow(), account=OTHER)
    key = await world.key(document(ACCOUNT, allow(**to(BOB))))
    assert await world.may(world.call(BOB), key)
    world.controls[OWNER] = controlling(deny("kms:Decrypt"))
    assert await world.may(world.call(BOB), key), "leased, and nobody has said that it changed"
    world.owners.revoke_all()
    assert not await world.may(world.call(BOB), key)


async def test_keys_of_an_account_that_was_used_again_are_nobodys() -> None:
    world = World()
    world.make("user/alice", allow())
    world.make("user/bob", allow(), account=OTHER)
    key = await world.key(document(ACCOUNT, allow(**to(BOB))))
    world.incarnations[OWNER] = "i9"
    with pytest.raises(DomainError) as caught:
        await world.may(world.call(ALICE), key)
    assert caught.value.reason_name == "RESOURCE_NOT_FOUND"
    assert not await world.may(world.call(BOB), key)
    del world.incarnations[OWNER]
    world.owners.revoke_all()
    assert not await world.may(world.call(BOB), key)


async def test_keys_are_used_in_their_region() -> None:
    world = World()
    world.make("user/alice", allow())
    key = await world.key()
    with pytest.raises(DomainError) as caught:
        await world.may(world.call(ALICE, region="eu-central-1"), key)
    assert caught.value.reason_name == "RESOURCE_NOT_FOUND"


async def test_a_key_that_a_service_manages_is_used_through_it_alone() -> None:
    world = World()
    world.make("user/alice", allow())
    world.make("user/bob", allow(), account=OTHER)
    policy = managed_policy(OWNER, "us-east-1", "bedrock.amazonaws.com", "aws")
    key = await world.key(policy, manager=KeyManager.SERVICE)
    through = world.call(ALICE, via=("bedrock.amazonaws.com",))
    assert await world.may(through, key)
    assert await world.may(through, key, "kms:CreateGrant")
    assert await world.may(world.call(ALICE), key, "kms:DescribeKey")
    assert not await world.may(world.call(ALICE), key)
    assert not await world.may(world.call(ALICE, via=("sagemaker.amazonaws.com",)), key)
    assert not await world.may(world.call(BOB, via=("bedrock.amazonaws.com",)), key)
    for action in ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:TagResource"):
        assert not await world.may(through, key, action)
        assert not await world.may(world.call(ROOT), key, action)
