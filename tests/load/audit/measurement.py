"""All that is measured of recording: the append in process and through gRPC, and a log that grows."""

import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.kms.adapters.first_boot import mark_first_boot
from tests.load.audit import growth, recorded, spool
from tests.load.audit.estate import MeasuredAudit
from tests.load.audit.fill import fill
from tests.load.kms.estate import Beside, Measured
from tests.load.kms.site import Site

EVENTS = 100_000
"""Of the larger log, unless somebody asks for another."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """All that was measured."""

    appended: Sequence[spool.Appended]
    recorded: Sequence[recorded.Recorded]
    grown: Sequence[growth.Grown]

    @property
    def text(self) -> str:
        """The tables, in Markdown."""
        parts = [
            "\n".join((head, *(each.line for each in rows)))
            for head, rows in (
                (spool.HEAD, self.appended),
                (recorded.HEAD, self.recorded),
                (growth.HEAD, self.grown),
            )
        ]
        return "\n\n".join([*parts, growth.asked_table(self.grown)])

    @property
    def figures(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "appended": [
                {
                    "writers": each.writers,
                    "times_sqlite": each.times,
                    "spool": [_plain(run) for run in each.spool],
                    "sqlite": [_plain(run) for run in each.sqlite],
                }
                for each in self.appended
            ],
            "recorded": [
                {
                    "call": each.asking,
                    "transport": each.transport,
                    "runs": [_plain(run) for run in each.runs],
                }
                for each in self.recorded
            ],
            "grown": [
                {
                    "events": each.events,
                    "start_s": each.started_s,
                    "memory_bytes": each.memory,
                    "disk_bytes": each.disk_bytes,
                    "made_seconds": each.made_seconds,
                    "asked": {name: _plain(run) for name, run in each.runs.items()},
                }
                for each in self.grown
            ],
        }

    @property
    def missed(self) -> list[str]:
        """What has errors or stays below its bar."""
        slow = [f"the spool at {each.writers} writers" for each in self.appended if each.missed]
        slow += [f"{each.asking} through {each.transport}" for each in self.recorded if each.missed]
        return slow + growth.missed(self.grown)


def _plain(run: Any) -> dict[str, Any]:
    return {name: getattr(run, name) for name in run.__slots__}


def measure(rounds: int, seconds: float, events: int = EVENTS, folder: Path | None = None) -> Measurement:
    """Measure everything below `folder`, whose disk it is that is measured, and remove it afterwards.

    Raises NoRoomError before anything is begun when that disk has too little room.
    """
    growth.require_room(folder, events)
    with _terminable(), _scratch(folder) as home:
        site = Site(home, ("service/audit", "service/kms"))
        with site.open() as beside:
            appended = spool.measure(home, rounds, seconds)
            through = recorded.compare(site, beside, home, rounds, seconds)
            sizes = sorted({min(growth.SMALL, events), events})
            grown = [_grown(site, beside, size, seconds) for size in sizes]
    return Measurement(appended, through, grown)


def _grown(site: Site, beside: Beside, events: int, seconds: float) -> growth.Grown:
    home = site.folder / f"grown-{events}"
    try:
        with ExitStack() as stack:
            kms = Measured(home / "kms", "services.kms", site.workloads, beside, "http2")
            mark_first_boot(kms.config.custody.file)
            stack.callback(kms.stop)
            kms.start(site.operator)
            audit = MeasuredAudit(home / "audit", site.workloads, beside.auth, kms.target)
            print(f"audit: a log of {events:,} events", file=sys.stderr, flush=True)
            made = asyncio.run(fill(audit.config, events))
            return growth.measure_store(site, audit, events, made.seconds, seconds)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def _scratch(folder: Path | None) -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="craton-bench-audit-", dir=folder))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end a measurement as Ctrl-C does: what it has written is removed."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit("audit: ended by SIGTERM"))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
