"""The spool: durable before it says so, bounded, and closed when in doubt."""

import asyncio
import errno
import time

import pytest

from services.chassis.audit.budget import SpoolLimits
from services.chassis.audit.reader import SpoolReader
from services.chassis.audit.recovery import SpoolInUseError, recover
from services.chassis.audit.segment import FRAME_BYTES, HEADER_BYTES, Lane, SpoolCorruptError
from services.chassis.audit.spool import Spool, SpoolFailedError
from services.chassis.errors import DomainError
from services.chassis.randomness import SystemRandomness
from tests.fakes.spool_files import FaultyFiles, HungDisk, SmallDisk

RANDOM = SystemRandomness()
SMALL = SpoolLimits(max_bytes=20_000, segment_bytes=1_000, summary_bytes=2_000, outcome_bytes=3_000)

BACKGROUND = pytest.mark.parametrize("background", [True, False], ids=["background", "thread"])


def payloads(spool: Spool) -> list[bytes]:
    reader, position, found = SpoolReader(), spool.first_position, []
    while position < spool.durable_position:
        batch = reader.read(spool.segments(), position, 100)
        assert batch
        found += batch
        position += len(batch)
    return found


async def taken(spool: Spool, lane: Lane, size: int) -> bool:
    """Append one record and say whether it was taken."""
    try:
        await spool.append(bytes(size), lane)
    except DomainError:
        return False
    return True


async def fill(spool: Spool, lane: Lane, size: int = 200) -> int:
    """Append until the lane is closed; return how many were taken."""
    count = 0
    while await taken(spool, lane, size):
        count += 1
        assert count < 10_000, "the lane has no cap"
    return count


async def test_records_survive_a_new_life(tmp_path):
    spool = Spool(tmp_path, randomness=RANDOM)
    await asyncio.gather(*(spool.append(b"%d" % i, Lane.EVENT) for i in range(50)))
    await spool.close()
    again = Spool(tmp_path, randomness=RANDOM)
    assert again.spool_id == spool.spool_id
    assert payloads(again) == [b"%d" % i for i in range(50)]
    await again.append(b"more", Lane.EVENT)
    assert payloads(again)[-1] == b"more"
    assert again.durable_position == 51
    await again.close()


async def test_a_segment_that_is_continued_has_a_durable_name(tmp_path):
    spool = Spool(tmp_path, randomness=RANDOM, files=FaultyFiles(8))
    with pytest.raises(DomainError):
        await spool.append(b"x", Lane.EVENT)
    await spool.close()
    assert list(tmp_path.glob("*.seg")), "the segment was made, and its folder not synced"
    files = FaultyFiles()
    again = Spool(tmp_path, randomness=RANDOM, files=files)
    # Written anew, because what the kernel shows of a life whose sync failed may not be on the disk.
    assert files.names == ["reopen", "truncate", "write", "fdatasync", "sync_directory"]
    await again.close()


async def test_a_segment_without_room_is_gone_for_good_before_its_position_is_used(tmp_path):
    files = FaultyFiles(13, errno.ENOSPC)
    limits = SpoolLimits(max_bytes=20_000, segment_bytes=100, summary_bytes=2_000, outcome_bytes=3_000)
    spool = Spool(tmp_path, randomness=RANDOM, files=files, limits=limits)
    assert await taken(spool, Lane.EVENT, 60)
    assert not await taken(spool, Lane.EVENT, 60)
    assert files.names[-5:] == ["create", "allocate", "write", "unlink", "sync_directory"]
    assert len(list(tmp_path.glob("*.seg"))) == 1
    await spool.close()


async def test_what_a_full_disk_cut_short_is_gone_for_good_before_anything_else(tmp_path):
    files = FaultyFiles(11, errno.ENOSPC, short=True)
    spool = Spool(tmp_path, randomness=RANDOM, files=files)
    assert await taken(spool, Lane.EVENT, 10)
    assert not await taken(spool, Lane.EVENT, 10)
    assert files.names[-4:] == ["short write", "write", "truncate", "fdatasync"]
    await spool.close()


async def test_one_process_holds_the_spool(tmp_path):
    spool = Spool(tmp_path, randomness=RANDOM)
    with pytest.raises(SpoolInUseError):
        Spool(tmp_path, randomness=RANDOM)
    await spool.close()
    await Spool(tmp_path, randomness=RANDOM).close()


async def test_files_are_for_the_owner_alone(tmp_path):
    spool = Spool(tmp_path / "spool", randomness=RANDOM)
    await spool.append(b"x", Lane.EVENT)
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    for file in (tmp_path / "spool").iterdir():
        assert file.stat().st_mode & 0o077 == 0
    await spool.close()


async def test_one_commit_serves_all_who_came_while_another_ran(tmp_path):
    files = FaultyFiles()
    spool = Spool(tmp_path, randomness=RANDOM, files=files)
    await spool.append(b"first", Lane.EVENT)
    before = files.names.count("fdatasync")
    await asyncio.gather(*(spool.append(b"%d" % i, Lane.EVENT) for i in range(100)))
    assert files.names.count("fdatasync") - before == 2  # the first goes at once and alone
    await spool.close()


async def test_segments_are_begun_and_trimmed(tmp_path):
    spool = Spool(tmp_path, randomness=RANDOM, limits=SMALL)
    for number in range(20):
        await spool.append(b"%d" % number * 100, Lane.EVENT)
    assert len(spool.segments()) > 3
    used = spool.used_bytes
    assert used == sum(segment.size for segment in spool.segments())
    # Only the newest has room in reserve.
    assert [segment.path.stat().st_size - segment.size for segment in spool.segments()[:-1]] == [0] * (
        len(spool.segments()) - 1
    )
    spool.trim(10)
    assert 0 < spool.first_position <= 10
    assert spool.used_bytes < used
    spool.trim(20)
    # The newest stays: its name says where the next life goes on.
    assert len(spool.segments()) == len(list(tmp_path.glob("*.seg"))) == 1
    await spool.close()
    assert spool.used_bytes == sum(file.stat().st_size for file in tmp_path.glob("*.seg"))
    again = Spool(tmp_path, randomness=RANDOM, limits=SMALL)
    assert again.durable_position == 20
    await again.close()


async def test_the_cap_closes_and_shipping_opens_again(tmp_path):
    spool = Spool(tmp_path, randomness=RANDOM, limits=SMALL)
    assert await fill(spool, Lane.EVENT) > 10
    assert spool.used_bytes <= SMALL.max_bytes
    spool.trim(spool.durable_position)
    await spool.append(b"room again", Lane.EVENT)
    await spool.close()


async def test_outcomes_have_a_reserve_when_events_are_refused(tmp_path):
    spool = Spool(tmp_path, randomness=RANDOM, limits=SMALL)
    await fill(spool, Lane.EVENT)
    assert await fill(spool, Lane.OUTCOME) >= SMALL.outcome_bytes // (200 + FRAME_BYTES) - 2
    assert spool.used_bytes <= SMALL.max_bytes
    await spool.close()


async def test_a_flood_of_summaries_closes_nothing_else(tmp_path):
    spool = Spool(tmp_path, randomness=RANDOM, limits=SMALL)
    assert await fill(spool, Lane.SUMMARY) == SMALL.summary_bytes // (200 + FRAME_BYTES)
    await spool.append(b"event", Lane.EVENT)
    await spool.append(b"outcome", Lane.OUTCOME)
    await spool.close()


async def test_a_full_log_leaves_room_for_summaries(tmp_path):
    spool = Spool(tmp_path, randomness=RANDOM, limits=SMALL)
    await fill(spool, Lane.EVENT)
    await spool.append(b"summary", Lane.SUMMARY)
    await spool.close()


async def test_budgets_are_counted_again_after_a_restart(tmp_path):
    spool = Spool(tmp_path, randomness=RANDOM, limits=SMALL)
    await fill(spool, Lane.SUMMARY)
    used = spool.used_bytes
    await spool.close()
    again = Spool(tmp_path, randomness=RANDOM, limits=SMALL)
    assert again.used_bytes == used
    assert await fill(again, Lane.SUMMARY) == 0
    await again.append(b"event", Lane.EVENT)
    await again.close()


async def test_an_oversized_record_is_refused(tmp_path):
    spool = Spool(tmp_path, randomness=RANDOM)
    with pytest.raises(DomainError):
        await spool.append(bytes(300 * 1024), Lane.EVENT)
    await spool.close()


async def test_a_full_disk_refuses_and_recovers(tmp_path):
    disk = SmallDisk(HEADER_BYTES + 2 * (FRAME_BYTES + 100) + 50)
    spool = Spool(tmp_path, randomness=RANDOM, files=disk)
    room = HEADER_BYTES + 2 * (FRAME_BYTES + 100) + 50
    disk.room = room
    await spool.append(b"a" * 100, Lane.EVENT)
    await spool.append(b"b" * 100, Lane.EVENT)
    for _ in range(3):
        with pytest.raises(DomainError) as refusal:
            await spool.append(b"c" * 100, Lane.EVENT)
        assert refusal.value.reason_name == "AUDIT_UNAVAILABLE"
    disk.room += 1_000
    await spool.append(b"d" * 100, Lane.EVENT)
    assert [payload[:1] for payload in payloads(spool)] == [b"a", b"b", b"d"]
    await spool.close()
    assert recover(tmp_path, bytes.fromhex(spool.spool_id)).segments[-1].next_position == 3


@BACKGROUND
async def test_after_an_fsync_error_nothing_is_written_any_more(tmp_path, background):
    files = FaultyFiles(background=background)
    spool = Spool(tmp_path, randomness=RANDOM, files=files)
    await spool.append(b"good", Lane.EVENT)
    files.fail_at = files.calls + 1  # write, then fdatasync
    with pytest.raises(DomainError):
        await spool.append(b"lost", Lane.EVENT)
    assert files.failed == "fdatasync"
    calls = files.calls
    for _ in range(3):
        with pytest.raises(DomainError) as refusal:
            await spool.append(b"late", Lane.EVENT)
        assert refusal.value.reason_name == "AUDIT_UNAVAILABLE"
    assert files.calls == calls
    with pytest.raises(SpoolFailedError):
        await asyncio.wait_for(spool.failed(), 1)
    await spool.close()
    # What was not acknowledged is not in the next life either: it was never on the disk for sure.
    again = Spool(tmp_path, randomness=RANDOM)
    assert payloads(again) == [b"good"]
    await again.close()


@BACKGROUND
async def test_a_hung_device_refuses_within_the_time_limit(tmp_path, background, caplog):
    disk = HungDisk(background=background)
    spool = Spool(tmp_path, randomness=RANDOM, files=disk)
    await spool.append(b"before", Lane.EVENT)
    disk.hang()
    loop = asyncio.get_running_loop()
    started = loop.time()
    first = asyncio.create_task(spool.append(b"first", Lane.EVENT))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(spool.append(b"second", Lane.EVENT))
    for waiting in (first, second):
        with pytest.raises(DomainError) as refusal:
            await waiting
        assert refusal.value.reason_name == "AUDIT_UNAVAILABLE"
    assert 0.2 < loop.time() - started < 2.5
    started = loop.time()
    with pytest.raises(DomainError):
        await spool.append(b"third", Lane.EVENT)
    assert loop.time() - started < 0.1
    disk.recover()
    while spool.durable_position < 2:
        await asyncio.sleep(0.01)
    await spool.append(b"after", Lane.EVENT)
    # "first" was refused because nobody knew; that it is there does no harm. "second" was never written.
    assert payloads(spool) == [b"before", b"first", b"after"]
    await spool.close()
    hangs, answers = caplog.records
    assert (hangs.message, hangs.fields) == ("audit_device_hangs", {"count": 2})
    assert answers.message == "audit_device_hung_until_now"
    assert answers.fields["duration_ms"] >= 250


async def test_a_slow_event_loop_is_no_hung_device(tmp_path):
    """The sync ends in time, and the loop hears of it together with the timer."""
    spool = Spool(tmp_path, randomness=RANDOM)
    await spool.append(b"segment", Lane.EVENT)
    for number in range(3):
        waiting = spool.begin(b"%d" % number, Lane.EVENT)
        time.sleep(spool.limits.commit_timeout_s + 0.05)  # the loop stands still
        await waiting
    assert payloads(spool) == [b"segment", b"0", b"1", b"2"]
    await spool.close()


async def test_a_chunk_that_the_file_takes_in_part_is_written_again_by_the_thread(tmp_path):
    class Reluctant(FaultyFiles):
        """Takes half of every longer write."""

        def write(self, descriptor: int, data: memoryview, offset: int) -> int:
            return super().write(descriptor, data[: max(32, len(data) // 2)], offset)

    spool = Spool(tmp_path, randomness=RANDOM, files=Reluctant())
    for payload in (b"first", b"second", b"third"):
        await spool.append(payload, Lane.EVENT)
    assert payloads(spool) == [b"first", b"second", b"third"]
    await spool.close()


@BACKGROUND
async def test_the_record_of_a_cancelled_caller_is_written(tmp_path, background):
    disk = HungDisk(background=background)
    spool = Spool(tmp_path, randomness=RANDOM, files=disk)
    disk.hang()
    waiting = asyncio.create_task(spool.append(b"cancelled", Lane.EVENT))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    disk.recover()
    await spool.append(b"next", Lane.EVENT)
    assert payloads(spool) == [b"cancelled", b"next"]
    await spool.close()


async def test_a_rotated_spool_goes_on_at_its_position(tmp_path):
    spool = Spool(tmp_path, randomness=RANDOM, limits=SMALL)
    spool.rotate()  # nothing to rotate
    assert spool.segments() == ()
    await spool.append(b"one", Lane.EVENT)
    for _ in range(3):
        # Once is enough: an empty segment is not followed by another one.
        spool.rotate()
        await asyncio.sleep(0.05)
    assert [segment.first_position for segment in spool.segments()] == [0, 1]
    spool.trim(1)
    await spool.close()
    assert spool.used_bytes == HEADER_BYTES == sum(file.stat().st_size for file in tmp_path.glob("*.seg"))
    again = Spool(tmp_path, randomness=RANDOM, limits=SMALL)
    assert (again.first_position, again.durable_position) == (1, 1)
    await again.append(b"two", Lane.EVENT)
    assert payloads(again) == [b"two"]
    await again.close()


async def test_an_empty_segment_takes_a_chunk_that_is_larger_than_a_segment(tmp_path):
    """Its successor would have the same first position, and therefore the same name."""
    spool = Spool(tmp_path, randomness=RANDOM, limits=SMALL)
    await spool.append(b"one", Lane.EVENT)
    spool.rotate()
    await asyncio.sleep(0.05)
    assert len(spool.segments()) == 2
    large = bytes(SMALL.segment_bytes * 2)
    await spool.append(large, Lane.EVENT)
    assert payloads(spool) == [b"one", large]
    await spool.close()


async def test_a_missing_segment_is_noticed(tmp_path):
    spool = Spool(tmp_path, randomness=RANDOM, limits=SMALL)
    for _ in range(20):
        await spool.append(bytes(200), Lane.EVENT)
    await spool.close()
    sorted(tmp_path.glob("*.seg"))[2].unlink()
    with pytest.raises(SpoolCorruptError):
        Spool(tmp_path, randomness=RANDOM, limits=SMALL)


async def test_a_missing_identity_is_noticed(tmp_path):
    spool = Spool(tmp_path, randomness=RANDOM)
    await spool.append(b"x", Lane.EVENT)
    await spool.close()
    (tmp_path / "spool.id").unlink()
    with pytest.raises(SpoolCorruptError):
        Spool(tmp_path, randomness=RANDOM)


async def test_a_failed_open_releases_the_lock(tmp_path):
    spool = Spool(tmp_path, randomness=RANDOM)
    await spool.append(b"x", Lane.EVENT)
    await spool.close()
    files = FaultyFiles(fail_at=0, error=errno.EIO)
    with pytest.raises(OSError):
        Spool(tmp_path, randomness=RANDOM, files=files)
    await Spool(tmp_path, randomness=RANDOM).close()
