"""What the audit service does in a second: events taken in, and pages looked up as the log grows.

    python -m tests.load.audit_ingest [events] [folder]

Runs the service's operations over a real SQLite file in this process, without gRPC.
"""

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

from craton.audit.v1 import resources_pb2 as pb

import services.audit
from services.audit.adapters.sql_events import SqlEventStore
from services.audit.adapters.sql_keys import SqlDataKeyStore
from services.audit.domain.query import Query
from services.audit.operations.account_keys import AccountKeys
from services.audit.operations.ingest import Ingestor
from services.audit.operations.lookup import Lookup
from services.chassis.clock import SystemClock
from services.chassis.context import CallContext
from services.chassis.database import Database
from services.chassis.identity import WorkloadId
from services.chassis.randomness import SystemRandomness, random_uuid
from tests.fakes.key_service import InMemoryKeyService

BATCH = 1024
ACCOUNTS = 20
LOOKUPS = 100
RUNTIME = WorkloadId("craton.local", "service", "runtime")
ADMIN = WorkloadId("craton.local", "operator", "admin")
MODEL = "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1"


def event(number: int) -> pb.Event:
    account = f"{number % ACCOUNTS:012d}"
    made = pb.Event(
        event_id=random_uuid(SystemRandomness()),
        call_id=f"call-{number // 2}",
        request_id=f"request-{number // 2}",
        phase=pb.EVENT_PHASE_OUTCOME,
        recorder="runtime",
        event_source="bedrock.amazonaws.com",
        event_name="InvokeModel" if number % 50 else "GetFoundationModel",
        account_id=account,
        count=1,
        status_code="OK",
        caller="spiffe://craton.local/service/edge",
        resources=[MODEL],
    )
    made.event_time.FromMicroseconds(1_772_366_400_000_000 + number * 300)
    made.principal.account_id = account
    made.principal.arn = f"arn:aws:iam::{account}:user/user-{number % 7}"
    made.audit_context.source_ip = "192.0.2.7"
    return made


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def run(total: int, folder: Path) -> None:
    database = Database(f"sqlite:///{folder}/audit.sqlite")
    database.migrate(Path(services.audit.__file__).parent / "adapters" / "migrations")
    random, store = SystemRandomness(), SqlEventStore(database)
    keys = AccountKeys(SqlDataKeyStore(database), InMemoryKeyService(), SystemClock(), random)
    ingestor = Ingestor(store, keys, random)

    spent, cpu = 0.0, 0.0
    for first in range(0, total, BATCH):
        events = [event(number) for number in range(first, min(first + BATCH, total))]
        started, before = time.perf_counter(), cpu_seconds()
        await ingestor.append(RUNTIME, "ab" * 16, first, events)
        spent, cpu = spent + time.perf_counter() - started, cpu + cpu_seconds() - before
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(
        f"{total:,} events in batches of {BATCH}: {total / spent:,.0f} a second, "
        f"{cpu / total * 1e6:.0f} us CPU and {size / total:.0f} bytes on disk each"
    )

    lookup = Lookup(store, keys, None)  # type: ignore[arg-type] - operators are not asked
    call = CallContext("/m", "r", "c", ADMIN)
    account = f"{7:012d}"
    for name, query in {
        "newest of all": Query(),
        "account": Query(account_id=account),
        "principal": Query(principal_arn=f"arn:aws:iam::{account}:user/user-3"),
        "rare event name": Query(account_id=f"{0:012d}", event_name="GetFoundationModel"),
        "resource of an account": Query(account_id=account, resource=MODEL),
        "request id": Query(request_id=f"request-{total // 4}"),
    }.items():
        times = []
        for _ in range(LOOKUPS):
            started = time.perf_counter()
            found = await lookup.find(call, query, 50, "")
            times.append(time.perf_counter() - started)
        times.sort()
        print(
            f"  {name:<24}{len(found.events):>4} events   p50 {times[LOOKUPS // 2] * 1e3:6.1f} ms"
            f"   p99 {times[LOOKUPS * 99 // 100] * 1e3:6.1f} ms"
        )
    await database.close()


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as scratch:
        asyncio.run(run(count, Path(scratch)))
