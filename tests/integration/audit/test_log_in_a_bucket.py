"""The log's files at a real S3 server: it grows there, waits while nobody answers, and goes on."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import grpc
import pytest
from craton.audit.v1 import log_service_pb2

from services.audit.adapters.file_log import FileLog
from services.audit.config import LogSettings, S3Settings
from services.audit.wiring import build
from services.chassis.clock import SystemClock
from services.chassis.rich_status import from_rpc_error
from tests.fakes import s3_server
from tests.fakes.s3_server import S3Server
from tests.integration.audit.conftest import audit_config
from tests.integration.audit.runtime import Runtime
from tlog.checkpoint import Trust
from tlog.fsck import check
from tlog.note import VerifierKey
from tlog.tiles import WIDTH

BUCKET = "craton-log"
Read = Callable[[str], Awaitable[bytes | None]]


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server.running(tmp_path_factory.mktemp("s3")) as server:
        server.client().create_bucket(Bucket=BUCKET)
        yield server


@pytest.fixture
def config(tmp_path, workloads, auth, kms, bucket):
    bucket.write_key(tmp_path / "key")
    server = S3Settings(bucket.endpoint, credentials_file=str(tmp_path / "key"))
    config = audit_config(tmp_path, workloads, auth.server.port, f"127.0.0.1:{kms.port}")
    return dataclasses.replace(config, log=LogSettings("audit.example/log", bucket=BUCKET, s3=server))


def lying_in(bucket: S3Server) -> Read:
    """Return a reader of what lies in the bucket, which asks nobody but its server."""
    client = bucket.client()

    async def read(path: str) -> bytes | None:
        try:
            content: bytes = client.get_object(Bucket=BUCKET, Key=path)["Body"].read()
        except client.exceptions.NoSuchKey:
            return None
        return content

    return read


async def grown(admin: Any, read: Read, size: int) -> int:
    """Wait until what lies there is a whole log of at least this size, and return its size."""
    async with asyncio.timeout(30):
        while True:
            try:
                known = await admin.log.GetCheckpoint(log_service_pb2.GetCheckpointRequest())
            except grpc.aio.AioRpcError as error:
                if from_rpc_error(error, "audit").reason_name != "RESOURCE_STATE":
                    raise
            else:
                trust = Trust(VerifierKey.parse(known.verifier_key))
                if await read("checkpoint") is not None:
                    found = (await check(read, trust)).checkpoint.size
                    if found >= size:
                        return found
            await asyncio.sleep(0.2)


def names_in(bucket: S3Server) -> list[str]:
    return [item["Key"] for item in bucket.client().list_objects_v2(Bucket=BUCKET)["Contents"]]


async def tidied(bucket: S3Server) -> None:
    """Wait until nothing is left of what the first tile and bundle have replaced."""
    async with asyncio.timeout(30):
        while any(name.startswith(("tile/0/000.p/", "tile/entries/000.p/")) for name in names_in(bucket)):
            await asyncio.sleep(0.2)


async def test_it_grows_waits_goes_on_and_moves(tmp_path, workloads, config, bucket, clients):
    size = 0
    for life in range(2):
        server = build(config, SystemClock())
        await server.start()
        admin = clients(server, "operator/admin")
        runtime = Runtime(tmp_path / str(life), workloads.tls("service/runtime"), f"127.0.0.1:{server.port}")
        for number in range(1, 81):
            await runtime.serve(number)
        await runtime.shipped()
        size = await grown(admin, lying_in(bucket), size + 160)
        with bucket.away():
            await runtime.serve(81)
            await runtime.shipped()
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await admin.log.GetLogFile(log_service_pb2.GetLogFileRequest(path="checkpoint"))
            assert from_rpc_error(refused.value, "audit").reason_name == "DEPENDENCY_UNAVAILABLE"
        size = await grown(admin, lying_in(bucket), size + 2)
        if size > WIDTH:
            await tidied(bucket)
        await runtime.stop()
        await server.stop()
    names = names_in(bucket)
    assert {"checkpoint", "tile/0/000", "tile/entries/000"} <= set(names)

    files = FileLog(tmp_path / "moved")
    await files.put({name: await lying_in(bucket)(name) or b"" for name in names})
    moved = LogSettings("audit.example/log", tmp_path / "moved")
    server = build(dataclasses.replace(config, log=moved), SystemClock())
    await server.start()
    admin = clients(server, "operator/admin")
    runtime = Runtime(tmp_path / "moved-spool", workloads.tls("service/runtime"), f"127.0.0.1:{server.port}")
    await runtime.serve(82)
    await runtime.shipped()
    await grown(admin, files.get, size + 2)
    await runtime.stop()
    await server.stop()
