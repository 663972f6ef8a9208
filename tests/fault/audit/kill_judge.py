"""What must be true of an installation after its deaths, judged by hand: files and databases, no service."""

import asyncio
import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import services  # noqa: F401 - before anything imports gRPC: see services/__init__.py
from services.chassis.audit.recovery import read_identity, recover
from services.chassis.audit.segment import SpoolCorruptError
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.fsck import check
from tlog.leaf import parse
from tlog.note import Note
from tlog.tiles import bundles_between, entries_of
from tlog.tree import EMPTY, grow


@dataclass
class Told:
    """What the recorder has said."""

    begun: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Phases and calls of events, by their ids."""
    acknowledged: list[str] = field(default_factory=list)
    effects: set[str] = field(default_factory=set)
    """Calls that did what they do."""


@dataclass(frozen=True)
class Verdict:
    """What was found."""

    problems: Sequence[str]
    entries: int
    """Of the log."""
    acknowledged: int
    effects: int
    lost: int
    """Acknowledged events that the log does not have."""
    checkpoints: int
    """Different checkpoints that were seen, all of this one log."""


@dataclass(frozen=True)
class Installation:
    """Where everything lies."""

    database: Path
    log: Path
    spools: Sequence[Path]
    """The recorder's first."""
    witness: Path
    told: Path


def read_told(file: Path) -> Told:
    """Read what the recorder has said. A line that a kill has cut short says nothing."""
    told = Told()
    text = file.read_text() if file.exists() else ""
    for line in text[: text.rfind("\n") + 1].splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "begun":
            event_id, phase, call = rest.split(" ")
            told.begun[event_id] = phase, call
        elif kind == "ack":
            told.acknowledged.append(rest)
        else:
            told.effects.add(rest)
    return told


def newest_entry(database: Path) -> int:
    """Return the number of the newest entry in the database, -1 when there is none, or no schema yet."""
    connection = sqlite3.connect(database)
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'entries'").fetchall():
            return -1
    finally:
        connection.close()
    return max((sequence for sequence, *_ in _rows(database)), default=-1)


def judge(where: Installation, trust: Trust, seen: Iterable[bytes]) -> Verdict:
    """Look at everything; `seen` are checkpoints that were published between the deaths."""
    told, problems = read_told(where.told), []
    rows = _rows(where.database)
    try:
        # All was cosigned when it had settled. A checkpoint after that may miss a witness that is slow.
        entries, checkpoint = asyncio.run(_log(where.log, Trust(trust.log)))
    except TlogError as error:
        problems.append(f"fsck: {error}")
        entries, checkpoint = [row[-1] for row in rows], None
    # What was recorded of the last look at the log itself may wait for its next checkpoint.
    if entries != [row[-1] for row in rows[: len(entries)]]:
        problems.append(f"the log has {len(entries)} entries that are not the database's first")
    ids = [str(uuid.UUID(bytes=parse(entry).event_id)) for entry in entries]
    places = {event_id: place for place, event_id in enumerate(ids)}
    if len(places) != len(ids):
        problems.append("an event is in the log twice")
    lost = [event_id for event_id in told.acknowledged if event_id not in places]
    if lost:
        problems.append(f"{len(lost)} of {len(told.acknowledged)} acknowledged events are not in the log")
    problems += _of_calls(told, places)
    problems += _of_spools(where, rows, told)
    noted = {note: Trust(trust.log).checkpoint(Note.parse(note)) for note in seen}
    known = {(each.size, each.root) for each in noted.values()}
    if checkpoint is not None and max(known, default=(0, b""))[0] > checkpoint.size:
        problems.append("the log has been longer")
    # A witness may know a checkpoint that the service did not live to publish: of entries that are durable.
    known |= _witnessed(where.witness)
    problems += _of_checkpoints([row[-1] for row in rows], known)
    counts = len(entries), len(told.acknowledged), len(told.effects), len(lost)
    return Verdict(problems, *counts, len(known))


def _rows(database: Path) -> list[tuple[int, str, int, bytes, bytes]]:
    connection = sqlite3.connect(database)
    try:
        return connection.execute(
            "SELECT sequence, spool_id, position, event_id, leaf FROM entries ORDER BY sequence"
        ).fetchall()
    finally:
        connection.close()


async def _log(folder: Path, trust: Trust) -> tuple[list[bytes], Checkpoint]:
    async def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    checkpoint = (await check(read, trust)).checkpoint
    entries: list[bytes] = []
    for bundle in bundles_between(0, checkpoint.size):
        entries += entries_of((folder / bundle.path).read_bytes(), bundle.width)
    return entries, checkpoint


def _of_calls(told: Told, places: dict[str, int]) -> list[str]:
    """No effect and no outcome without an intent, which comes before."""
    intents = {call: event_id for event_id, (phase, call) in told.begun.items() if phase == "intent"}
    bare = [call for call in told.effects if intents.get(call) not in places]
    problems = [f"{len(bare)} effects have no event in the log"] if bare else []
    for event_id, (phase, call) in told.begun.items():
        if phase == "outcome" and event_id in places:
            place = places.get(intents[call])
            if place is None or place > places[event_id]:
                problems.append(f"the outcome of {call} is in the log without its intent before")
    return problems


def _of_spools(where: Installation, rows: list[tuple[int, str, int, bytes, bytes]], told: Told) -> list[str]:
    """Spools are whole; what came of the recorder's is what it began, each position once."""
    problems = []
    for folder in where.spools:
        try:
            recover(folder, read_identity(folder))
        except (SpoolCorruptError, OSError) as error:
            problems.append(f"the spool {folder.name} is damaged: {error}")
    own = read_identity(where.spools[0]).hex()
    positions = [row[2] for row in rows if row[1] == own]
    if positions != list(range(len(positions))):
        problems.append("positions of the spool are missing or out of order")
    strange = [row for row in rows if row[1] == own and str(uuid.UUID(bytes=row[3])) not in told.begun]
    if strange:
        problems.append(f"{len(strange)} events are in the log that nobody recorded")
    return problems


def _witnessed(database: Path) -> set[tuple[int, bytes]]:
    connection = sqlite3.connect(database)
    try:
        return set(connection.execute("SELECT size, root FROM logs").fetchall())
    finally:
        connection.close()


def _of_checkpoints(entries: list[bytes], known: set[tuple[int, bytes]]) -> list[str]:
    """Every checkpoint that anybody has seen is one of this log, which has only grown."""
    problems, edge = [], EMPTY
    ordered = sorted(known)
    for before, after in pairwise(ordered):
        if before[0] == after[0]:
            problems.append(f"two checkpoints of {before[0]} entries")
    for size, root in ordered:
        if size > len(entries):
            problems.append(f"a checkpoint of {size} entries was seen, and there are {len(entries)}")
            break
        edge = grow(edge, entries[edge.bundle_start : size]).edge
        if edge.root != root:
            problems.append(f"the checkpoint of {size} entries is not of this log")
    return problems
