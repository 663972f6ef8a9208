"""What recording costs: CPU and latency of an intent and an outcome, made durable in the local spool.

    python -m tests.load.audit_spool [folder]

Runs the real recorder and spool in this process, at several numbers of calls in flight, and beside them
one SQLite transaction an event, the simplest durable alternative. CPU is user and system time of the
whole process, threads included. The folder (default: a temporary one) decides which disk is measured.
"""

import asyncio
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.audit.recorder import SpoolRecorder
from services.chassis.audit.segment import Lane
from services.chassis.audit.spool import Spool
from services.chassis.clock import SystemClock
from services.chassis.context import CallContext
from services.chassis.identity import WorkloadId
from services.chassis.principal import ClientContext, PrincipalClaims
from services.chassis.randomness import SystemRandomness

IN_FLIGHT = (1, 4, 16, 32, 64)
SECONDS = 2.0

METHOD = AuditedMethod("bedrock.amazonaws.com", "InvokeModel", Recording.EFFECT)
EDGE = WorkloadId("craton.local", "service", "edge")
ALICE = PrincipalClaims(
    account_id="123456789012",
    account_incarnation="f81d4fae7dec",
    arn="arn:aws:iam::123456789012:user/alice",
    principal_id="AIDAJQABLZS4A3QDU576Q",
    access_key_id="AKIAIOSFODNN7EXAMPLE",
    root=False,
    policy_epoch=1,
    region="us-east-1",
    audience="runtime",
    token_id="t",
    issued_at=1,
    expires_at=2,
    client=ClientContext(
        "192.0.2.7", "Boto3/1.44.5 md/Botocore#1.44.5", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "localhost"
    ),
)
RESOURCE = "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1"


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def new_call(number: int) -> CallContext:
    request = f"{number:08x}-0000-4000-8000-000000000000"
    return CallContext("/m", request, request, EDGE, principal=ALICE, resources=[RESOURCE])


async def measure(name: str, in_flight: int, call: Callable[[int], Awaitable[None]]) -> None:
    """Keep `in_flight` calls going for SECONDS and print their cost; a call is two events."""
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    number = 0

    async def client() -> None:
        nonlocal number
        while (started := time.perf_counter()) < end:
            number += 1
            await call(number)
            times.append(time.perf_counter() - started)

    cpu, wall = cpu_seconds(), time.perf_counter()
    await asyncio.gather(*(client() for _ in range(in_flight)))
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    times.sort()
    print(
        f"{name:<28}{in_flight:>4}{len(times) * 2 / wall:>12,.0f}{cpu / len(times) / 2 * 1e6:>12.1f}"
        f"{times[len(times) // 2] * 1e6:>12,.0f}{times[len(times) * 99 // 100] * 1e6:>12,.0f}"
    )


async def run(folder: Path) -> None:
    print(f"{'':<28}{'in':>4}{'events/s':>12}{'CPU us/event':>12}{'p50 us/call':>12}{'p99 us/call':>12}")
    random, clock = SystemRandomness(), SystemClock()

    class NoSpool:
        """Serialising alone: the recorder without a disk."""

        in_flight = 0

        def begin(self, payload: bytes, lane: Lane) -> "asyncio.Future[None]":
            """Forget it."""
            durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            durable.set_result(None)
            return durable

        append = begin

    async def twice(recorder: SpoolRecorder, number: int) -> None:
        call = new_call(number)
        await recorder.intent(call, METHOD)
        await recorder.outcome(call, METHOD, "OK", "")

    async def working(recorder: SpoolRecorder, number: int) -> None:
        """A call whose model takes its time: events come one by one, not in step."""
        call = new_call(number)
        await recorder.intent(call, METHOD)
        await asyncio.sleep(0.002 + number % 17 / 1000)
        await recorder.outcome(call, METHOD, "OK", "")

    building = SpoolRecorder(NoSpool(), "runtime", clock, random)  # type: ignore[arg-type]
    await measure("event only", 1, lambda number: twice(building, number))
    for in_flight in IN_FLIGHT:
        spool = Spool(folder / f"spool-{in_flight}", randomness=random)
        recorder = SpoolRecorder(spool, "runtime", clock, random)
        await measure("spool", in_flight, lambda number, recorder=recorder: twice(recorder, number))
        await spool.close()

    await measure("10 ms of work, no spool", 32, lambda number: working(building, number))
    spool = Spool(folder / "spool-work", randomness=random)
    recorder = SpoolRecorder(spool, "runtime", clock, random)
    await measure("10 ms of work, spool", 32, lambda number: working(recorder, number))
    await spool.close()

    database = sqlite3.connect(folder / "events.sqlite", isolation_level=None)
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE events (body BLOB)"
    )

    async def insert(_number: int) -> None:
        for _ in range(2):
            database.execute("INSERT INTO events VALUES (?)", (bytes(400),))

    await measure("SQLite, one by one", 1, insert)
    database.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as scratch:
        uvloop.run(run(Path(scratch)))
