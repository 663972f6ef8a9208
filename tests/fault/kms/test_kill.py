"""kill -9 of kms at random moments: what was acknowledged opens, and no key is half-made."""

import asyncio
import json
import os
import random
import resource
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from craton.kms.v1 import (
    key_admin_service_pb2,
    key_admin_service_pb2_grpc,
    model_key_service_pb2,
    model_key_service_pb2_grpc,
    service_key_service_pb2,
    service_key_service_pb2_grpc,
)

from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.database import open_engine
from services.chassis.settings import UpstreamSettings
from services.kms.adapters.first_boot import mark_first_boot
from services.kms.adapters.tables import RECORDS
from tests.fakes.audit_server import FakeAudit
from tests.fakes.workloads import TRUST_DOMAIN, Workloads

ROOT = Path(__file__).parents[3]
SEED = 20260102
KILLS = int(os.environ.get("CRATON_TEST_KILLS", "5"))
"""How often the process is killed; a campaign asks for more."""
PROVIDER = "providers/craton"
CONTEXT = model_key_service_pb2.ModelContext(provider="craton", artifact="a", artifact_sha256="00" * 32)


class Kms:
    """kms as a process of its own, from a configuration file."""

    def __init__(self, home: Path, workloads: Workloads, audit: FakeAudit) -> None:
        self.home = home
        self.workloads = workloads
        self.log: list[dict[str, Any]] = []
        """What the last run wrote after it had begun to serve."""
        (home / "state").mkdir()
        tls = self.workloads.tls("service/kms")
        self.config = home / "kms.toml"
        self.config.write_text(f"""
database_url = "sqlite:///{home}/state/kms.sqlite"
swap = "warn"
[custody]
file = "{home}/custody/kms-root.key"
[server]
name = "kms"
listen = "127.0.0.1:0"
metrics_listen = ""
[tls]
certificate = "{tls.certificate}"
private_key = "{tls.private_key}"
ca = "{tls.ca}"
[auth]
target = "127.0.0.1:1"
name = "auth"
[audit]
spool_dir = "{home}/state/audit-spool"
[audit.service]
target = "{audit.target}"
name = "audit"
""")

    async def spawn(self, file_limit: int = resource.RLIM_INFINITY) -> Process:
        """Start the process; its writes beyond `file_limit` bytes of any file fail."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.kms", "--config", str(self.config),
            cwd=ROOT, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        # Long before the interpreter has started. In the child before that, as gRPC's threads have been
        # forked away with whatever they held, nothing is safe to run.
        limits = (file_limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)
        return process

    @asynccontextmanager
    async def running(self, file_limit: int = resource.RLIM_INFINITY) -> AsyncIterator[tuple[Process, int]]:
        """Start it and yield the process and its port once it serves; killed at the end, if it still runs."""
        process = await self.spawn(file_limit=file_limit)
        assert process.stderr is not None
        drain: asyncio.Task[bytes] | None = None
        try:
            port, said, serving = 0, b"", False
            while not serving:
                line = await asyncio.wait_for(process.stderr.readline(), 30)
                said += line
                assert line, f"kms ended instead of serving: {said.decode()}"
                if not line.startswith(b"{"):
                    continue  # gRPC's own words on the fork of this process, not kms's
                entry = json.loads(line)
                port = entry["port"] if entry["event"] == "listening" else port
                serving = entry["event"] == "serving"
            drain = asyncio.create_task(process.stderr.read())
            yield process, port
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            if drain is not None:
                lines = (await drain).splitlines()
                self.log = [json.loads(line) for line in lines if line.startswith(b"{")]

    def channel(self, port: int, workload: str) -> Channel:
        upstream = UpstreamSettings(f"127.0.0.1:{port}", "kms")
        return Channel(upstream, self.workloads.tls(workload), TRUST_DOMAIN, SystemClock())


@dataclass
class Acknowledged:
    """What kms has answered: data keys in both forms."""

    model_keys: list[tuple[bytes, bytes]] = field(default_factory=list)
    service_keys: list[tuple[bytes, bytes]] = field(default_factory=list)


async def create_and_use(kms: Kms, port: int, acknowledged: Acknowledged) -> None:
    """Create keys and use each at once, until the process is gone."""
    provider, auth = kms.channel(port, "provider/craton"), kms.channel(port, "service/auth")
    admin = key_admin_service_pb2_grpc.KeyAdminServiceStub(provider)
    models = model_key_service_pb2_grpc.ModelKeyServiceStub(provider)
    services = service_key_service_pb2_grpc.ServiceKeyServiceStub(auth)
    try:
        while True:
            created = await admin.CreateKey(key_admin_service_pb2.CreateKeyRequest(parent=PROVIDER))
            request = model_key_service_pb2.GenerateModelDataKeyRequest(
                key_name=created.key.name, context=CONTEXT
            )
            model = await models.GenerateModelDataKey(request)
            acknowledged.model_keys.append((model.ciphertext, model.plaintext))
            service = await services.GenerateServiceDataKey(
                service_key_service_pb2.GenerateServiceDataKeyRequest()
            )
            acknowledged.service_keys.append((service.ciphertext, service.plaintext))
    except grpc.aio.AioRpcError:
        pass
    finally:
        await provider.close()
        await auth.close()


async def problems(kms: Kms, port: int, acknowledged: Acknowledged) -> list[str]:
    """Open everything acknowledged, and use every key that exists, acknowledged or not."""
    pool, provider = kms.channel(port, "pool/craton"), kms.channel(port, "provider/craton")
    auth = kms.channel(port, "service/auth")
    found: list[str] = []

    async def check(what: str, call: Any, expected: bytes | None) -> None:
        try:
            answer = await call
        except grpc.aio.AioRpcError as error:
            found.append(f"{what}: {error.details()}")
        else:
            if expected is not None and answer.plaintext != expected:
                found.append(f"{what}: other plaintext")

    opener = model_key_service_pb2_grpc.ModelKeyServiceStub(pool)
    for blob, plaintext in acknowledged.model_keys:
        request = model_key_service_pb2.OpenModelDataKeyRequest(ciphertext=blob, context=CONTEXT)
        await check("data key of a model", opener.OpenModelDataKey(request), plaintext)
    services = service_key_service_pb2_grpc.ServiceKeyServiceStub(auth)
    for blob, plaintext in acknowledged.service_keys:
        opening = service_key_service_pb2.DecryptWithServiceKeyRequest(ciphertext=blob)
        await check("data key of a service", services.DecryptWithServiceKey(opening), plaintext)
    sealer = model_key_service_pb2_grpc.ModelKeyServiceStub(provider)
    admin, token = key_admin_service_pb2_grpc.KeyAdminServiceStub(provider), ""
    while True:
        page = await admin.ListKeys(
            key_admin_service_pb2.ListKeysRequest(parent=PROVIDER, page_size=1000, page_token=token)
        )
        for key in page.keys:
            using = model_key_service_pb2.GenerateModelDataKeyRequest(key_name=key.name, context=CONTEXT)
            await check(key.name, sealer.GenerateModelDataKey(using), None)
        token = page.next_page_token
        if not token:
            break
    for channel in (pool, provider, auth):
        await channel.close()
    return found


@pytest.fixture
def workloads(tmp_path: Path) -> Workloads:
    return Workloads(tmp_path / "pki")


@pytest.fixture
async def audit(tmp_path: Path, workloads: Workloads) -> AsyncIterator[FakeAudit]:
    fake = FakeAudit(tmp_path, workloads)
    await fake.server.start()
    yield fake
    await fake.server.stop()


@pytest.fixture
async def kms(tmp_path: Path, workloads: Workloads, audit: FakeAudit) -> Kms:
    mark_first_boot(tmp_path / "custody" / "kms-root.key")
    return Kms(tmp_path, workloads, audit)


async def test_kills_while_keys_are_created_lose_nothing(kms: Kms) -> None:
    generator = random.Random(SEED)
    acknowledged = Acknowledged()
    for _ in range(KILLS):
        async with kms.running() as (process, port):
            workers = [asyncio.create_task(create_and_use(kms, port, acknowledged)) for _ in range(4)]
            await asyncio.sleep(generator.uniform(0.05, 0.4))
            process.kill()
            await asyncio.gather(*workers)
    assert len(acknowledged.model_keys) > KILLS
    started = time.monotonic()
    async with kms.running() as (_, port):
        assert time.monotonic() - started < 30
        assert await problems(kms, port, acknowledged) == []


async def test_a_key_that_somebody_halved_is_noticed_at_start(kms: Kms) -> None:
    acknowledged = Acknowledged()
    async with kms.running() as (process, port):
        worker = asyncio.create_task(create_and_use(kms, port, acknowledged))
        async with asyncio.timeout(30):
            while not acknowledged.model_keys:
                await asyncio.sleep(0.01)
        process.kill()
        await worker
    engine = open_engine(f"sqlite:///{kms.home}/state/kms.sqlite")
    with engine.begin() as connection:
        versions = sa.delete(RECORDS).where(RECORDS.c.collection == b"versions")
        assert connection.execute(versions).rowcount
    engine.dispose()
    process = await kms.spawn()
    _, said = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert b"StoreAlteredError" in said
    assert b'"serving"' not in said


async def test_kills_during_the_first_boot_do_not_prevent_it(
    tmp_path: Path, workloads: Workloads, audit: FakeAudit
) -> None:
    generator = random.Random(SEED)
    for number in range(KILLS):
        home = tmp_path / str(number)
        home.mkdir()
        kms = Kms(home, workloads, audit)
        mark_first_boot(home / "custody" / "kms-root.key")
        process = await kms.spawn()
        # The custody file's appearance starts the part of the boot that a crash could tear.
        while not (home / "custody" / "kms-root.key").exists() and process.returncode is None:
            await asyncio.sleep(0.0005)
        await asyncio.sleep(generator.uniform(0, 0.12))
        if process.returncode is None:
            process.kill()
        await process.communicate()
        async with kms.running() as (_, port):
            channel = kms.channel(port, "service/auth")
            stub = service_key_service_pb2_grpc.ServiceKeyServiceStub(channel)
            await stub.GenerateServiceDataKey(service_key_service_pb2.GenerateServiceDataKeyRequest())
            await channel.close()
        assert not (home / "custody" / "kms-root.key.first-boot").exists()


async def test_a_lost_database_is_noticed(kms: Kms) -> None:
    async with kms.running():
        pass
    for file in (kms.home / "state").glob("kms.sqlite*"):
        file.unlink()
    process = await kms.spawn()
    _, complaint = await process.communicate()
    assert process.returncode == 78
    assert b"the key store is empty" in complaint


async def test_a_device_that_fails_stops_the_process_and_loses_nothing(kms: Kms) -> None:
    acknowledged = Acknowledged()
    # The log of the database is the file that grows fastest, and reaches the limit after some keys.
    async with kms.running(file_limit=300_000) as (process, port):
        await asyncio.wait_for(create_and_use(kms, port, acknowledged), 60)
        assert await asyncio.wait_for(process.wait(), 30) == 1
    assert acknowledged.model_keys
    assert "database" in [entry.get("task") for entry in kms.log if entry["level"] == "ERROR"]
    async with kms.running() as (_, port):
        assert await problems(kms, port, acknowledged) == []
