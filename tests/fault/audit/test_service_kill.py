"""kill -9 of the audit service while others ship to it: each acknowledged event is held, once."""

import asyncio
import contextlib
import os
import random
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import sqlalchemy as sa
from craton.audit.v1 import (
    log_service_pb2,
    log_service_pb2_grpc,
    lookup_service_pb2,
    lookup_service_pb2_grpc,
)

from services.audit.adapters.tables import ENTRIES, SPOOLS
from services.chassis.audit.local import LocalAudit
from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.context import CallContext
from services.chassis.database import Database
from services.chassis.identity import WorkloadId
from services.chassis.randomness import SystemRandomness
from services.chassis.settings import AuditSettings, ServerSettings, UpstreamSettings
from services.kms.adapters.first_boot import mark_first_boot
from services.kms.config import CustodySettings, KmsConfig
from services.kms.wiring import build as build_kms
from tests.fakes.audit_server import FakeAudit
from tests.fakes.ports import free_port
from tests.fakes.serving import until_serving
from tests.fakes.workloads import TRUST_DOMAIN, Workloads
from tlog.checkpoint import Trust
from tlog.fsck import check
from tlog.leaf import parse
from tlog.note import Note, VerifierKey
from tlog.tiles import bundles_between, entries_of

KILLS = int(os.environ.get("CRATON_KILLS", "6"))
SEED = 20_260_102
NOBODY = "127.0.0.1:1"
METHOD = AuditedMethod("kms.craton", "Sign", Recording.READ)
CALLER = WorkloadId(TRUST_DOMAIN, "service", "edge")


class AuditProcess:
    """The service as it is started for real."""

    def __init__(self, home: Path, workloads: Workloads, kms_port: int) -> None:
        self.port = free_port()
        self.database_url = f"sqlite:///{home}/audit.sqlite"
        tls = workloads.tls("service/audit")
        self.log_files = home / "log"
        self._config = home / "audit.toml"
        self._config.write_text(
            f"""
database_url = "{self.database_url}"
[log]
origin = "audit.example/log"
folder = "{home}/log"
[server]
name = "audit"
listen = "127.0.0.1:{self.port}"
metrics_listen = ""
[tls]
certificate = "{tls.certificate}"
private_key = "{tls.private_key}"
ca = "{tls.ca}"
[auth]
target = "{NOBODY}"
name = "auth"
[kms]
target = "127.0.0.1:{kms_port}"
name = "kms"
[audit]
spool_dir = "{home}/own-spool"
[audit.service]
target = "{NOBODY}"
name = "audit"
"""
        )
        self._log = (home / "audit.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.audit", "--config", str(self._config)],
            cwd=Path(__file__).parents[3],
            stdout=self._log,
            stderr=self._log,
        )

    def kill(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, "it died by itself"
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(20) == 0

    def close(self) -> None:
        """Leave nothing behind, whatever became of the test."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._log.close()


@contextlib.asynccontextmanager
async def audit_with_keys(tmp_path: Path, workloads: Workloads) -> AsyncIterator[AuditProcess]:
    """The audit service, not started yet, and a kms of which it has its keys."""
    # kms has an anchor that is not killed: this is about events.
    anchors = FakeAudit(tmp_path, workloads)
    await anchors.server.start()
    config = KmsConfig(
        server=ServerSettings("kms", "127.0.0.1:0", "", drain_s=0.5),
        tls=workloads.tls("service/kms"),
        audit=AuditSettings(tmp_path / "kms-spool", UpstreamSettings(anchors.target, "audit")),
        auth=UpstreamSettings(NOBODY, "auth"),
        database_url=f"sqlite:///{tmp_path}/state/kms.sqlite",
        custody=CustodySettings(tmp_path / "custody" / "kms-root.key"),
    )
    (tmp_path / "state").mkdir()
    mark_first_boot(config.custody.file)
    kms = build_kms(config, SystemClock())
    await kms.start()
    await until_serving(kms)
    audit = AuditProcess(tmp_path, workloads, kms.port)
    try:
        yield audit
    finally:
        audit.close()
        await kms.stop()
        await anchors.server.stop()


@contextlib.asynccontextmanager
async def shipping_runtime(
    tmp_path: Path, workloads: Workloads, audit: AuditProcess
) -> AsyncIterator[LocalAudit]:
    """What records as runtime does, and ships to the service."""
    runtime = LocalAudit.over_grpc(
        AuditSettings(tmp_path / "runtime-spool", UpstreamSettings(f"127.0.0.1:{audit.port}", "audit")),
        workloads.tls("service/runtime"),
        WorkloadId(TRUST_DOMAIN, "service", "runtime"),
        {"/m": METHOD},
        clock=SystemClock(),
        randomness=SystemRandomness(),
    )
    shipping = asyncio.get_running_loop().create_task(runtime.shipper.run())
    try:
        yield runtime
    finally:
        shipping.cancel()
        await asyncio.gather(shipping, return_exceptions=True)
        await runtime.close()


@contextlib.asynccontextmanager
async def operator_of(workloads: Workloads, audit: AuditProcess) -> AsyncIterator[Channel]:
    """An operator's channel to the service."""
    operator = Channel(
        UpstreamSettings(f"127.0.0.1:{audit.port}", "audit"),
        workloads.tls("operator/admin"),
        TRUST_DOMAIN,
        SystemClock(),
    )
    yield operator
    await operator.close()


async def found_by_lookup(operator: Channel) -> list[str]:
    """Ids of all events that the service gives out."""
    stub = lookup_service_pb2_grpc.LookupServiceStub(operator)
    found: list[str] = []
    token = ""
    while token or not found:
        request = lookup_service_pb2.LookupEventsRequest(event_name="Sign", page_size=1000, page_token=token)
        page = await stub.LookupEvents(request, timeout=30)
        found += [event.event_id for event in page.events]
        token = page.next_page_token
    return found


async def key_of_the_log(operator: Channel, entries: int) -> VerifierKey:
    """The log's key, once a checkpoint covers so many entries."""
    method = log_service_pb2_grpc.LogServiceStub(operator).GetCheckpoint
    async with asyncio.timeout(60):
        while True:
            answer = await method(log_service_pb2.GetCheckpointRequest(), timeout=30)
            key = VerifierKey.parse(answer.verifier_key)
            if Trust(key).checkpoint(Note.parse(answer.checkpoint)).size >= entries:
                return key
            await asyncio.sleep(0.1)


async def entries_of_log(folder: Path, key: VerifierKey) -> list[str]:
    """Check the log's files and return the ids of the events in them."""

    async def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    size = (await check(read, Trust(key))).checkpoint.size
    ids = []
    for bundle in bundles_between(0, size):
        content = (folder / bundle.path).read_bytes()
        ids += [str(uuid.UUID(bytes=parse(entry).event_id)) for entry in entries_of(content, bundle.width)]
    return ids


async def test_kill_9_of_the_service_loses_and_doubles_nothing(tmp_path):
    chance, workloads = random.Random(SEED), Workloads(tmp_path / "pki")
    async with (
        audit_with_keys(tmp_path, workloads) as audit,
        shipping_runtime(tmp_path, workloads, audit) as runtime,
    ):
        await kill_while_shipping(workloads, audit, runtime, chance)


async def kill_while_shipping(
    workloads: Workloads, audit: AuditProcess, runtime: LocalAudit, chance: random.Random
) -> None:
    acknowledged = 0
    writing = True

    async def client(number: int) -> None:
        nonlocal acknowledged
        while writing:
            call = CallContext("/m", f"request-{number}", f"call-{acknowledged}", CALLER)
            await runtime.recorder.outcome(call, METHOD, "OK", "")
            acknowledged += 1
            await asyncio.sleep(0.004)

    audit.start()
    held = 0
    async with asyncio.TaskGroup() as clients:
        for number in range(8):
            clients.create_task(client(number))
        for _ in range(KILLS):
            # Until this life has taken something in, so that kills hit a working service.
            async with asyncio.timeout(60):
                while runtime.spool.durable_position - runtime.shipper.backlog <= held:
                    await asyncio.sleep(0.02)
            await asyncio.sleep(chance.uniform(0.0, 1.0))
            held = runtime.spool.durable_position - runtime.shipper.backlog
            audit.kill()
            audit.start()
        writing = False
    async with asyncio.timeout(60):
        while runtime.shipper.backlog:
            await asyncio.sleep(0.05)
    async with operator_of(workloads, audit) as operator:
        found = await found_by_lookup(operator)
        key = await key_of_the_log(operator, len(found))
    audit.stop()
    logged = await entries_of_log(audit.log_files, key)

    database = Database(audit.database_url)
    positions, reached = await database.read(
        lambda connection: (
            connection.execute(
                sa.select(ENTRIES.c.position)
                .where(ENTRIES.c.spool_id == runtime.spool.spool_id)
                .order_by(ENTRIES.c.position)
            ).scalars().all(),
            connection.execute(
                sa.select(SPOOLS.c.next_position).where(SPOOLS.c.spool_id == runtime.spool.spool_id)
            ).scalar_one(),
        )
    )  # fmt: skip
    await database.close()
    print(f"{KILLS} kills, seed {SEED}: {acknowledged - len(set(found))} of {acknowledged} events lost")
    assert acknowledged == len(found) == len(set(found))
    assert list(positions) == list(range(acknowledged))
    assert reached == acknowledged
    # Every event is in the log once, and the log is whole.
    assert set(found) <= set(logged)
    assert len(logged) == len(set(logged))
