"""What a growing log costs: lookups, proofs, events taken in, the start, memory."""

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.load.audit.estate import MeasuredAudit, Run, errors, measure
from tests.load.audit.population import EVENTS_OF_A_ROUND, rounds_of
from tests.load.audit.requests import LOOKUPS, PROOFS, SHIPPINGS
from tests.load.kms.site import Site

BYTES_AN_EVENT = 2_500
"""Of free disk that are asked for: an event takes less, with its index rows, its entry in the log, and what
SQLite's write-ahead log needs meanwhile."""
SMALL = 10_000
"""Events of the log that the large one is compared with."""
FLAT_BYTES = 64 * 2**20
"""That a service with a large log may have more than one with a small log, after the same work."""
SHIPPERS = 64
HEAD = (
    "| events | start s | memory MiB at the start | after lookups and proofs | after events were taken in "
    "| bytes of disk an event | made a second |\n|---|---|---|---|---|---|---|"
)
_CELL = "a second, p50 ms, p99 ms, CPU ms, errors"
_QUIET_S = 3.0


class NoRoomError(Exception):
    """The disk has too little room for a measurement."""


def require_room(folder: Path | None, events: int) -> None:
    """Refuse what would fill the disk of `folder`, or that of temporary files. Raises NoRoomError."""
    folder = folder or Path(tempfile.gettempdir())
    needed, free = events * BYTES_AN_EVENT, shutil.disk_usage(folder).free
    if free < needed:
        raise NoRoomError(
            f"{events:,} events need {needed / 1e9:.1f} GB of free disk, and below {folder} "
            f"{free / 1e9:.1f} GB are free: name another folder, or fewer events"
        )


@dataclass(frozen=True, slots=True)
class Grown:
    """An audit service with a log of so many events."""

    events: int
    made_seconds: float
    disk_bytes: int
    started_s: float
    memory: Sequence[int]
    """Resident bytes: at the start, after lookups and proofs, after events were taken in."""
    runs: Mapping[str, Run]
    """By what was asked."""

    @property
    def line(self) -> str:
        """A row of the table of stores."""
        memory = " | ".join(f"{each / 2**20:,.0f}" for each in self.memory)
        return (
            f"| {self.events:,} | {self.started_s:.1f} | {memory} | {self.disk_bytes / self.events:,.0f} "
            f"| {self.events / self.made_seconds:,.0f} |"
        )


def asked_table(stores: Sequence[Grown]) -> str:
    """Return the table of what was asked, with the stores beside each other."""
    titles = " | ".join(f"{store.events:,} events: {_CELL}" for store in stores)
    lines = [f"| asked | {titles} |\n|---|{'---|' * len(stores)}"]
    lines += [
        f"| {asking} | {' | '.join(_cell(store.runs[asking]) for store in stores)} |"
        for asking in stores[0].runs
    ]
    return "\n".join(lines)


def _cell(run: Run) -> str:
    milliseconds = (f"{each / 1e3:,.1f}" for each in (run.p50_us, run.p99_us, run.cpu_us))
    return f"{run.per_second:,.0f}, {', '.join(milliseconds)}, {errors([run])}"


def missed(stores: Sequence[Grown]) -> list[str]:
    """Return what has errors, and whether memory grows with the log."""
    wrong = [
        f"{asking} with {store.events:,} events"
        for store in stores
        for asking, run in store.runs.items()
        if run.errors
    ]
    small, large = stores[0].memory[-1], stores[-1].memory[-1]
    if large - small > FLAT_BYTES:
        wrong.append(f"memory with {stores[-1].events:,} events")
    return wrong


def measure_store(
    site: Site, audit: MeasuredAudit, events: int, made_seconds: float, seconds: float
) -> Grown:
    """Start the service of a log that was made, and ask it everything. It is stopped afterwards."""
    disk = audit.disk_bytes()
    audit.start(site.operator)
    try:
        time.sleep(_QUIET_S)
        memory = [audit.memory_bytes()]
        runs = measure(audit, "audit", (*LOOKUPS, *PROOFS), 1, seconds, site.operator, events=events)
        memory.append(audit.memory_bytes())
        runtime = site.workloads.tls("service/runtime")
        shipped = measure(audit, "audit", SHIPPINGS, SHIPPERS, seconds, runtime, events=events)
        memory.append(audit.memory_bytes())
    finally:
        audit.stop()
    made = rounds_of(events) * EVENTS_OF_A_ROUND
    return Grown(made, made_seconds, disk, audit.started_s, memory, {**runs, **shipped})
