"""The durable append in process: the chassis' spool, and beside it SQLite with a commit for each event.

Both are given the same records by the same recorder: an intent and an outcome in turn, each awaited as
durable before the next. SQLite's (WAL, synchronous=FULL) lies on the same disk; whoever wants to append
waits for his turn there.
"""

import asyncio
import resource
import sqlite3
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.audit.recorder import SpoolRecorder
from services.chassis.audit.segment import Lane
from services.chassis.audit.spool import Spool
from services.chassis.clock import SystemClock
from services.chassis.context import CallContext
from services.chassis.identity import WorkloadId
from services.chassis.randomness import SystemRandomness
from tests.fakes.principals import ALICE

WRITERS = (1, 16, 64)
BAR = 4.0
"""Times SQLite's rate that the spool must reach with the most writers."""
HEAD = (
    "| writers | spool a second | SQLite a second | times SQLite | bar | spool p50 µs | p99 µs "
    "| SQLite p50 µs | p99 µs | spool CPU µs | SQLite CPU µs |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|"
)
_METHOD = AuditedMethod("bedrock.amazonaws.com", "InvokeModel", Recording.EFFECT)
_EDGE = WorkloadId("craton.local", "service", "edge")
_MODEL = "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1"
_ALICE = replace(
    ALICE,
    account_incarnation="f81d4fae7dec",
    principal_id="AIDAJQABLZS4A3QDU576Q",
    access_key_id="AKIAIOSFODNN7EXAMPLE",
    client=ALICE.client._replace(user_agent="Boto3/1.44.5 md/Botocore#1.44.5"),
)
"""With texts as long as real ones: what is written is measured."""


class SqliteSpool:
    """What the recorder asks of a spool, by a transaction an event."""

    durable_position = 0

    def __init__(self, file: Path) -> None:
        """Make the database."""
        self.in_flight = 0
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE events (body BLOB)"
        )

    def begin(self, payload: bytes, lane: Lane) -> "asyncio.Future[None]":
        """Commit; it is durable on return."""
        self._database.execute("INSERT INTO events VALUES (?)", (payload,))
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        durable.set_result(None)
        return durable

    def close(self) -> None:
        """Close the database."""
        self._database.close()


@dataclass(frozen=True, slots=True)
class Run:
    """Appends of one store in one round."""

    per_second: float
    p50_us: float
    p99_us: float
    cpu_us: float
    """Of the whole process, threads included, an append."""


@dataclass(frozen=True, slots=True)
class Appended:
    """Both stores under the same number of writers."""

    writers: int
    spool: Sequence[Run]
    sqlite: Sequence[Run]

    @property
    def times(self) -> float:
        """Median over the rounds of the spool's rate over SQLite's."""
        pairs = zip(self.spool, self.sqlite, strict=True)
        return statistics.median(spool.per_second / sqlite.per_second for spool, sqlite in pairs)

    @property
    def missed(self) -> bool:
        """Whether the bar was not reached, where there is one."""
        return self.writers == max(WRITERS) and self.times < BAR

    @property
    def line(self) -> str:
        """A row of the table."""

        def both(name: str, digits: int = 0) -> tuple[str, str]:
            spool, sqlite = (
                statistics.median(getattr(run, name) for run in runs) for runs in (self.spool, self.sqlite)
            )
            return f"{spool:,.{digits}f}", f"{sqlite:,.{digits}f}"

        rates, p50, p99, cpu = (
            both("per_second"),
            both("p50_us"),
            both("p99_us"),
            both("cpu_us", 1),
        )
        bar = f"{BAR:g}" if self.writers == max(WRITERS) else ""
        return (
            f"| {self.writers} | {rates[0]} | {rates[1]} | {self.times:.1f} | {bar} | {p50[0]} | {p99[0]} "
            f"| {p50[1]} | {p99[1]} | {cpu[0]} | {cpu[1]} |"
        )


def measure(folder: Path, rounds: int, seconds: float) -> list[Appended]:
    """Measure both below `folder`, on whose disk they lie, in interleaved rounds."""
    runs: dict[tuple[int, str], list[Run]] = defaultdict(list)
    for number in range(rounds):
        for writers in WRITERS:
            print(f"audit: round {number + 1}/{rounds}, {writers} writers", file=sys.stderr, flush=True)
            order = ("spool", "sqlite") if number % 2 == 0 else ("sqlite", "spool")
            for name in order:
                place = folder / f"{name}-{number}-{writers}"
                runs[writers, name].append(uvloop.run(_run(name, place, writers, seconds)))
    return [Appended(each, runs[each, "spool"], runs[each, "sqlite"]) for each in WRITERS]


async def _run(name: str, place: Path, writers: int, seconds: float) -> Run:
    random = SystemRandomness()
    if name == "spool":
        spool = Spool(place, randomness=random)
        try:
            return await _appends(SpoolRecorder(spool, "runtime", SystemClock(), random), writers, seconds)
        finally:
            await spool.close()
    with closing(SqliteSpool(place)) as database:
        recorder = SpoolRecorder(database, "runtime", SystemClock(), random)  # type: ignore[arg-type]
        return await _appends(recorder, writers, seconds)


async def _appends(recorder: SpoolRecorder, writers: int, seconds: float) -> Run:
    times: list[float] = []
    calls = 0
    end = time.perf_counter() + seconds

    async def write() -> None:
        nonlocal calls
        while time.perf_counter() < end:
            calls += 1
            made = _call(calls)
            began = time.perf_counter()
            # Whoever blocks the loop is asked in turn: the wait for it counts.
            await asyncio.sleep(0)
            await recorder.intent(made, _METHOD)
            ended = time.perf_counter()
            times.append(ended - began)
            await asyncio.sleep(0)
            await recorder.outcome(made, _METHOD, "OK", "")
            times.append(time.perf_counter() - ended)

    cpu, wall = _cpu_seconds(), time.perf_counter()
    await asyncio.gather(*(write() for _ in range(writers)))
    cpu, wall = _cpu_seconds() - cpu, time.perf_counter() - wall
    times.sort()
    return Run(
        len(times) / wall,
        statistics.median(times) * 1e6,
        times[len(times) * 99 // 100] * 1e6,
        cpu / len(times) * 1e6,
    )


def _call(number: int) -> CallContext:
    request = f"{number:08x}-0000-4000-8000-000000000000"
    return CallContext("/m", request, request, _EDGE, principal=_ALICE, resources=[_MODEL])


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
