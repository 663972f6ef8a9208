"""The audit spool on a disk that fails and loses power, life after life."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.audit.budget import SpoolLimits
from services.chassis.audit.reader import SpoolReader
from services.chassis.audit.segment import Lane, SpoolCorruptError
from services.chassis.audit.spool import Spool
from services.chassis.audit.writer import SegmentWriter
from services.chassis.errors import DomainError
from tests.campaigns.campaign import Campaign, Finding
from tests.campaigns.crash_disk import CrashDisk, Fault
from tests.campaigns.sealing import SeededRandomness

_LIVES = 4
_HANG_S = 0.03
_TIMEOUT_S = 0.01
_PATIENT_S = 30.0
_ERRORS = ("EIO", "ENOSPC", "EDQUOT")
_LANES = (Lane.EVENT, Lane.EVENT, Lane.OUTCOME, Lane.SUMMARY)


@dataclass(slots=True)
class _Known:
    """What the lives so far were told."""

    written: set[bytes] = field(default_factory=set)
    acknowledged: list[bytes] = field(default_factory=list)
    """In order: what was acknowledged, and what a recovery has shown, because it may have been shipped."""
    trimmed: set[bytes] = field(default_factory=set)
    places: dict[bytes, int] = field(default_factory=dict)
    story: list[str] = field(default_factory=list)


class SpoolCampaign(Campaign):
    """One case is a folder and some lives of a spool in it, each with its faults and its end."""

    name = "spool"
    summary = (
        f"Through {_LIVES} lives of an audit spool (power cut or kill -9 in any call or between, errors, "
        "short writes, a hanging disk, torn sectors, lost names; trims, rotations) every acknowledged record "
        "is there afterwards, in order, once, at its place, and the next life goes on."
    )
    fault = "a writer that acknowledges before fdatasync."
    sources = (
        "services/chassis/audit/spool.py",
        "services/chassis/audit/batch.py",
        "services/chassis/audit/budget.py",
        "services/chassis/audit/files.py",
        "services/chassis/audit/reader.py",
        "services/chassis/audit/recovery.py",
        "services/chassis/audit/segment.py",
        "services/chassis/audit/writer.py",
        "tests/campaigns/crash_disk.py",
        "tests/campaigns/spool.py",
    )

    def case(self, seed: int, index: int) -> None:
        """Live, die, look, several times; the last life has no faults."""
        random = self.random(seed, index)
        folder = Path(tempfile.mkdtemp(prefix="craton-spool-", dir="/dev/shm"))
        try:
            asyncio.run(_lives(random, folder))
        finally:
            shutil.rmtree(folder)

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Sync nothing."""

        def no_sync(_self: Any) -> None:
            return

        with patch.object(SegmentWriter, "_sync", no_sync):
            yield


async def _lives(random: Random, folder: Path) -> None:
    known = _Known()
    segment_bytes = random.choice((400, 900, 3000))
    disk: CrashDisk | None = None
    for number in range(_LIVES + 1):
        faults = () if number == _LIVES else _faults(random)
        hangs = any(fault.kind == "hang" for fault in faults)
        limits = SpoolLimits(
            max_bytes=1_000_000,
            segment_bytes=segment_bytes,
            summary_bytes=300_000,
            outcome_bytes=300_000,
            commit_timeout_s=_TIMEOUT_S if hangs else _PATIENT_S,
            linger_s=0.0,
        )
        disk = CrashDisk(folder, random, faults=faults, hang_s=_HANG_S, before=disk)
        known.story.append(f"life {number} {[f'{fault.kind}@{fault.at}' for fault in faults]}")
        await _life(random, folder, disk, limits, known, number)
        disk.restore()


def _faults(random: Random) -> tuple[Fault, ...]:
    def at() -> int:
        # Calls at the boot and in the first commits are as interesting as all later ones together.
        return random.randrange(random.choice((8, 25, 80)))

    kinds = random.choice(
        (
            (),
            ("power",),
            ("power",),
            ("kill",),
            ("short",),
            (random.choice(_ERRORS),),
            (random.choice(_ERRORS), "power"),
            ("short", random.choice(_ERRORS)),
            ("hang",) if random.random() < 0.2 else ("kill",),
        )
    )
    return tuple(Fault(at(), kind) for kind in kinds)


async def _life(
    random: Random, folder: Path, disk: CrashDisk, limits: SpoolLimits, known: _Known, number: int
) -> None:
    try:
        spool = Spool(folder, randomness=SeededRandomness(random), limits=limits, files=disk)
    except SpoolCorruptError as error:
        raise Finding(f"a recovery found damage: {error}; {_story(known)}") from error
    except OSError:
        if not disk.planned:
            raise
        known.story.append("no boot")
        return
    _look(spool, known)
    for wave in range(random.randrange(1, 8)):
        lanes = [random.choice(_LANES) for _ in range(random.choice((1, 1, 2, 5)))]
        payloads = [
            b"%d.%d.%d " % (number, wave, place) + random.randbytes(random.choice((0, 30, 300, 700)))
            for place in range(len(lanes))
        ]
        known.written.update(payloads)
        taken = await asyncio.gather(*map(_append, [spool] * len(lanes), payloads, lanes))
        known.acknowledged += [payload for payload, good in zip(payloads, taken, strict=True) if good]
        if not (all(taken) or disk.planned):
            raise Finding(f"a healthy disk, and a record is refused; {_story(known)}")
        await _maintain(random, spool, known)
    if any(fault.kind == "hang" for fault in disk.planned):
        # A spool that hangs is left behind when it is closed, with its lock: until its process ends, which
        # this one does not.
        await asyncio.sleep(2 * _HANG_S)
        spool.limits = replace(spool.limits, commit_timeout_s=_PATIENT_S)
    end = random.choice(("close", "power", "kill"))
    known.story.append(f"{', '.join(disk.failed) or 'no failure'}, then {end}")
    if end == "power":
        disk.cut_power()
    elif end == "kill":
        disk.kill()
    await spool.close()


async def _append(spool: Spool, payload: bytes, lane: Lane) -> bool:
    try:
        await spool.append(payload, lane)
    except DomainError as error:
        if error.reason != ErrorReason.ERROR_REASON_AUDIT_UNAVAILABLE:
            raise
        return False
    return True


async def _maintain(random: Random, spool: Spool, known: _Known) -> None:
    """Do sometimes what the shipper does: forget what was shipped, begin another segment."""
    if random.random() < 0.2:
        spool.rotate()
        while spool._batch is not None:
            # The spool's thread makes the segment: what comes next must find it, or its calls had no order.
            await asyncio.sleep(0.0005)
    if random.random() < 0.2:
        position = random.randint(spool.first_position, spool.durable_position)
        records = _records(spool)
        known.trimmed.update(payload for place, payload in records if place < position)
        try:
            spool.trim(position)
        except OSError:
            known.story.append("trim failed")


def _records(spool: Spool) -> list[tuple[int, bytes]]:
    reader, position, found = SpoolReader(), spool.first_position, []
    while position < spool.durable_position:
        payloads = reader.read(spool.segments(), position, 100)
        if not payloads:
            raise Finding(f"nothing at position {position} of {spool.durable_position}")
        found += [(position + number, payload) for number, payload in enumerate(payloads)]
        position += len(payloads)
    return found


def _look(spool: Spool, known: _Known) -> None:
    """Compare what a recovery shows with what was acknowledged and shown before."""
    records = _records(spool)
    found = [payload for _, payload in records]
    held = set(found)
    if len(held) != len(found):
        raise Finding(f"a record is there twice; {_story(known)}")
    if not held <= known.written:
        raise Finding(f"a record is there that nobody wrote; {_story(known)}")
    promised = set(known.acknowledged)
    expected = [each for each in known.acknowledged if each in held or each not in known.trimmed]
    if [each for each in found if each in promised] != expected:
        lost = [each[:12] for each in expected if each not in held]
        raise Finding(f"acknowledged records are lost or out of order: {lost}; {_story(known)}")
    for position, payload in records:
        if known.places.setdefault(payload, position) != position:
            raise Finding(f"a record has moved from {known.places[payload]} to {position}; {_story(known)}")
    known.acknowledged = found


def _story(known: _Known) -> str:
    return "; ".join(known.story)
