"""The keys of a purged account open nothing any more, also not with yesterday's store."""

from pathlib import Path
from typing import Any

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.account_purge import Progress, Purge
from services.chassis.dsse import EnvelopeError
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.purge_certificate import verify_purge_certificate
from services.chassis.secret import SecretBytes
from services.kms.domain.keys import Key
from services.kms.domain.names import AliasName, KeyParent
from services.kms.operations import account_purge
from services.kms.operations.account_purge import AccountKeyPurge
from services.kms.operations.encryption import Asked
from services.kms.operations.key_admin import NewKey
from services.kms.operations.purge_certificates import PurgeCertificates, PurgeStatement
from services.kms.ports import CustodyError, WrapKind
from tests.unit.kms.world import ACCOUNT, PARENT, World, call, opened

PURGE = Purge("6f1d1b7e-0000-4000-8000-000000000001", ACCOUNT, "i1")
AUDIT = WorkloadId("craton.local", "service", "audit")
ELSEWHERE = KeyParent.parse(f"accounts/{ACCOUNT}/regions/eu-central-1")
OTHERS = KeyParent.parse("accounts/210987654321/regions/us-east-1")


def purge_of(world: World) -> AccountKeyPurge:
    parts = world.stored, world.records, world.pages, world.material, world.shredder, world.revocations
    return AccountKeyPurge(*parts)


async def made(world: World, parent: KeyParent = PARENT) -> tuple[Key, bytes]:
    key = await world.admin.create(call(parent.owner), parent, NewKey())
    blob, _ = await world.encryption.encrypt(
        call(parent.owner), Asked(str(key.name), {}), SecretBytes(b"secret")
    )
    return key, blob


async def opens(world: World, blob: bytes, account: str = ACCOUNT) -> bool:
    try:
        await world.encryption.decrypt(call(account), blob, Asked("", {}))
    except DomainError:
        return False
    return True


async def test_all_keys_of_the_account_go_and_no_others(tmp_path: Path) -> None:
    world = await opened(tmp_path)
    (here, one), (there, two), (_, kept) = [await made(world, p) for p in (PARENT, ELSEWHERE, OTHERS)]
    alias = AliasName(PARENT, "mine")
    await world.aliases.create(call(), alias, here.name)
    data_key, name = await world.services.generate_data_key(AUDIT, {}, ACCOUNT)
    others_key, _ = await world.services.generate_data_key(AUDIT, {}, OTHERS.owner)
    own_key, _ = await world.services.generate_data_key(AUDIT, {})
    before = world.custody.generations(WrapKind.SHRED)[-1]

    progress = await purge_of(world).purge(PURGE)

    assert progress == Progress({"keys": 2, "aliases": 1, "grants": 0, "keys of services": 1}, finished=True)
    # The shred key is replaced once for all of them, and whoever holds leases was told of each.
    assert list(world.custody.generations(WrapKind.SHRED)) == [before + 1]
    assert set(world.revocations.revoked) >= {here.name, there.name, name}
    assert [await opens(world, blob) for blob in (one, two)] == [False, False]
    assert await opens(world, kept, OTHERS.owner)
    assert await world.records.alias(alias) is None
    with pytest.raises(DomainError) as refused:
        await world.services.decrypt(AUDIT, data_key.ciphertext, {})
    assert refused.value.reason_name == "INVALID_CIPHERTEXT"
    for living in (others_key, own_key):
        opened_key, _ = await world.services.decrypt(AUDIT, living.ciphertext, {})
        assert opened_key.reveal() == living.plaintext.reveal()
    # Also after a restart, from what is stored alone.
    world.build()
    await world.open()
    assert await opens(world, kept, OTHERS.owner)


async def test_yesterdays_store_opens_nothing_with_todays_custody(tmp_path: Path) -> None:
    world = await opened(tmp_path)
    await made(world)
    yesterday = dict(world.stored._bodies)
    await purge_of(world).purge(PURGE)
    world.stored._bodies = yesterday
    world.build()
    with pytest.raises(CustodyError):
        await world.pages.open()


async def test_keys_of_another_incarnation_stay(tmp_path: Path) -> None:
    world = await opened(tmp_path)
    _, blob = await made(world)
    progress = await purge_of(world).purge(Purge(PURGE.purge_id, ACCOUNT, "i0"))
    assert (progress.removed["keys"], progress.finished) == (0, True)
    assert await opens(world, blob)


async def test_a_call_that_is_late_makes_no_key(tmp_path: Path) -> None:
    world = await opened(tmp_path)
    await purge_of(world).purge(PURGE)
    with pytest.raises(DomainError) as refused:
        await made(world)
    assert refused.value.reason == ErrorReason.ERROR_REASON_ACCESS_DENIED


async def test_many_keys_take_several_calls_and_a_repeated_one_counts_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await opened(tmp_path)
    for _ in range(5):
        await made(world)
    monkeypatch.setattr(account_purge, "_AT_ONCE", 2)
    purge, seen = purge_of(world), []
    while not seen or not seen[-1].finished:
        seen.append(await purge.purge(PURGE))
    assert [each.removed["keys"] for each in seen] == [2, 4, 5]
    assert await purge_of(world).purge(PURGE) == seen[-1]


async def test_a_repeated_call_tells_everybody_again(tmp_path: Path) -> None:
    """A crash after the keys were shredded may have been one before anybody was told."""
    world = await opened(tmp_path)
    await made(world)
    await purge_of(world).purge(PURGE)
    told: list[str] = []

    async def revoke_all() -> None:
        told.append("all")

    world.revocations.revoke_all = revoke_all  # type: ignore[method-assign]
    await purge_of(world).purge(PURGE)
    assert told == ["all"]


async def test_a_service_opens_its_own_keys_for_accounts_and_no_others(tmp_path: Path) -> None:
    world = await opened(tmp_path)
    data_key, _ = await world.services.generate_data_key(AUDIT, {}, ACCOUNT)
    for other in ("auth", "training"):
        with pytest.raises(DomainError) as refused:
            await world.services.decrypt(
                WorkloadId("craton.local", "service", other), data_key.ciphertext, {}
            )
        assert refused.value.reason_name == "INVALID_CIPHERTEXT"


def statement(world: World, **changes: Any) -> PurgeStatement:
    now = world.clock.now()
    said = {
        "purge_id": PURGE.purge_id,
        "account_id": ACCOUNT,
        "incarnation": "i1",
        "profile": "production",
        "principals_kept": False,
        "continues": False,
        "requested": ("operator/admin", now),
        "approved": ("operator/approver", now),
        "completed": now,
        "removed": {"audit": {"events": 3}, "kms": {"keys": 99}},
        "entries": [("requested", "e1", 7)],
    }
    return PurgeStatement(**(said | changes))


async def test_a_certificate_says_what_kms_itself_removed(tmp_path: Path) -> None:
    world = await opened(tmp_path)
    await made(world)
    signer = PurgeCertificates(world.stored, world.certificates, world.custody)
    with pytest.raises(DomainError) as refused:
        await signer.sign(statement(world))
    assert refused.value.reason_name == "RESOURCE_STATE"
    await purge_of(world).purge(PURGE)
    for other in ({"purge_id": "another"}, {"incarnation": "i2"}, {"account_id": OTHERS.owner}):
        with pytest.raises(DomainError):
            await signer.sign(statement(world, **other))
    envelope, public_key = await signer.sign(statement(world))
    said = verify_purge_certificate(envelope, public_key)
    assert said["removed"]["kms"]["keys"] == 1
    assert said["removed"]["audit"] == {"events": 3}
    assert said["destroyedShredGeneration"] == 1
    assert said["logEntries"] == [{"about": "requested", "eventId": "e1", "index": 7}]
    assert public_key == await world.certificates.public_key()
    for key, changed in ((bytes(32), envelope), (b"short", envelope), (public_key, envelope[:-9] + b"x" * 9)):
        with pytest.raises(EnvelopeError):
            verify_purge_certificate(changed, key)
