"""Makes a log of many events by the service's own batch path, before the service is started.

Every event is checked, sealed under a data key that a real kms has made (one an hour and account, by the
events' own time), inserted with its index rows in batches as shippers bring them, and becomes part of the
log in files under signed checkpoints, all of it durable: nothing is left out that the service does.
"""

import asyncio
import contextlib
import multiprocessing
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from craton.audit.v1 import resources_pb2 as pb

import services.audit
from services.audit.adapters.file_log import FileLog
from services.audit.adapters.kms import KmsKeyService
from services.audit.adapters.kms_log_key import KmsLogSigner
from services.audit.adapters.sql_events import SqlEventStore
from services.audit.adapters.sql_heads import SqlHeadStore
from services.audit.adapters.sql_keys import SqlDataKeyStore
from services.audit.config import AuditConfig
from services.audit.operations.account_keys import AccountKeys
from services.audit.operations.cosigning import Cosigning
from services.audit.operations.ingest import Ingestor
from services.audit.operations.log import BATCH, Log
from services.audit.operations.nodes import Nodes
from services.audit.wiring import LOG_MIB
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.data_keys.service_keys import ServiceKeys
from services.chassis.database import Database
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.randomness import SystemRandomness
from tests.load.audit import population
from tests.load.audit.population import EDGE, EVENTS_OF_A_ROUND, RUNTIME, SPOOLS

_BATCH = 1024
"""Events that a shipper sends at once."""
_MADE_AHEAD = 2
_ATTEMPTS = 60
_TOLD_EVERY_S = 10.0
_REVISIONS = Path(services.audit.__file__).parent / "adapters" / "migrations"


class EventClock(SystemClock):
    """Says the time of the events for the hour of a data key, and nothing else."""

    def __init__(self) -> None:
        """Stand at the beginning."""
        self.at: datetime = population.BEGAN

    def now(self) -> datetime:
        """Return the time of the newest event."""
        return self.at


class _Tasks:
    """Runs what a server would run in the background."""

    def __init__(self) -> None:
        self.running: list[asyncio.Task[None]] = []

    def add_task(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run it."""

        async def task() -> None:
            await run()

        self.running.append(asyncio.create_task(task(), name=name))


@dataclass(frozen=True, slots=True)
class Filled:
    """What making a log took."""

    events: int
    seconds: float


def made_events(round_number: int) -> tuple[list[bytes], list[bytes]]:
    """Return the events of edge and of runtime of a round, serialised: for another process."""
    edge, runtime = population.events_of_edge(round_number), population.events_of_runtime(round_number)
    return [each.SerializeToString() for each in edge], [each.SerializeToString() for each in runtime]


async def fill(config: AuditConfig, events: int) -> Filled:
    """Make a log of at least so many events, where a service of this configuration will find it."""
    rounds, began = population.rounds_of(events), time.monotonic()
    async with _parts(config) as (ingestor, log, clock):
        growing = asyncio.create_task(_grow(log))
        try:
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as makers:
                loop = asyncio.get_running_loop()
                making = [
                    loop.run_in_executor(makers, made_events, each)
                    for each in range(min(_MADE_AHEAD, rounds))
                ]
                told = began
                for number in range(rounds):
                    edge, runtime = await making.pop(0)
                    if number + _MADE_AHEAD < rounds:
                        making.append(loop.run_in_executor(makers, made_events, number + _MADE_AHEAD))
                    clock.at = population.call(number * population.CALLS_OF_A_ROUND).time
                    await asyncio.gather(
                        _ship(ingestor, EDGE, number * len(edge), edge),
                        _ship(ingestor, RUNTIME, number * len(runtime), runtime),
                    )
                    # The log keeps up: what it waits with would only be more of the same later.
                    while log.size < (number - 8) * EVENTS_OF_A_ROUND and not growing.done():
                        await asyncio.sleep(0.01)
                    if growing.done():
                        break
                    if time.monotonic() - told > _TOLD_EVERY_S:
                        told = time.monotonic()
                        _tell(number + 1, rounds, told - began)
        finally:
            growing.cancel()
            await asyncio.wait([growing])
        if not growing.cancelled() and (error := growing.exception()) is not None:
            raise error
        while await _patiently(log.extend):
            pass
    return Filled(rounds * EVENTS_OF_A_ROUND, time.monotonic() - began)


async def _ship(ingestor: Ingestor, workload: str, first: int, events: Sequence[bytes]) -> None:
    kind, name = workload.split("/")
    identity = WorkloadId("craton.local", kind, name)
    for start in range(0, len(events), _BATCH):
        batch = [pb.Event.FromString(each) for each in events[start : start + _BATCH]]
        reached = await _patiently(partial(ingestor.append, identity, SPOOLS[workload], first + start, batch))
        if reached != first + start + len(batch):
            raise RuntimeError(f"the store holds {reached} events of {workload}")


async def _grow(log: Log) -> None:
    while True:
        if await _patiently(log.extend) < BATCH // 2:
            await asyncio.sleep(0.05)


async def _patiently(work: Callable[[], Awaitable[int]]) -> int:
    """Do it again while the database or a disk is busy, as shippers and the log do: nothing is lost by it."""
    for _ in range(_ATTEMPTS):
        try:
            return await work()
        except DomainError as error:
            if error.reason_name not in ("AUDIT_UNAVAILABLE", "DEPENDENCY_UNAVAILABLE"):
                raise
            print(f"audit: {error.reason_name}, once more", file=sys.stderr, flush=True)
            await asyncio.sleep(1)
    return await work()


def _tell(done: int, rounds: int, seconds: float) -> None:
    rate = done * EVENTS_OF_A_ROUND / seconds
    left = (rounds - done) * EVENTS_OF_A_ROUND / rate
    print(
        f"audit: {done * EVENTS_OF_A_ROUND:,} of {rounds * EVENTS_OF_A_ROUND:,} events made, "
        f"{rate:,.0f} a second, about {left / 60:.0f} minutes left",
        file=sys.stderr,
        flush=True,
    )


@contextlib.asynccontextmanager
async def _parts(config: AuditConfig) -> AsyncIterator[tuple[Ingestor, Log, EventClock]]:
    """Put together what services.audit.wiring does, without a server."""
    if config.log.folder is None:
        raise ValueError("the log of a measurement lies in a folder")
    random, clock, events_clock = SystemRandomness(), SystemClock(), EventClock()
    database = Database(config.database_url, log_mib=LOG_MIB)
    database.migrate(_REVISIONS)
    kms = Channel(config.kms, config.tls, config.server.trust_domain, clock)
    service_keys, tasks = ServiceKeys(kms, None, clock, random, timeout_s=5.0), _Tasks()
    service_keys.attach(tasks)
    events, files = SqlEventStore(database), FileLog(config.log.folder)
    keys = AccountKeys(SqlDataKeyStore(database), KmsKeyService(service_keys.cache), events_clock, random)
    signer = KmsLogSigner(kms, config.log.origin)
    cosigning = Cosigning((), Nodes(files), events, signer, clock)
    log = Log(events, SqlHeadStore(database), files, signer, cosigning, config.log.origin)
    try:
        yield Ingestor(events, keys, random), log, events_clock
    finally:
        for task in tasks.running:
            task.cancel()
        await asyncio.gather(*tasks.running, return_exceptions=True)
        await kms.close()
        await database.close()
