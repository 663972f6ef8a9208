"""Grants: created, listed, passed on, retired, revoked.

https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

import contextlib
import dataclasses
from typing import Any

import pytest

from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.policy.conditions import Context
from services.chassis.policy.model import Verdict
from services.chassis.policy.principals import Requester, RequesterKind
from services.kms.domain.grants import GRANTABLE, check_operations
from services.kms.domain.key_policies import CompiledKeyPolicies, GrantedPolicy
from services.kms.domain.keys import Key, KeyState
from services.kms.domain.names import GrantName, KeyParent
from services.kms.domain.request_facts import GrantFacts, RequestFacts
from services.kms.domain.specs import KeySpec, KeyUsage
from services.kms.operations.grant_tokens import GrantTokens
from services.kms.operations.grants import NewGrant
from services.kms.operations.key_policies import KeyPolicies
from tests.fakes.clock import CountingRandomness
from tests.unit.kms.key_access import OTHER, OWNER, ROOT, World, allow, controlling, deny, document, to

ALICE, CAROL = f"arn:aws:iam::{OWNER}:user/alice", f"arn:aws:iam::{OWNER}:user/carol"
BOB, ROLE = f"arn:aws:iam::{OTHER}:user/bob", f"arn:aws:iam::{OWNER}:role/r"
PARENT = KeyParent.parse(f"accounts/{OWNER}/regions/us-east-1")
CONTEXT = {"tenant": "red"}


@pytest.fixture
def world() -> World:
    world = World()
    for name in ("user/alice", "user/carol", "role/r"):
        world.make(name)
    world.make("user/bob", account=OTHER)
    return world


async def given(
    world: World, key: Key, *operations: str, to: str = ALICE, by: str = ROOT, **wanted: Any
) -> GrantName:
    more = {each: wanted.pop(each) for each in ("friendly_name", "tokens", "dry_run") if each in wanted}
    asked = NewGrant(str(key.name), GrantFacts(operations, to, **wanted), **more)
    name, _ = await world.grants.create(world.call(by), asked)
    return name


async def reason(work: Any) -> str:
    with pytest.raises(DomainError) as caught:
        await work
    return caught.value.reason_name


async def listed(world: World, key: Key, **filters: str) -> list[GrantName]:
    page = await world.grants.list(
        world.call(ROOT), str(key.name), filters.get("grant_id", ""), filters.get("grantee", ""), 0, ""
    )
    return [each.name for each in page.items]


async def test_a_grant_is_in_force_when_it_is_acknowledged_until_it_is_revoked(world: World) -> None:
    key = await world.key()
    assert not await world.may(world.call(ALICE), key)
    name = await given(world, key, "Decrypt")
    assert await world.may(world.call(ALICE), key)
    await world.grants.revoke(world.call(ROOT), name)
    assert not await world.may(world.call(ALICE), key)
    assert world.revocations.revoked == [key.name], "and what was opened under it is used no more"
    assert await reason(world.grants.revoke(world.call(ROOT), name)) == "RESOURCE_NOT_FOUND"


async def test_who_may_administer_grants_is_a_question_of_the_keys_policy(world: World) -> None:
    key = await world.key()
    name = await given(world, key, "Decrypt")
    for work in (
        given(world, key, "Encrypt", by=ALICE),
        world.grants.list(world.call(ALICE), str(key.name), "", "", 0, ""),
        world.grants.revoke(world.call(ALICE), name),
    ):
        assert await reason(work) == "ACCESS_DENIED"
    world.narrow(ALICE, identity=(document(allow(["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"])),))
    await given(world, key, "Encrypt", by=ALICE)
    assert len((await world.grants.list(world.call(ALICE), str(key.name), "", "", 0, "")).items) == 2
    await world.grants.revoke(world.call(ALICE), name)


async def test_repeating_a_named_request_makes_no_second_grant(world: World) -> None:
    key = await world.key()
    first = await given(world, key, "Decrypt", "Encrypt", friendly_name="backup")
    assert await given(world, key, "Decrypt", "Encrypt", friendly_name="backup") == first
    others = [
        await given(world, key, "Decrypt", friendly_name="backup"),
        await given(world, key, "Decrypt", "Encrypt", friendly_name="other"),
        await given(world, key, "Decrypt", "Encrypt"),
        await given(world, key, "Decrypt", "Encrypt"),
        await given(world, key, "Decrypt", "Encrypt", friendly_name="backup", to=CAROL),
        await given(world, key, "Decrypt", "Encrypt", friendly_name="backup", subset=CONTEXT),
        await given(world, key, "Decrypt", "Encrypt", friendly_name="backup", equals=CONTEXT),
    ]
    assert len({first, *others}) == 8
    # The name is free again when its grant has ended.
    await world.grants.revoke(world.call(ROOT), first)
    assert await given(world, key, "Decrypt", "Encrypt", friendly_name="backup") != first


async def test_lists_have_what_is_asked_for(world: World) -> None:
    key, another = await world.key(), await world.key()
    of_alice = [await given(world, key, "Decrypt") for _ in range(3)]
    of_carol = await given(world, key, "Decrypt", to=CAROL, retiring=ALICE)
    await given(world, another, "Decrypt")
    assert await listed(world, key) == sorted([*of_alice, of_carol], key=str)
    assert await listed(world, key, grantee=ALICE) == sorted(of_alice, key=str)
    assert await listed(world, key, grant_id=of_carol.grant_id) == [of_carol]
    assert await listed(world, key, grant_id=of_carol.grant_id, grantee=CAROL) == [of_carol]
    assert await listed(world, key, grant_id=of_carol.grant_id, grantee=ALICE) == []
    assert await listed(world, key, grant_id="0" * 64) == []
    assert await reason(listed(world, key, grant_id="x")) == "INVALID_GRANT_ID"
    seen, token = [], ""
    for _ in range(4):
        page = await world.grants.list(world.call(ROOT), str(key.name), "", "", 1, token)
        seen += [each.name for each in page.items]
        token = page.next_token
    assert (seen, token) == (await listed(world, key), "")
    page = await world.grants.list_retirable(world.call(ROOT), PARENT, ALICE, 0, "")
    assert [(each.name, each.grantee, each.retiring) for each in page.items] == [(of_carol, CAROL, ALICE)]
    assert await reason(world.grants.list_retirable(world.call(ROOT), PARENT, BOB, 0, "")) == "ACCESS_DENIED"


async def test_who_is_gone_is_listed_by_id(world: World) -> None:
    key = await world.key()
    name = await given(world, key, "Decrypt")
    gone = world.ids.pop(ALICE)
    [grant] = (await world.grants.list(world.call(ROOT), str(key.name), "", "", 0, "")).items
    assert grant.grantee == gone
    assert await listed(world, key, grantee=gone) == [name]
    world.make("user/alice")
    assert await listed(world, key, grantee=ALICE) == []


async def test_a_grant_ends_by_whoever_may_retire_it(world: World) -> None:
    key = await world.key()
    retirer = await given(world, key, "Decrypt", retiring=CAROL)
    grantee = await given(world, key, "Decrypt", "RetireGrant")
    plain = await given(world, key, "Decrypt")
    for who, name in ((ALICE, retirer), (ALICE, plain), (CAROL, grantee), (CAROL, plain), (BOB, plain)):
        assert await reason(world.grants.retire(world.call(who), name, "")) == "ACCESS_DENIED"
    await world.grants.retire(world.call(CAROL), retirer, "")
    await world.grants.retire(world.call(ALICE), grantee, "")
    # The account that created it: its root user, and whom it lets.
    world.narrow(CAROL, identity=(document(allow("kms:RetireGrant")),))
    await world.grants.retire(world.call(CAROL), plain, "")
    await world.grants.retire(world.call(ROOT), await given(world, key, "Decrypt"), "")
    assert await listed(world, key) == []
    assert world.revocations.revoked == [key.name] * 4


async def test_whoever_is_named_retires_from_another_account_without_a_permission(world: World) -> None:
    key = await world.key()
    name = await given(world, key, "Decrypt", retiring=BOB)
    world.narrow(BOB, identity=(document(deny("kms:RetireGrant")),))
    assert await reason(world.grants.retire(world.call(BOB), name, "")) == "ACCESS_DENIED"
    world.narrow(BOB, identity=())
    call = world.call(BOB)
    await world.grants.retire(call, name, "")
    assert call.recipients == [OWNER]


async def test_the_keys_policy_does_not_let_anybody_retire(world: World) -> None:
    key = await world.key(document(allow(**to(ROOT, ALICE))))
    name = await given(world, key, "Decrypt", to=CAROL)
    assert await reason(world.grants.retire(world.call(ALICE), name, "")) == "ACCESS_DENIED"


async def test_tokens_name_their_grants(world: World) -> None:
    key = await world.key()
    asked = NewGrant(str(key.name), GrantFacts(("Decrypt", "RetireGrant"), ALICE), "n")
    name, token = await world.grants.create(world.call(ROOT), asked)
    again, other = await world.grants.create(world.call(ROOT), asked)
    assert (again, token != other) == (name, True)
    assert await world.tokens.read(token) == await world.tokens.read(other) == name
    await world.access.admit(world.call(ALICE), key, "kms:Decrypt", grant_tokens=(token, other))
    flipped = token[:30] + ("A" if token[30] != "A" else "B") + token[31:]
    for wrong in ("", "x", flipped, token[:-4], "é", token + "AAAA"):
        refused = world.access.admit(world.call(ALICE), key, "kms:Decrypt", grant_tokens=(wrong,))
        assert await reason(refused) == "INVALID_GRANT_TOKEN"
    elsewhere = World()
    elsewhere.randomness = CountingRandomness()
    for _ in range(50):
        elsewhere.randomness.token_bytes(1)
    elsewhere.tokens = GrantTokens(elsewhere.records, elsewhere.randomness)
    foreign = await elsewhere.tokens.make(name)
    assert await reason(world.tokens.read(foreign)) == "INVALID_GRANT_TOKEN"
    call = world.call(ALICE)
    await world.grants.retire(call, None, token)
    assert call.resources == [key.name.displayed, str(name)]
    assert await reason(world.grants.retire(world.call(ALICE), None, other)) == "RESOURCE_NOT_FOUND"
    both = world.grants.retire(world.call(ALICE), name, token)
    neither = world.grants.retire(world.call(ALICE), None, "")
    assert [await reason(both), await reason(neither)] == ["INVALID_FIELD"] * 2


async def test_a_grantee_passes_on_no_more_than_it_has(world: World) -> None:
    key = await world.key()
    await given(world, key, "CreateGrant", "Decrypt", "Encrypt", subset=CONTEXT)
    narrower = {**CONTEXT, "x": "y"}
    permitted: tuple[dict[str, Any], ...] = (
        {"operations": ("Decrypt",), "subset": CONTEXT},
        {"operations": ("Decrypt", "Encrypt", "CreateGrant"), "subset": narrower},
        {"operations": ("Encrypt",), "equals": CONTEXT},
        {"operations": ("Encrypt",), "equals": narrower},
    )
    for wanted in permitted:
        facts = GrantFacts(grantee=CAROL, **wanted)
        await world.grants.create(world.call(ALICE), NewGrant(str(key.name), facts))
    refusals: tuple[dict[str, Any], ...] = (
        {"operations": ("Decrypt",)},
        {"operations": ("Decrypt",), "subset": {"tenant": "blue"}},
        {"operations": ("Decrypt",), "equals": {"x": "y"}},
        {"operations": ("Decrypt", "GenerateDataKey"), "subset": CONTEXT},
        {"operations": ("RetireGrant",), "subset": CONTEXT},
    )
    for wanted in refusals:
        facts = GrantFacts(grantee=CAROL, **wanted)
        refused = world.grants.create(world.call(ALICE), NewGrant(str(key.name), facts))
        assert await reason(refused) == "ACCESS_DENIED"


async def test_exact_constraints_are_passed_on_as_they_are(world: World) -> None:
    key = await world.key()
    await given(world, key, "CreateGrant", "Decrypt", equals=CONTEXT)
    await given(world, key, "Decrypt", to=CAROL, by=ALICE, equals=CONTEXT)
    for wanted in ({"subset": CONTEXT}, {"equals": {**CONTEXT, "x": "y"}}, {}):
        assert await reason(given(world, key, "Decrypt", to=CAROL, by=ALICE, **wanted)) == "ACCESS_DENIED"


@pytest.mark.parametrize(
    ("constraint", "context", "permitted"),
    [
        ({"equals": CONTEXT}, CONTEXT, True),
        ({"equals": CONTEXT}, {**CONTEXT, "x": "y"}, False),
        ({"equals": CONTEXT}, {}, False),
        ({"equals": CONTEXT}, {"Tenant": "red"}, False),
        ({"equals": CONTEXT}, {"tenant": "Red"}, False),
        ({"subset": CONTEXT}, {**CONTEXT, "x": "y"}, True),
        ({"subset": CONTEXT}, {"x": "y"}, False),
        ({"subset": CONTEXT}, {"TENANT": "red"}, False),
        ({}, {}, True),
        ({}, {"x": "y"}, True),
    ],
)
async def test_constraints_are_compared_exactly(
    world: World, constraint: dict[str, Any], context: dict[str, str], permitted: bool
) -> None:
    key = await world.key()
    await given(world, key, "Decrypt", "DescribeKey", **constraint)
    facts = RequestFacts(encryption_context=context)
    assert await world.may(world.call(ALICE), key, facts=facts) is permitted
    assert await world.may(world.call(ALICE), key, "kms:DescribeKey"), "which has no context"


@pytest.mark.parametrize("spec", KeySpec)
def test_operations_are_those_of_the_key(spec: KeySpec) -> None:
    for usage in spec.usages:
        possible: set[str] = set()
        for operation in GRANTABLE:
            with contextlib.suppress(DomainError):
                possible.update(check_operations([operation], spec, usage))
        possible -= {"CreateGrant", "DescribeKey", "RetireGrant"}
        if usage is KeyUsage.SIGN_VERIFY:
            assert possible == {"Sign", "Verify", "GetPublicKey"}
        elif usage is KeyUsage.GENERATE_VERIFY_MAC:
            assert possible == {"GenerateMac", "VerifyMac"}
        elif usage is KeyUsage.KEY_AGREEMENT:
            assert possible == {"DeriveSharedSecret", "GetPublicKey"}
        elif spec is KeySpec.SYMMETRIC_DEFAULT:
            data_keys = {each for each in GRANTABLE if each.startswith("GenerateDataKey")}
            assert len(data_keys) == 4
            assert possible == {"Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", *data_keys}
        else:
            assert possible == {"Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"}


@pytest.mark.parametrize(
    "wanted",
    [
        {"operations": ()},
        {"operations": ("Sign",)},
        {"operations": ("Everything",)},
        {"operations": ("kms:Decrypt",)},
        {"to": "*"},
        {"to": OWNER},
        {"to": f"arn:aws:iam::{OWNER}:user/nobody"},
        {"to": f"arn:aws-cn:iam::{OWNER}:root"},
        {"to": f"arn:aws:iam::{OWNER}:group/g"},
        {"to": "service/edge"},
        {"to": "operator/admin"},
        {"retiring": "pool/craton"},
        {"retiring": "x"},
        {"equals": CONTEXT, "subset": CONTEXT},
        {"equals": {}},
        {"equals": {str(n): "" for n in range(9)}},
        {"subset": {"a": "x" * 385}},
        {"friendly_name": "with space"},
    ],
)
async def test_what_is_no_grant_is_refused(world: World, wanted: dict[str, Any]) -> None:
    key = await world.key()
    operations = wanted.pop("operations", ("Decrypt",))
    assert await reason(given(world, key, *operations, **wanted)) == "INVALID_FIELD"
    assert await listed(world, key) == []


async def test_asymmetric_keys_have_no_context(world: World) -> None:
    key = await world.key(spec=KeySpec.RSA_2048)
    assert await reason(given(world, key, "Decrypt", subset=CONTEXT)) == "INVALID_FIELD"
    await given(world, key, "Decrypt")


async def test_grants_are_created_on_keys_in_use(world: World) -> None:
    for state, expected in (
        (KeyState.DISABLED, "KEY_DISABLED"),
        (KeyState.PENDING_DELETION, "RESOURCE_STATE"),
        (KeyState.PENDING_IMPORT, "RESOURCE_STATE"),
    ):
        key = await world.key()
        name = await given(world, key, "Decrypt")
        changed = dataclasses.replace(key, state=state)
        await world.keys.change(lambda change, changed=changed: change.put_key(changed))  # type: ignore[misc]
        assert await reason(given(world, key, "Decrypt")) == expected
        await world.grants.revoke(world.call(ROOT), name)


async def test_dry_runs_change_nothing(world: World) -> None:
    key = await world.key()
    name = await given(world, key, "Decrypt", "RetireGrant")
    for work in (
        given(world, key, "Decrypt", dry_run=True),
        world.grants.revoke(world.call(ROOT), name, dry_run=True),
        world.grants.retire(world.call(ALICE), name, "", dry_run=True),
    ):
        assert await reason(work) == "DRY_RUN"
    assert await listed(world, key) == [name]
    assert await reason(given(world, key, "Decrypt", by=ALICE, dry_run=True)) == "ACCESS_DENIED"


async def test_conditions_narrow_who_creates_which_grants(world: World) -> None:
    condition = {
        "StringEquals": {
            "kms:GranteePrincipal": CAROL,
            "kms:GrantConstraintType": "EncryptionContextSubset",
            "kms:EncryptionContext:tenant": "red",
        },
        "ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt", "Encrypt"]},
        "Null": {"kms:RetiringPrincipal": "true"},
        "Bool": {"kms:GrantIsForAWSResource": "false"},
    }
    key = await world.key(document(allow(**to(ROOT)), allow(**to(ALICE), Condition=condition)))
    right: dict[str, Any] = {"to": CAROL, "by": ALICE, "subset": CONTEXT}
    await given(world, key, "Decrypt", **right)
    for wrong in (
        {"to": ALICE},
        {"subset": None, "equals": CONTEXT},
        {"subset": {"tenant": "blue"}},
        {"retiring": CAROL},
    ):
        assert await reason(given(world, key, "Decrypt", **{**right, **wrong})) == "ACCESS_DENIED"
    assert await reason(given(world, key, "Decrypt", "RetireGrant", **right)) == "ACCESS_DENIED"
    through = world.call(ALICE, via=("bedrock.amazonaws.com",))
    asked = NewGrant(str(key.name), GrantFacts(("Decrypt",), CAROL, subset=CONTEXT))
    assert await reason(world.grants.create(through, asked)) == "ACCESS_DENIED"


def test_what_a_policy_denies_no_grant_gives_back() -> None:
    who = Requester(RequesterKind.USER, ALICE, OWNER, "AIDA00000000000000001")
    asked: tuple[Requester, str, str, Context] = (
        who,
        "kms:Decrypt",
        f"arn:aws:kms:us-east-1:{OWNER}:key/k",
        {},
    )
    for policy, verdict in (
        (document(allow(**to(ROOT))), Verdict.ALLOW),
        (document(allow("kms:Encrypt", **to(ROOT))), Verdict.ALLOW),
        (document(deny("kms:Decrypt", Principal="*")), Verdict.EXPLICIT_DENY),
    ):
        compiled = CompiledKeyPolicies("aws").compiled(policy, OWNER)
        granted = GrantedPolicy(compiled, [who.unique_id])
        assert granted.evaluate(*asked)[0].verdict is verdict


# Workloads.


async def used(world: World, call: CallContext, key: Key, context: dict[str, str] | None = None) -> bool:
    return await world.may(call, key, facts=RequestFacts(encryption_context=context or {}))


async def test_a_workload_uses_a_key_by_a_grant_alone(world: World) -> None:
    service: dict[str, Any] = {"Principal": {"Service": "bedrock.amazonaws.com"}}
    key = await world.key(document(allow(**to(ROOT)), allow(**service), allow(Principal="*")))
    training, pool = world.workload("service/training"), world.workload("pool/craton")
    assert not await used(world, training, key), "whatever the key's policy allows to services"
    name = await given(world, key, "Decrypt", to="service/training", subset=CONTEXT)
    assert await used(world, training, key, CONTEXT)
    assert not await used(world, training, key)
    assert not await used(world, pool, key, CONTEXT)
    assert not await world.may(training, key, "kms:Encrypt", RequestFacts(encryption_context=CONTEXT))
    assert not await world.may(training, key, "kms:PutKeyPolicy")
    assert (training.recipients[0], training.invoked_by) == (OWNER, "bedrock.amazonaws.com")
    [grant] = (await world.grants.list(world.call(ROOT), str(key.name), "", "service/training", 0, "")).items
    assert (grant.name, grant.grantee) == (name, "service/training")
    await world.grants.revoke(world.call(ROOT), name)
    assert not await used(world, training, key, CONTEXT)


async def test_what_denies_a_service_denies_its_grants(world: World) -> None:
    service: dict[str, Any] = {"Principal": {"Service": "bedrock.amazonaws.com"}}
    pool = world.workload("pool/craton")
    key = await world.key(document(allow(**to(ROOT)), deny("kms:Decrypt", **service)))
    await given(world, key, "Decrypt", to="pool/craton")
    assert not await used(world, pool, key)
    open_key = await world.key()
    await given(world, open_key, "Decrypt", to="pool/craton")
    assert await used(world, pool, open_key)
    world.controls[OWNER] = controlling(deny("kms:Decrypt"))
    world.owners.revoke_all()
    assert not await used(world, pool, open_key)
    world.controls.clear()
    world.incarnations[OWNER] = "i9"
    world.owners.revoke_all()
    assert not await used(world, pool, open_key), "the key of an account that is gone"


async def test_workloads_learn_nothing_of_keys(world: World) -> None:
    key = await world.key()
    pool = world.workload("pool/craton")
    missing = world.access.refuse_unknown(pool, dataclasses.replace(key.name, key_id="none"), "kms:Decrypt")
    with pytest.raises(DomainError) as present:
        await world.access.admit(pool, key, "kms:Decrypt")
    assert present.value.message.replace(key.name.key_id, "none") == missing.message


@pytest.mark.parametrize("path", ["service/edge", "operator/admin", "provider/craton", "service/audit"])
async def test_other_workloads_need_a_principal(world: World, path: str) -> None:
    key = await world.key()
    assert await reason(world.may(world.workload(path), key)) == "MISSING_CREDENTIALS"


async def test_a_workload_with_a_token_has_what_the_principal_has(world: World) -> None:
    key = await world.key()
    await given(world, key, "Decrypt", to="service/training")
    call = world.call(ALICE)
    call.caller = world.workload("service/training").caller
    assert not await used(world, call, key)


async def test_rights_of_workloads_to_what_they_hold(world: World) -> None:
    key = await world.key()
    workload = world.workload("service/training").caller
    assert workload is not None
    name = await given(world, key, "Decrypt", to="service/training", equals=CONTEXT)
    assert await world.access.granted(workload, key, "Decrypt", CONTEXT)
    assert not await world.access.granted(workload, key, "Decrypt", {})
    assert not await world.access.granted(workload, key, "Encrypt", CONTEXT)
    await world.grants.revoke(world.call(ROOT), name)
    assert not await world.access.granted(workload, key, "Decrypt", CONTEXT)


# Limits and deletion.


async def test_a_key_has_so_many_grants(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.kms.operations.grant_records.MAX_GRANTS", 2)
    key, another = await world.key(), await world.key()
    first = await given(world, key, "Decrypt", friendly_name="a")
    await given(world, key, "Decrypt")
    assert await reason(given(world, key, "Decrypt")) == "QUOTA_EXCEEDED"
    assert await given(world, key, "Decrypt", friendly_name="a") == first
    await given(world, another, "Decrypt")
    await world.grants.revoke(world.call(ROOT), first)
    await given(world, key, "Decrypt")


async def test_a_deleted_key_leaves_no_grants(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.kms.operations.grant_records._PAGE", 2)
    key, another = await world.key(), await world.key()
    before = set(world.records._bodies)
    for number in range(5):
        await given(world, key, "Decrypt", retiring=CAROL, friendly_name=f"n{number}")
    await world.keys.change(lambda change: change.delete_key(key))
    left = {each for each in set(world.records._bodies) - before if each.collection != "secrets"}
    assert left == set()
    assert another.name in {each.name for each in await world.keys.keys(PARENT, "", 10)}, (
        "and takes nothing of others along"
    )


# Key policies.


async def put(world: World, key: Key, text: str, *, by: str = ROOT, bypass: bool = False) -> None:
    await world.policies.put(world.call(by), key.name, text, bypass_lockout_check=bypass)


async def test_a_policy_that_locks_its_writer_out_is_refused(world: World) -> None:
    key = await world.key()
    world.narrow(ALICE, identity=(document(allow("kms:PutKeyPolicy")),))
    others = document(allow(**to(CAROL)))
    assert await reason(put(world, key, others, by=ALICE)) == "UNSUPPORTED_POLICY"
    assert await reason(put(world, key, others)) == "UNSUPPORTED_POLICY"
    await put(world, key, document(allow("kms:PutKeyPolicy", **to(ALICE))), by=ALICE)
    changed = await world.keys.key(key.name)
    assert changed is not None
    assert await reason(put(world, changed, others)) == "ACCESS_DENIED", "the root user is locked out now"
    await put(world, changed, others, by=ALICE, bypass=True)
    assert world.revocations.revoked == [key.name] * 2


@pytest.mark.parametrize(
    ("text", "expected", "message"),
    [
        ("{", "UNSUPPORTED_POLICY", "line 1"),
        (document(allow("s3:*", **to(ROOT))), "UNSUPPORTED_POLICY", "actions of kms"),
        (document(allow()), "UNSUPPORTED_POLICY", "Principal"),
        (
            document(allow(**to(ROOT, f"arn:aws:iam::{OWNER}:user/nobody"))),
            "UNSUPPORTED_POLICY",
            "invalid principal",
        ),
        (
            document(allow(**to(ROOT), Condition={"StringEquals": {"kms:Unknown": "x"}})),
            "UNSUPPORTED_POLICY",
            "kms:Unknown",
        ),
        (document(allow(**to(ROOT))) + " " * 32_768, "QUOTA_EXCEEDED", "32,768"),
    ],
)
async def test_policies_that_cannot_be_evaluated_are_refused(
    world: World, text: str, expected: str, message: str
) -> None:
    key = await world.key()
    with pytest.raises(DomainError, match=message) as caught:
        await put(world, key, text)
    assert caught.value.reason_name == expected
    assert await world.keys.key(key.name) == key
    with pytest.raises(DomainError, match=message):
        await world.policies.first(world.call(ROOT), key, text, bypass_lockout_check=False)


async def test_a_key_without_a_policy_is_its_accounts(world: World) -> None:
    policies: KeyPolicies = world.policies
    fresh = await world.key()
    key = await policies.first(world.call(ALICE), fresh, "", bypass_lockout_check=False)
    assert '"Enable IAM User Permissions"' in key.policy
    await world.keys.change(lambda change: change.put_key(key))
    assert await policies.get(world.call(ROOT), key.name) == key.policy
    assert await policies.names(world.call(ROOT), key.name) == ("default",)
    assert not await world.may(world.call(ALICE), key)
    world.narrow(ALICE, identity=(document(allow("kms:Decrypt")),))
    assert await world.may(world.call(ALICE), key)


async def test_what_was_written_is_read(world: World) -> None:
    text = document(allow(**to(ROOT)), allow("kms:Decrypt", **to(ALICE, ROLE))).replace('", "', '" ,  "')
    key = await world.key()
    await put(world, key, text)
    assert await world.policies.get(world.call(ROOT), key.name) == text
