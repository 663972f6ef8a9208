"""Deleted keys are gone: not from the store alone, but from every copy of it."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.chassis.dsse import key_id, verify
from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.kms.domain.keys import Key, KeyState
from services.kms.domain.pages import WrappedMaterialError
from services.kms.operations.certificates import PAYLOAD_TYPE
from services.kms.operations.encryption import Asked
from services.kms.operations.pages import page_id_of
from services.kms.ports import CustodyError, WrapKind
from tests.unit.kms.world import PARENT, World, call, opened

SECRET = SecretBytes(b"attack at dawn")
DAY = 86_400.0


async def sealed_under(world: World, key: Key) -> bytes:
    ciphertext, _ = await world.encryption.encrypt(call(), Asked(str(key.name), {}), SECRET)
    return ciphertext


async def opens(world: World, blob: bytes) -> bytes:
    plaintext, _ = await world.encryption.decrypt(call(), blob, Asked("", {}))
    return plaintext.reveal()


async def delete(world: World, key: Key) -> None:
    await world.deletion.schedule(call(), key.name, 7)
    world.clock.advance(7 * DAY + 1)
    assert await world.shredder.delete_due() == [key.name]


async def test_a_deleted_key_is_gone_and_the_others_of_its_page_are_not(tmp_path: Path) -> None:
    world = await opened(tmp_path)
    dead, living = await world.key(), await world.key()
    assert dead.page == living.page
    lost, kept = await sealed_under(world, dead), await sealed_under(world, living)
    await delete(world, dead)
    assert world.deletions.noted == [("intend", dead.name), ("deleted", dead.name)]
    assert await opens(world, kept) == b"attack at dawn"
    with pytest.raises(DomainError) as refused:
        await opens(world, lost)
    assert refused.value.reason_name == "ACCESS_DENIED"
    # Also after a restart, from what is stored alone.
    world.build()
    await world.open()
    assert await opens(world, kept) == b"attack at dawn"
    assert list(world.custody.generations(WrapKind.SHRED)) == [2]


async def test_yesterdays_store_opens_nothing_with_todays_custody(tmp_path: Path) -> None:
    world = await opened(tmp_path)
    dead = await world.key()
    await sealed_under(world, dead)
    yesterday = dict(world.stored._bodies)
    await delete(world, dead)
    world.stored._bodies = yesterday
    world.build()
    with pytest.raises(CustodyError):
        await world.pages.open()


async def test_yesterdays_store_with_yesterdays_custody_would_open_it(tmp_path: Path) -> None:
    """What the two tests above show is custody's doing: with its old keys everything is there."""
    world = await opened(tmp_path)
    dead = await world.key()
    blob = await sealed_under(world, dead)
    yesterday = dict(world.stored._bodies)
    file = next((tmp_path / "custody").glob("root.key"))
    custody = file.read_bytes()
    await delete(world, dead)
    file.write_bytes(custody)
    world = World(tmp_path)
    world.stored._bodies = yesterday
    await world.open()
    assert await opens(world, blob) == b"attack at dawn"


async def test_a_deletion_that_is_called_off_deletes_nothing(tmp_path: Path) -> None:
    world = await opened(tmp_path)
    key = await world.key()
    blob = await sealed_under(world, key)
    await world.deletion.schedule(call(), key.name, 7)
    with pytest.raises(DomainError) as refused:
        await opens(world, blob)
    assert refused.value.reason_name == "RESOURCE_STATE"
    back = await world.deletion.cancel(call(), key.name)
    assert (back.state, back.delete_at, back.pending_days) == (KeyState.DISABLED, None, 0)
    world.clock.advance(40 * DAY)
    assert await world.shredder.delete_due() == ()
    await world.admin.enable(call(), key.name)
    assert await opens(world, blob) == b"attack at dawn"


async def test_a_deletion_that_is_called_off_meanwhile_spares_the_key(tmp_path: Path) -> None:
    world = await opened(tmp_path)
    key, other = await world.key(), await world.key()
    blob = await sealed_under(world, key)
    for name in (key.name, other.name):
        await world.deletion.schedule(call(), name, 7)
    world.clock.advance(7 * DAY + 1)
    await asyncio.gather(world.deletion.cancel(call(), key.name), world.shredder.delete_due())
    await world.admin.enable(call(), key.name)
    assert await opens(world, blob) == b"attack at dawn"


async def test_every_deletion_has_a_certificate_that_anybody_can_check(tmp_path: Path) -> None:
    world = await opened(tmp_path)
    key = await world.key()
    await delete(world, key)
    page, public = await world.deletion.list(call(), PARENT, 0, "")
    (envelope,) = page.items
    verifier = Ed25519PublicKey.from_public_bytes(public)
    stated = json.loads(verify(envelope, PAYLOAD_TYPE, {key_id(verifier): verifier}))
    assert (stated["keyName"], stated["destroyedShredGeneration"]) == (str(key.name), 1)
    assert stated["storeId"] == world.custody.store_id
    assert len(stated["materialIds"]) == 1


@pytest.mark.parametrize("crash_after", ["generation", "transaction"])
async def test_a_deletion_that_was_interrupted_is_finished(tmp_path: Path, crash_after: str) -> None:
    world = await opened(tmp_path)
    dead, living = await world.key(), await world.key()
    kept = await sealed_under(world, living)
    await world.deletion.schedule(call(), dead.name, 7)
    world.clock.advance(7 * DAY + 1)

    async def crash(_work: object) -> None:
        raise RuntimeError("the process dies here")

    def crash_too(*_: object) -> None:
        raise RuntimeError("the process dies here")

    await world.certificates.signer()
    change, destroy = world.stored.change, world.custody.destroy_before
    if crash_after == "generation":
        world.stored.change = crash  # type: ignore[method-assign, assignment]
    else:
        world.custody.destroy_before = crash_too  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        await world.shredder.delete_due()
    world.stored.change = change  # type: ignore[method-assign]
    world.custody.destroy_before = destroy  # type: ignore[method-assign]
    assert list(world.custody.generations(WrapKind.SHRED)) == [1, 2]
    world.build()
    await world.open()
    await world.shredder.delete_due()
    assert list(world.custody.generations(WrapKind.SHRED)) == [2]
    assert await opens(world, kept) == b"attack at dawn"
    assert await world.records.key(dead.name) is None


async def test_material_that_was_read_before_a_deletion_opens_after_it(tmp_path: Path) -> None:
    """A call reads the version, a neighbour is deleted, the call goes on."""
    world = await opened(tmp_path)
    dead, living = await world.key(), await world.key()
    version = await world.records.version(living.name, 1)
    assert version is not None
    before = await world.material.unwrap(living, version)
    await delete(world, dead)
    assert (await world.material.unwrap(living, version)).equals(before)
    assert await world.records.version(dead.name, 1) is None
    damaged = replace(version, wrapped=bytes(len(version.wrapped)))
    await world.records.change(lambda change: change.put_version(living.name, damaged))
    for stale in (version, damaged):
        with pytest.raises(WrappedMaterialError):
            await world.material.unwrap(living, stale)


async def test_keys_that_are_made_meanwhile_are_kept(tmp_path: Path) -> None:
    """New keys and renewed material never hang on a page key that a deletion takes away."""
    world = await opened(tmp_path)
    for _ in range(4):
        dead, renewed = await world.key(), await world.key()
        await world.deletion.schedule(call(), dead.name, 7)
        world.clock.advance(7 * DAY + 1)
        *made, _, _ = await asyncio.gather(
            *(world.key() for _ in range(5)),
            world.rotation.rotate(call(), renewed.name),
            world.shredder.delete_due(),
        )
        for key in (*made, renewed):
            assert isinstance(key, Key)
            assert await opens(world, await sealed_under(world, key)) == b"attack at dawn"
    world.build()
    await world.open()
    for key in await world.records.keys(PARENT, "", 100):
        assert await opens(world, await sealed_under(world, key)) == b"attack at dawn"


async def test_a_page_fills_up_and_the_next_one_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.kms.operations.pages.KEYS_OF_A_PAGE", 3)
    world = await opened(tmp_path)
    keys = await asyncio.gather(*(world.key() for _ in range(8)))
    pages = sorted(key.page for key in keys)
    assert len(keys) == 8
    assert max(pages.count(page) for page in pages) <= 3
    assert await world.stored.get(page_id_of(max(pages))) is not None


@pytest.mark.parametrize("committed", [True, False])
async def test_a_deletion_whose_end_nobody_told_costs_no_other_key(tmp_path: Path, committed: bool) -> None:
    """The store was changed, or not, and the answer was lost: nothing is destroyed that is needed still."""
    world = await opened(tmp_path)
    dead, living, later = await world.key(), await world.key(), await world.key()
    kept = await sealed_under(world, living)
    await world.deletion.schedule(call(), dead.name, 7)
    world.clock.advance(7 * DAY + 1)
    change = world.stored.change

    async def unanswered(work: Any) -> Any:
        if committed:
            await change(work)
        raise unavailable()

    await world.certificates.signer()
    world.stored.change = unanswered  # type: ignore[method-assign]
    with pytest.raises(DomainError):
        await world.shredder.delete_due()
    world.stored.change = change  # type: ignore[method-assign]
    assert await opens(world, kept) == b"attack at dawn", "under either key of its page"
    # New keys and new material of the page, too, and the next deletion.
    again = await world.rotation.rotate(call(), living.name)
    beside = await world.key()
    await world.deletion.schedule(call(), later.name, 7)
    world.clock.advance(7 * DAY + 1)
    assert later.name in await world.shredder.delete_due()
    for _ in range(2):
        assert await opens(world, kept) == b"attack at dawn"
        for key in (again, beside):
            assert await opens(world, await sealed_under(world, key)) == b"attack at dawn"
        world.build()
        await world.open()
    assert list(world.custody.generations(WrapKind.SHRED)) == [2 if not committed else 3]


async def test_a_page_that_was_made_behind_our_back_is_no_obstacle(tmp_path: Path) -> None:
    world = await opened(tmp_path)
    key = await world.key()
    change = world.stored.change

    async def unanswered(work: Any) -> Any:
        await change(work)
        raise unavailable()

    world.pages._open_page = 0
    world.stored.change = unanswered  # type: ignore[method-assign]
    with pytest.raises(DomainError):
        await world.pages.with_room()
    world.stored.change = change  # type: ignore[method-assign]
    await delete(world, key)
    assert await opens(world, await sealed_under(world, await world.key())) == b"attack at dawn"


def unavailable() -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "nobody answers")
