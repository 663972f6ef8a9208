"""Seal and unseal: custody and store are held against each other, and everything is forgotten."""

import asyncio
from pathlib import Path

import pytest

from services.chassis.errors import DomainError
from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.adapters.file_custody import FileCustody
from services.kms.adapters.first_boot import mark_first_boot
from services.kms.adapters.passphrase_custody import PassphraseCustody
from services.kms.errors import sealed
from services.kms.operations.installation import change_root, open_installation
from services.kms.ports import (
    CustodyError,
    CustodyUnavailableError,
    Installation,
    StoreAlteredError,
    WrapKind,
)
from tests.fakes.custodies import PASSPHRASE
from tests.fakes.sealed_process import Crash, Everything, Installations

RANDOM = SystemRandomness()
NOTHING = SecretBytes(b"")
ROOT = WrapKind.ROOT


@pytest.fixture
def everything(tmp_path: Path) -> Everything:
    return Everything(tmp_path)


def reason(caught: pytest.ExceptionInfo[DomainError]) -> str:
    return caught.value.reason_name


async def test_the_store_is_opened_before_anybody_may_use_it(everything: Everything) -> None:
    with pytest.raises(DomainError) as caught:
        everything.seal.require()
    assert reason(caught) == "DEPENDENCY_UNAVAILABLE"
    await everything.seal.unseal(NOTHING)
    assert everything.seen == ["+pages", "+cache"]
    opened = everything.seal.require()
    assert opened.records is everything.store
    assert opened.store_id == everything.custody.store_id
    await everything.seal.unseal(NOTHING)
    assert everything.seen == ["+pages", "+cache"]


async def test_sealing_forgets_in_the_opposite_order(everything: Everything) -> None:
    await everything.seal.unseal(NOTHING)
    everything.seen.clear()
    await everything.seal.seal()
    assert everything.seen == ["-cache", "-pages"]
    assert everything.store.key is None
    assert everything.custody.sealed
    with pytest.raises(DomainError) as caught:
        everything.seal.require()
    assert reason(caught) == "SEALED"
    first = everything.installations.record
    await everything.seal.unseal(NOTHING)
    assert everything.installations.record == first


async def test_the_same_key_opens_the_store_every_time(everything: Everything) -> None:
    await everything.seal.unseal(NOTHING)
    key = everything.store.key
    await everything.seal.seal()
    await everything.seal.unseal(NOTHING)
    assert key is not None
    assert everything.store.key == key
    assert len(key) == 32


async def test_the_mark_stands_until_the_store_was_opened(everything: Everything) -> None:
    everything.store.refuses.append(Crash())
    with pytest.raises(Crash):
        await everything.seal.unseal(NOTHING)
    assert everything.custody.first_boot
    await everything.seal.unseal(NOTHING)
    assert not everything.custody.first_boot
    await everything.seal.seal()
    await everything.seal.unseal(NOTHING)
    assert everything.store.opened_as_new == [True, True, False]


async def test_what_cannot_be_opened_stays_sealed(everything: Everything) -> None:
    everything.store.refuses.append(StoreAlteredError("altered"))
    with pytest.raises(StoreAlteredError):
        await everything.seal.unseal(NOTHING)
    assert everything.seal.sealed
    assert everything.custody.sealed
    assert everything.store.key is None


async def test_a_hook_that_fails_closes_everything_again(everything: Everything) -> None:
    async def fails() -> None:
        raise CustodyError("a page does not open")

    everything.seal.on_unseal(fails)
    with pytest.raises(DomainError) as caught:
        await everything.seal.unseal(NOTHING)
    assert reason(caught) == "RESOURCE_STATE"
    assert everything.seen == ["+pages", "+cache", "-cache", "-pages"]
    assert everything.store.key is None
    assert everything.custody.sealed


async def test_a_wrong_passphrase_is_refused_and_says_nothing(tmp_path: Path) -> None:
    everything = Everything(tmp_path, "passphrase")
    assert isinstance(everything.custody, PassphraseCustody)
    for wrong in (b"", b"wrong wrong wrong wrong"):
        with pytest.raises(DomainError) as caught:
            await everything.seal.unseal(SecretBytes(wrong))
        assert reason(caught) == "ACCESS_DENIED"
    assert (await everything.seal.status()).sealed
    await everything.seal.unseal(PASSPHRASE)
    assert not (await everything.seal.status()).sealed
    with pytest.raises(DomainError):
        await everything.seal.unseal(SecretBytes(b"wrong wrong wrong wrong"))
    assert not everything.seal.sealed


async def test_status_says_what_an_operator_may_know(everything: Everything) -> None:
    status = await everything.seal.status()
    assert (status.sealed, status.kind, status.root_generation, status.epoch) == (True, "file", 0, 0)
    await everything.seal.unseal(NOTHING)
    status = await everything.seal.status()
    assert (status.sealed, status.root_generation, status.shred_generation) == (False, 1, 1)
    assert (status.epoch, status.anchored_epoch) == (7, 6)
    assert status.store_id == everything.custody.store_id


async def test_a_new_root_key_opens_the_same_store(everything: Everything) -> None:
    await everything.seal.seal()
    with pytest.raises(DomainError) as caught:
        await everything.seal.rotate_root()
    assert reason(caught) == "SEALED"
    await everything.seal.unseal(NOTHING)
    key, old = everything.store.key, everything.installations.record
    assert await everything.seal.rotate_root() == 2
    assert everything.custody.generations(ROOT) == [2]
    new = everything.installations.record
    assert old is not None
    assert new is not None
    assert new.root_generation == 2
    assert new.store_key != old.store_key
    await everything.seal.seal()
    await everything.seal.unseal(NOTHING)
    assert everything.store.key == key
    # A backup of the database from before does not open with the custody of now.
    everything.installations.record = old
    await everything.seal.seal()
    with pytest.raises(DomainError, match="generation 1 of the root key is not in custody"):
        await everything.seal.unseal(NOTHING)


async def test_at_start_it_waits_for_the_anchor(everything: Everything) -> None:
    from services.kms.errors import custody_unavailable

    everything.store.refuses += [custody_unavailable(), custody_unavailable()]
    running = asyncio.create_task(everything.seal.run())
    async with asyncio.timeout(5):
        while not await everything.seal.ready():
            await asyncio.sleep(0.01)
    running.cancel()
    assert not everything.store.refuses


async def test_at_start_an_altered_store_ends_the_process(everything: Everything) -> None:
    everything.store.refuses += [StoreAlteredError("altered")]
    async with asyncio.timeout(5):
        with pytest.raises(StoreAlteredError):
            await everything.seal.run()


async def test_at_start_a_sealed_custody_waits_for_an_operator(tmp_path: Path) -> None:
    everything = Everything(tmp_path, "passphrase")
    everything.seal.check()
    running = asyncio.create_task(everything.seal.run())
    await asyncio.sleep(0.05)
    assert not await everything.seal.ready()
    assert not running.done()
    await everything.seal.unseal(PASSPHRASE)
    assert await everything.seal.ready()
    running.cancel()


async def test_a_caller_that_gives_up_does_not_leave_half(everything: Everything) -> None:
    """The deadline of an operator's call ends at any moment; what was begun goes on to its end."""
    await everything.seal.unseal(NOTHING)
    change = asyncio.create_task(everything.seal.rotate_root())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    change.cancel()
    with pytest.raises(asyncio.CancelledError):
        await change
    # Whatever comes next waits for it.
    await everything.seal.close()
    everything.custody.unseal(NOTHING)
    assert everything.custody.generations(ROOT) == [2]


async def test_an_unsealing_that_is_given_up_leaves_custody_and_process_of_one_mind(tmp_path: Path) -> None:
    everything = Everything(tmp_path, "passphrase")
    attempt = asyncio.create_task(everything.seal.unseal(PASSPHRASE))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    await everything.seal.seal()
    assert everything.custody.sealed
    assert everything.seal.sealed


# Custody and store, held against each other.


@pytest.fixture
def custody(tmp_path: Path) -> FileCustody:
    mark_first_boot(tmp_path / "custody" / "root.key")
    return FileCustody(tmp_path / "custody" / "root.key", RANDOM)


def test_the_first_boot_binds_the_store(custody: FileCustody) -> None:
    installations = Installations()
    key = open_installation(custody, installations, RANDOM)
    bound = installations.record
    assert open_installation(custody, installations, RANDOM) == key
    assert installations.record == bound
    # The store has not been opened yet: whoever opens it takes the mark away.
    assert custody.first_boot


def test_an_empty_store_beside_an_initialised_custody_is_an_error(custody: FileCustody) -> None:
    open_installation(custody, Installations(), RANDOM)
    custody.complete_first_boot()
    with pytest.raises(CustodyError, match="the key store is empty"):
        open_installation(custody, Installations(), RANDOM)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_of_the_first_boot_can_be_repeated(custody: FileCustody, moment: str) -> None:
    installations = Installations()
    installations.crash = moment
    with pytest.raises(Crash):
        open_installation(custody, installations, RANDOM)
    assert custody.first_boot
    installations.crash = ""
    key = open_installation(custody, installations, RANDOM)
    assert open_installation(custody, installations, RANDOM) == key


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_of_a_root_change_is_finished_at_the_next_start(custody: FileCustody, moment: str) -> None:
    installations = Installations()
    key = open_installation(custody, installations, RANDOM)
    installations.crash = moment
    with pytest.raises(Crash):
        change_root(custody, installations)
    assert custody.generations(ROOT) == [1, 2]
    installations.crash = ""
    assert open_installation(custody, installations, RANDOM) == key
    assert custody.generations(ROOT) == [2]
    assert installations.record is not None
    assert installations.record.root_generation == 2
    assert change_root(custody, installations) == 3


def test_a_marked_custody_does_not_take_over_a_store_with_keys(custody: FileCustody) -> None:
    installations = Installations()
    installations.holds_keys = True
    with pytest.raises(CustodyError):
        open_installation(custody, installations, RANDOM)
    assert custody.first_boot


def test_stores_and_root_keys_do_not_mix(custody: FileCustody, tmp_path: Path) -> None:
    mine, theirs = Installations(), Installations()
    mark_first_boot(tmp_path / "other" / "root.key")
    other = FileCustody(tmp_path / "other" / "root.key", RANDOM)
    open_installation(custody, mine, RANDOM)
    open_installation(other, theirs, RANDOM)
    with pytest.raises(CustodyError, match="another root key"):
        open_installation(custody, theirs, RANDOM)
    forged = theirs.record
    assert forged is not None
    theirs.record = Installation(custody.store_id, forged.root_generation, forged.store_key)
    with pytest.raises(CustodyError, match="does not open"):
        open_installation(custody, theirs, RANDOM)


async def test_a_device_that_is_away_is_named(
    everything: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    await everything.seal.unseal(NOTHING)

    def away(_kind: WrapKind) -> int:
        raise CustodyUnavailableError("unplugged")

    monkeypatch.setattr(everything.custody, "add_generation", away)
    with pytest.raises(DomainError) as caught:
        await everything.seal.rotate_root()
    assert reason(caught) == "DEPENDENCY_UNAVAILABLE"
    assert not everything.seal.sealed
    assert sealed().reason_name == "SEALED"
