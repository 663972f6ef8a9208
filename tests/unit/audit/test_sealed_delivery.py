"""Files under a customer's key: sealed once, put until they are there, and never plain."""

import gzip
from dataclasses import replace
from typing import Any

import pytest

from services.audit.domain.selectors import BasicSelector, Selectors
from services.audit.domain.trail import SERVICE, Settings
from services.audit.operations import delivery as module
from services.audit.operations.delivery import Delivery
from services.audit.operations.trail_files import TrailFiles
from services.audit.operations.trails import Changes, Trails
from services.chassis.errors import DomainError
from tests.unit.audit.conftest import by_principal
from tests.unit.audit.test_delivery import (
    BUCKET,
    DIGEST_S,
    KEY,
    NAME,
    SEALED,
    Anybody,
    SqlEventStore,
    World,
    policy,
    record,
    world,
)

__all__ = ["world"]


def use(number: int) -> Any:
    """What kms records of a file that a trail had sealed."""
    return record(number, event_name="GenerateDataKey", invoked_by=SERVICE, caller="spiffe://d/service/audit")


def bodies(world: World) -> list[bytes]:
    return [gzip.decompress(body) for name, body in world.buckets.objects.items() if "/CloudTrail/" in name]


def trails_of(world: World) -> Trails:
    events = SqlEventStore(world.service.database)
    more = (world.sealer, Anybody(), world.service.clock, None, "aws")
    return Trails(world.trails, events, world.delivery._access, *more)


def restarted(world: World) -> Delivery:
    """Another process over the same database, which has nothing else of what was before."""
    events = SqlEventStore(world.service.database)
    files = TrailFiles(world.trails, events, world.service.lookup, world.sealer)
    held = (world.buckets, world.delivery._access, world.delivery._digests, world.service.clock, 300)
    return Delivery(world.trails, events, files, *held)


async def test_what_is_delivered_is_sealed_for_its_place(world: World) -> None:
    await world.start(key=KEY, validation=True)
    events = [record(number) for number in range(3)]
    await world.record(*events)
    await world.serve()
    (name,) = world.buckets.objects
    assert bodies(world)[0].startswith(SEALED)
    assert world.sealer.uses == [f"{NAME} {KEY} {name}"]
    assert world.buckets.ids == [each.event_id for each in events]
    assert not await world.trails.held(await world.trail()), "nothing is held longer than needed"


@pytest.mark.parametrize("fails", ["before", "after"])
async def test_a_crash_between_sealing_and_putting_repeats_the_same_bytes(world: World, fails: str) -> None:
    await world.start(key=KEY)
    await world.record(record(1))
    world.buckets.fails = fails
    await world.serve()
    trail = await world.trail()
    (held,) = await world.trails.held(trail)
    assert held.file.key in f"{world.sealer.uses[0]}"
    # The key is gone meanwhile: what was sealed before is put still, and the double refuses other bytes.
    world.sealer.refuses = "KMS.DisabledException"
    await restarted(world)._serve(await world.trail())
    assert world.buckets.objects[f"{held.file.bucket}/{held.file.key}"] == held.body
    assert len(world.sealer.uses) == 1
    assert (await world.trail()).pending is None


async def test_two_replicas_seal_one_file(world: World) -> None:
    await world.start(key=KEY)
    await world.record(record(1))
    (trail,) = await world.trails.active()
    planned = await world.delivery._plan(trail)
    assert planned is not None
    assert await world.trails.replace(planned)
    seen = await world.trail()
    await world.delivery._put(seen)
    # Has read the trail before the other one was ready: it seals, may not hold it, and puts nothing.
    assert await restarted(world)._put(seen) is None
    assert len(world.sealer.uses) == 2
    assert (len(world.buckets.ids), world.buckets.puts) == (1, 1)


async def test_a_replica_finds_what_another_has_sealed(world: World) -> None:
    await world.start(key=KEY)
    await world.record(record(1))
    world.buckets.fails = "before"
    await world.serve()
    seen = replace(await world.trail())
    files = world.delivery._files
    owed = await files.plain(seen, seen.pending)
    assert await files.sealed(seen, seen.pending, owed) is None, "of two that are sealed the first counts"


@pytest.mark.parametrize("code", ["KMS.DisabledException", "KMS.AccessDeniedException"])
async def test_a_key_that_is_withdrawn_ends_delivery_until_it_is_back(world: World, code: str) -> None:
    await world.start(key=KEY)
    await world.record(record(1))
    world.sealer.refuses = code
    for _ in range(3):
        await world.serve()
    assert not world.buckets.objects, "nothing goes out plain instead"
    assert (await world.trail()).status.delivery_error == code
    await world.record(record(2))
    world.sealer.refuses = ""
    await world.serve()
    assert len(world.buckets.ids) == 2
    assert (await world.trail()).status.delivery_error == ""


async def test_a_key_is_not_used_for_a_bucket_that_refuses(world: World) -> None:
    await world.start(key=KEY)
    await world.record(record(1))
    world.buckets.policies[BUCKET] = policy(account="210987654321")
    await world.serve()
    assert not world.sealer.uses


async def test_uses_of_the_key_make_no_file_by_themselves(world: World) -> None:
    await world.start(key=KEY)
    first, own, later = record(1), use(2), record(3)
    await world.record(first)
    await world.serve()
    await world.record(own)
    for _ in range(3):
        await world.serve()
    assert world.buckets.puts == 1
    await world.record(later)
    await world.serve()
    assert sorted(world.buckets.ids) == sorted(each.event_id for each in (first, own, later)), "none is lost"


async def test_uses_of_the_key_are_delivered_when_logging_stops_or_they_are_many(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.start(key=KEY)
    await world.record(use(1))
    await world.serve()
    assert not world.buckets.objects
    monkeypatch.setattr(module, "_FILE_RECORDS", 2)
    await world.record(use(2), use(3))
    await world.serve()
    assert world.buckets.puts == 1, "the part was full; what is left waits"
    await world.stop()
    await world.serve()
    assert len(world.buckets.ids) == 3


async def test_what_no_selector_chooses_is_no_reason_for_a_file(world: World) -> None:
    await world.start(key=KEY, selectors=Selectors((BasicSelector("WriteOnly"),)))
    await world.record(use(1), record(2, read_only=True))
    await world.serve()
    assert not world.sealer.uses
    await world.record(record(3))
    await world.serve()
    assert len(world.buckets.ids) == 2


async def test_a_chain_that_turns_from_plain_to_sealed_and_back(world: World) -> None:
    await world.start(validation=True)
    trails = trails_of(world)
    for number, key in enumerate(("", KEY.replace("keys", "aliases"), "")):
        changed = await trails.update(by_principal(), str(NAME), Changes(key=key))
        assert changed.settings.key == key.replace("aliases", "keys")
        await world.record(record(number))
        await world.serve()
        world.service.clock.advance(DIGEST_S)
    await world.serve()
    assert [each.startswith(SEALED) for each in bodies(world)] == [False, True, False]
    digests = list(world.buckets.read("CloudTrail-Digest").values())
    assert sum(len(each["logFiles"]) for each in digests) == 3


async def test_once_a_key_is_named_nothing_more_goes_out_plain(world: World) -> None:
    await world.start()
    await world.record(record(1))
    world.buckets.fails = "before"
    await world.serve()
    await trails_of(world).update(by_principal(), str(NAME), Changes(key=KEY))
    world.service.clock.advance(1)
    await world.serve()
    assert [each.startswith(SEALED) for each in bodies(world)] == [True]


async def test_another_key_is_no_use_for_what_was_sealed_under_the_first(world: World) -> None:
    await world.start(key=KEY)
    await world.record(record(1))
    world.buckets.fails = "before"
    await world.serve()
    await trails_of(world).update(by_principal(), str(NAME), Changes(key=f"{KEY}2"))
    assert not await world.trails.held(await world.trail())
    world.service.clock.advance(1)
    await world.serve()
    assert [each.split()[1] for each in world.sealer.uses] == [KEY, f"{KEY}2"]
    assert len(world.buckets.ids) == 1


async def test_a_key_that_is_named_while_the_bucket_is_changed_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.start()
    trails, require = trails_of(world), world.delivery._access.require
    world.buckets.policies["another"] = policy("another")

    async def slowly(*asked: Any) -> None:
        await require(*asked)
        monkeypatch.setattr(world.delivery._access, "require", require)
        await trails.update(by_principal(), str(NAME), Changes(key=KEY))

    monkeypatch.setattr(world.delivery._access, "require", slowly)
    changed = await trails.update(by_principal(), str(NAME), Changes(bucket="another"))
    assert (changed.settings.target.bucket, changed.settings.key) == ("another", KEY)


async def test_a_key_that_a_trail_may_not_use_is_refused(world: World) -> None:
    trails = trails_of(world)
    world.sealer.refuses = "KMS.AccessDeniedException"
    await world.start()
    with pytest.raises(DomainError) as refused:
        await trails.update(by_principal(), str(NAME), Changes(key=KEY))
    assert (refused.value.reason_name, refused.value.field) == ("RESOURCE_STATE", "key_name")
    assert (await world.trail()).settings == Settings((await world.trail()).settings.target)
