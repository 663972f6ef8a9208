"""Data keys for trails: by the key's own policy that names the service, and bound to trail and object."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.kms.domain import envelope
from services.kms.domain.aliases import Alias
from services.kms.domain.ciphertext import Ciphertext
from services.kms.domain.keys import Key, KeyState
from services.kms.domain.names import AliasName
from services.kms.domain.specs import KeySpec, KeyUsage
from services.kms.operations.key_admin import NewKey
from services.kms.operations.service_access import ServiceAccess
from services.kms.operations.trail_keys import TRAIL_SERVICE, TrailFile, TrailKeys
from services.kms.operations.workload_keys import WorkloadKeys
from tests.unit.kms import world as kms_world
from tests.unit.kms.key_access import NOW, OTHER, OWNER, ROOT, World, allow, controlling, deny, document, to

ARN = f"arn:aws:cloudtrail:us-east-1:{OWNER}:trail/whole"
PLACE = f"bucket/AWSLogs/{OWNER}/CloudTrail/file.json.gz"
FILE = TrailFile(f"accounts/{OWNER}/regions/us-east-1/trails/whole", PLACE)
SERVICE = {"Principal": {"Service": TRAIL_SERVICE}}
GENERATE = allow(
    "kms:GenerateDataKey*",
    **SERVICE,
    Condition={
        "StringEquals": {"aws:SourceArn": ARN},
        "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{OWNER}:trail/*"},
    },
)
DESCRIBE = allow("kms:DescribeKey", **SERVICE, Condition={"StringEquals": {"aws:SourceArn": ARN}})
ACCOUNT_ROOT = allow(**to(ROOT))
DOCUMENTED = (ACCOUNT_ROOT, GENERATE, DESCRIBE)
"""What AWS's documentation gives for a trail."""


@pytest.fixture
def world() -> World:
    return World()


def call() -> CallContext:
    return CallContext("/m", "r", "c", WorkloadId("craton.local", "service", "audit"))


@pytest.fixture
async def crypto(tmp_path: Path, world: World) -> kms_world.World:
    """What encrypts under the keys about which the world decides."""
    made = kms_world.World(tmp_path, clock=world.clock, stored=world.records)
    await made.open()
    return made


@pytest.fixture
def keys(world: World, crypto: kms_world.World) -> TrailKeys:
    own = WorkloadKeys(world.keys, crypto.material, world.clock, crypto.random)
    return TrailKeys(own, ServiceAccess(world.enforcer, world.keys, "aws"), "aws")


async def made(
    world: World, crypto: kms_world.World, *statements: Any, account: str = OWNER, **fields: Any
) -> Key:
    """A key that encrypts, with a policy."""
    wanted = NewKey(**fields)
    key = await crypto.admin.create(
        kms_world.call(account), kms_world.KeyParent.parse(f"accounts/{account}/regions/us-east-1"), wanted
    )
    key = replace(key, incarnation=world.incarnations[account], manager=key.manager)
    return await world.change(key, document(*statements))


async def reason(work: Any) -> str:
    with pytest.raises(DomainError) as caught:
        await work
    return caught.value.reason_name


async def test_the_documented_policy_is_enough(
    world: World, crypto: kms_world.World, keys: TrailKeys
) -> None:
    key = await made(world, crypto, *DOCUMENTED)
    context = call()
    assert await keys.resolve(context, FILE, str(key.name)) == key.name
    data_key = await keys.generate(context, FILE, str(key.name))
    assert data_key.context == {"aws:cloudtrail:arn": ARN, "aws:s3:arn": f"arn:aws:s3:::{PLACE}"}
    assert (context.invoked_by, context.recipients) == (TRAIL_SERVICE, [OWNER])
    version = await world.keys.version(key.name, 1)
    assert version is not None


REFUSED: dict[str, tuple[Any, ...]] = {
    "the policy of a new key": (ACCOUNT_ROOT,),
    "everybody is no service": (allow(Principal="*"),),
    "another service": (GENERATE | {"Principal": {"Service": "bedrock.amazonaws.com"}}, DESCRIBE),
    "another trail": (
        GENERATE | {"Condition": {"StringEquals": {"aws:SourceArn": f"{ARN}2"}}},
        DESCRIBE,
    ),
    "another account": (
        GENERATE | {"Condition": {"StringEquals": {"aws:SourceAccount": OTHER}}},
        DESCRIBE,
    ),
    "another context": (
        GENERATE
        | {
            "Condition": {
                "StringEquals": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::bucket/elsewhere"}
            }
        },
        DESCRIBE,
    ),
    "a deny": (*DOCUMENTED, deny("kms:GenerateDataKey", Principal="*")),
    "another action": (GENERATE | {"Action": "kms:Encrypt"}, DESCRIBE),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_policy_that_does_not_name_the_trail(
    world: World, crypto: kms_world.World, keys: TrailKeys, case: str
) -> None:
    key = await made(world, crypto, *REFUSED[case])
    context = call()
    assert await reason(keys.generate(context, FILE, str(key.name))) == "ACCESS_DENIED"
    assert context.recipients == [OWNER], "the account finds in its log why nothing comes"
    assert await reason(keys.resolve(context, FILE, str(key.name))) == "ACCESS_DENIED"


async def test_what_resolves_can_be_looked_at(world: World, crypto: kms_world.World, keys: TrailKeys) -> None:
    key = await made(world, crypto, ACCOUNT_ROOT, GENERATE)
    assert await reason(keys.resolve(call(), FILE, str(key.name))) == "ACCESS_DENIED"
    await keys.generate(call(), FILE, str(key.name))


async def test_the_controls_of_the_keys_account_bind_services(
    world: World, crypto: kms_world.World, keys: TrailKeys
) -> None:
    key = await made(world, crypto, *DOCUMENTED)
    world.controls[OWNER] = controlling(deny("kms:GenerateDataKey"))
    assert await reason(keys.generate(call(), FILE, str(key.name))) == "ACCESS_DENIED"


async def test_a_key_of_an_account_that_is_gone(
    world: World, crypto: kms_world.World, keys: TrailKeys
) -> None:
    key = await made(world, crypto, *DOCUMENTED)
    world.incarnations[OWNER] = "i9"
    assert await reason(keys.generate(call(), FILE, str(key.name))) == "ACCESS_DENIED"


async def test_names_of_keys(world: World, crypto: kms_world.World, keys: TrailKeys) -> None:
    key = await made(world, crypto, *DOCUMENTED)
    alias = AliasName(key.name.parent, "logs")
    await world.keys.change(lambda change: change.put_alias(Alias(alias, key.name, NOW, NOW)))
    context = call()
    assert await keys.resolve(context, FILE, str(alias)) == key.name
    assert context.resources == [key.name.displayed]
    own, theirs = f"accounts/{OWNER}/regions/us-east-1", f"accounts/{OTHER}/regions/us-east-1"
    for name in (f"{own}/keys/none", f"{own}/aliases/none", "nothing", "services/audit/keys/digest"):
        assert await reason(keys.resolve(call(), FILE, name)) == "RESOURCE_NOT_FOUND", name
    anybody = await made(world, crypto, allow(["kms:GenerateDataKey", "kms:DescribeKey"], **SERVICE))
    assert await keys.resolve(call(), FILE, str(anybody.name)) == anybody.name
    elsewhere = replace(FILE, trail=FILE.trail.replace("us-east-1", "eu-west-1"))
    assert await reason(keys.resolve(call(), elsewhere, str(anybody.name))) == "RESOURCE_NOT_FOUND"
    # Of another account nobody learns what there is.
    there = await made(world, crypto, allow(**to(ROOT)), account=OTHER)
    shown = AliasName(there.name.parent, "logs")
    await world.keys.change(lambda change: change.put_alias(Alias(shown, there.name, NOW, NOW)))
    answers, context = set(), call()
    for name in (f"{theirs}/keys/none", f"{theirs}/aliases/none", str(there.name), str(shown)):
        with pytest.raises(DomainError) as refused:
            await keys.resolve(context, FILE, name)
        answers.add((refused.value.reason_name, refused.value.message))
    assert (len(answers), context.recipients) == (1, [])
    foreign = TrailFile("accounts/1/regions/x/trails/none", PLACE)
    assert await reason(keys.resolve(call(), foreign, str(key.name))) == "INVALID_FIELD"


async def test_a_key_of_another_account_is_used_where_its_policy_says_so(
    world: World, crypto: kms_world.World, keys: TrailKeys
) -> None:
    owned = {"Condition": {"StringEquals": {"aws:ResourceAccount": OTHER, "aws:SourceAccount": OWNER}}}
    key = await made(world, crypto, GENERATE, DESCRIBE | owned, account=OTHER)
    context = call()
    assert await keys.resolve(context, FILE, str(key.name)) == key.name
    assert context.recipients == [OTHER]


async def test_keys_that_cannot_be_used(world: World, crypto: kms_world.World, keys: TrailKeys) -> None:
    key = await made(world, crypto, *DOCUMENTED)
    for state, said in (
        (KeyState.DISABLED, "KEY_DISABLED"),
        (KeyState.PENDING_DELETION, "RESOURCE_STATE"),
        (KeyState.PENDING_IMPORT, "RESOURCE_STATE"),
    ):
        changed = replace(key, state=state)
        await world.keys.change(lambda change, changed=changed: change.put_key(changed))
        assert await reason(keys.resolve(call(), FILE, str(key.name))) == said
        assert await reason(keys.generate(call(), FILE, str(key.name))) == said
    pair = await made(world, crypto, *DOCUMENTED, spec=KeySpec.RSA_2048, usage=KeyUsage.ENCRYPT_DECRYPT)
    assert await reason(keys.resolve(call(), FILE, str(pair.name))) == "INVALID_KEY_USAGE"


async def test_what_is_made_opens_under_its_context_alone(
    world: World, crypto: kms_world.World, keys: TrailKeys
) -> None:
    key = await made(world, crypto, *DOCUMENTED)
    first = await keys.generate(call(), FILE, str(key.name))
    second = await keys.generate(call(), FILE, str(key.name))
    assert first.forms.plaintext.reveal() != second.forms.plaintext.reveal()
    version = await world.keys.version(key.name, 1)
    assert version is not None
    material = await crypto.material.unwrap(key, version)
    parsed = Ciphertext.parse(first.forms.ciphertext)
    opened = envelope.decrypt(material, parsed, first.context)
    assert opened.reveal() == first.forms.plaintext.reveal()
    assert len(opened.reveal()) == 32
    other = replace(FILE, place=f"{PLACE}x").encryption_context("aws")
    with pytest.raises(DomainError):
        envelope.decrypt(material, parsed, other)
