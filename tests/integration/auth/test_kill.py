"""kill -9 of auth at random moments: what was acknowledged is there, and its secrets open."""

import asyncio
import json
import random
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
from craton.auth.v1 import access_key_service_pb2, user_service_pb2

from services.auth.config import AuthConfig
from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.settings import UpstreamSettings
from tests.fakes.auth_client import Client, Credential, bearer
from tests.fakes.workloads import TRUST_DOMAIN, Workloads

ROOT = Path(__file__).parents[3]
SEED = 20261121
KILLS = 3


def write_config(config: AuthConfig, path: Path) -> Path:
    """Write what the fixtures chose as the file that a process reads."""
    names = json.dumps
    path.write_text(f"""
database_url = "{config.database_url}"
catalog = "{config.catalog}"
bootstrap_token_file = "{config.bootstrap_token_file}"
regions = {names(config.regions)}
signing_names = {names(config.signing_names)}
token_hosts = {names(config.token_hosts)}
audiences = {names(config.audiences)}
[server]
name = "auth"
listen = "127.0.0.1:0"
metrics_listen = ""
[tls]
certificate = "{config.tls.certificate}"
private_key = "{config.tls.private_key}"
ca = "{config.tls.ca}"
[kms]
target = "{config.kms.target}"
name = "kms"
[training]
target = "{config.training.target}"
name = "training"
[redis]
host = "{config.redis.host}"
port = {config.redis.port}
username = "auth"
password_file = "{config.redis.password_file}"
ca = "{config.redis.ca}"
[audit]
spool_dir = "{config.audit.spool_dir}"
[audit.service]
target = "127.0.0.1:1"
name = "audit"
""")
    return path


@asynccontextmanager
async def running(path: Path, workloads: Workloads) -> AsyncIterator[tuple[Process, Callable[[str], Client]]]:
    """A ready auth process, and a way to connect to it; killed in the end if it still lives."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.auth", "--config", str(path), cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    channels: list[Channel] = []
    port = 0

    def connect(workload: str) -> Client:
        upstream = UpstreamSettings(f"127.0.0.1:{port}", "auth")
        channels.append(Channel(upstream, workloads.tls(workload), TRUST_DOMAIN, SystemClock()))
        return Client(channels[-1])

    drain: asyncio.Task[Any] | None = None
    try:
        assert process.stderr is not None
        async with asyncio.timeout(60):
            async for line in process.stderr:
                entry = json.loads(line)
                port = entry.get("port", port)
                if entry["event"] == "serving":
                    break
        drain = asyncio.create_task(process.stderr.read())
        yield process, connect
    finally:
        for channel in channels:
            await channel.close()
        if process.returncode is None:
            process.kill()
        await process.wait()
        if drain is not None:
            await drain


async def test_nothing_acknowledged_is_lost(config, workloads: Workloads, home: Path) -> None:
    path = write_config(config, home / "auth.toml")
    random_ = random.Random(SEED)
    acknowledged: dict[str, Credential] = {}
    async with running(path, workloads) as (_process, connect):
        created = await connect("operator/admin").bootstrap()
    admin = Credential(created.access_key.access_key_id, created.secret_access_key)
    started = 0

    async def make_users(operator: Client, metadata: Any) -> None:
        nonlocal started
        while True:
            started += 1
            name = f"user-{started}"
            request = user_service_pb2.CreateUserRequest(user_name=name)
            await operator.users.CreateUser(request, metadata=metadata)
            key = await operator.keys.CreateAccessKey(
                access_key_service_pb2.CreateAccessKeyRequest(user_name=name), metadata=metadata
            )
            acknowledged[name] = Credential(key.access_key.access_key_id, key.secret_access_key)

    for _ in range(KILLS):
        before = len(acknowledged)
        async with running(path, workloads) as (process, connect):
            operator = connect("operator/admin")
            metadata = bearer(await operator.token(admin))
            work = [asyncio.create_task(make_users(operator, metadata)) for _ in range(4)]
            async with asyncio.timeout(30):
                while len(acknowledged) < before + 3:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(random_.random() * 0.2)
            process.kill()
            for task in work:
                with suppress(grpc.aio.AioRpcError):
                    await task
    async with running(path, workloads) as (_process, connect):
        edge = connect("service/edge")
        for name, credential in acknowledged.items():
            authenticated = await edge.authenticate(credential)
            assert authenticated.principal.arn.endswith(f":user/{name}")
    print(f"{len(acknowledged)} acknowledged of {started} begun, {KILLS} kills, seed {SEED}")
