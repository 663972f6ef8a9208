"""Each system call of the spool fails once, each byte of a commit meets a full disk: nothing is lost."""

import asyncio
import contextlib
import errno
import os
from pathlib import Path

import pytest

from services.chassis.audit.budget import SpoolLimits
from services.chassis.audit.reader import SpoolReader
from services.chassis.audit.segment import FRAME_BYTES, HEADER_BYTES, Lane, SpoolCorruptError
from services.chassis.audit.spool import Spool
from services.chassis.errors import DomainError
from services.chassis.randomness import SystemRandomness
from tests.fakes.spool_files import FaultyFiles, SmallDisk

RANDOM = SystemRandomness()
LIMITS = SpoolLimits(
    max_bytes=100_000, segment_bytes=900, summary_bytes=5_000, outcome_bytes=5_000, commit_timeout_s=5.0
)
COMMITS, TOGETHER = 12, 4


async def work(spool: Spool, acknowledged: list[bytes]) -> None:
    """Group commits over several segments, with trims between them; refusals are taken as they come."""

    async def one(payload: bytes) -> None:
        # A refusal is a right answer; any other exception fails the test.
        with contextlib.suppress(DomainError):
            await spool.append(payload, Lane.EVENT)
            acknowledged.append(payload)

    for commit in range(COMMITS):
        await asyncio.gather(*(one(b"record %d.%d " % (commit, i) * 5) for i in range(TOGETHER)))


def replay(directory: Path) -> list[bytes]:
    """Open the spool as its next life does, and read everything."""
    spool = Spool(directory, randomness=RANDOM, limits=LIMITS)
    reader, position, found = SpoolReader(), spool.first_position, []
    while position < spool.durable_position:
        batch = reader.read(spool.segments(), position, 100)
        found += batch
        position += len(batch)
    asyncio.run(spool.close())
    return found


def run(directory: Path, files: FaultyFiles | SmallDisk) -> list[bytes]:
    """One life of a spool; returns what it acknowledged."""
    acknowledged: list[bytes] = []

    async def life() -> None:
        spool = Spool(directory, randomness=RANDOM, limits=LIMITS, files=files)
        await work(spool, acknowledged)
        await spool.close()

    try:
        asyncio.run(life())
    except OSError:
        assert not acknowledged, "only the boot may fail with an OSError"
    return acknowledged


def calls_of_one_life(directory: Path) -> list[str]:
    files = FaultyFiles()
    run(directory, files)
    return files.names


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EDQUOT], ids=errno.errorcode.get)
@pytest.mark.parametrize("short", [False, True], ids=["whole", "short-write"])
def test_every_call_fails_once(tmp_path, error, short):
    names = calls_of_one_life(tmp_path / "count")
    assert {"create", "write", "fdatasync", "sync_directory"} <= set(names)
    failed, lost_nothing = set(), 0
    for number in range(len(names)):
        directory = tmp_path / f"{number}"
        files = FaultyFiles(number, error, short=short)
        acknowledged = run(directory, files)
        if files.failed:
            failed.add(files.failed)
        found = replay(directory)
        # In order, nothing missing: what was not acknowledged may or may not be there.
        assert [payload for payload in found if payload in set(acknowledged)] == acknowledged
        assert len(found) == len(set(found))
        lost_nothing += len(acknowledged)
        # And the next life goes on working.
        second = run(directory, FaultyFiles())
        assert len(second) == COMMITS * TOGETHER
        assert replay(directory) == found + second
    assert failed == set(names)
    print(f"{len(names)} calls failed once each: 0 of {lost_nothing} acknowledged records lost")


def test_the_harness_finds_a_spool_that_does_not_sync(tmp_path):
    """The planted fault: what was acknowledged without a sync is gone after a power cut."""

    class PowerCut(FaultyFiles):
        def fdatasync(self, descriptor: int) -> None:
            """Lose everything behind the segment's header."""
            if os.fstat(descriptor).st_size > HEADER_BYTES:
                self.truncate(descriptor, HEADER_BYTES)

    acknowledged = run(tmp_path, PowerCut())
    assert acknowledged
    try:
        found = replay(tmp_path)
    except SpoolCorruptError:
        return
    assert [payload for payload in found if payload in set(acknowledged)] != acknowledged


def test_a_full_disk_at_every_byte_of_a_group_commit(tmp_path):
    commit = TOGETHER * (FRAME_BYTES + len(b"record 1.1 " * 5))
    start = HEADER_BYTES + 32  # the id file takes 32 bytes
    total = 0
    # The first commit is acknowledged, the second meets the end of the disk.
    for room in range(start + commit, start + 2 * commit + 1):
        directory = tmp_path / f"{room}"
        acknowledged = run(directory, SmallDisk(room))
        found = replay(directory)
        assert [payload for payload in found if payload in set(acknowledged)] == acknowledged
        total += len(acknowledged)
    assert total > 0
    print(f"{commit + 1} disk sizes: 0 of {total} acknowledged records lost")


def test_errors_while_opening_lose_nothing(tmp_path):
    """A torn end is repaired at open; each call of the repair fails once."""
    first = run(tmp_path, FaultyFiles())
    tail = sorted(tmp_path.glob("*.seg"))[-1]
    with tail.open("ab") as file:
        file.write(b"CRec torn")
    failed = set()
    for number in range(20):
        files = FaultyFiles(number)
        try:
            asyncio.run(Spool(tmp_path, randomness=RANDOM, limits=LIMITS, files=files).close())
        except OSError:
            failed.add(files.failed)
            continue
        break
    assert failed == {"reopen", "truncate", "write", "fdatasync", "sync_directory"}
    assert replay(tmp_path) == first
