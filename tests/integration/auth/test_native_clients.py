"""A native client of runtime's public listener: its own address decides, and stands in the record."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from craton.audit.v1 import resources_pb2 as events
from craton.auth.v1 import policy_service_pb2, token_service_pb2, token_service_pb2_grpc
from craton.common.v1 import principal_pb2
from craton.runtime.v1 import catalog_service_pb2, catalog_service_pb2_grpc

from services.chassis.audit.segment import HEADER_BYTES, read_records
from services.chassis.clock import SystemClock
from services.chassis.server import Server
from services.chassis.settings import AuditSettings, RedisSettings, ServerSettings, UpstreamSettings
from services.chassis.sigv4_signer import sign_token_request
from services.runtime.config import PublicSettings, RuntimeConfig
from services.runtime.wiring import build
from tests.fakes.auth_client import Client, Credential, bearer, reason, signed_request
from tests.fakes.tcp import forward, hang_up, serving
from tests.fakes.workloads import Workloads

CLIENT = "127.0.0.99"
"""Where the client's connections come from; runtime's own to auth come from 127.0.0.1."""
FORGED = (("x-forwarded-for", "127.0.0.66"), ("forwarded", "for=127.0.0.66"), ("x-real-ip", "127.0.0.66"))


@contextlib.asynccontextmanager
async def from_address(source: str, port: int) -> AsyncIterator[int]:
    """A port that leads to `port`, with connections made from `source`."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        try:
            await asyncio.gather(forward(reader, forth), forward(back, writer))
        finally:
            await hang_up(forth)

    async with serving(relay) as entry:
        yield entry


@pytest.fixture
async def runtime(
    auth: Server,
    home: Path,
    catalog: Any,
    workloads: Workloads,
    redis: Callable[[str], RedisSettings],
) -> AsyncIterator[Server]:
    """The real runtime, without a pool."""
    catalog.publish("echo-v1")
    tls = workloads.tls("service/runtime")
    config = RuntimeConfig(
        server=ServerSettings("runtime", "127.0.0.1:0", "", drain_s=0.2),
        tls=tls,
        public=PublicSettings("127.0.0.1:0", tls),
        auth=UpstreamSettings(f"127.0.0.1:{auth.port}", "auth"),
        kms=UpstreamSettings("127.0.0.1:1", "kms"),
        audit=AuditSettings(home / "state" / "runtime-spool", UpstreamSettings("127.0.0.1:1", "audit")),
        redis=redis("runtime"),
        pools=(),
        catalog=catalog.folder,
        regions=("us-east-1",),
    )
    server = build(config, SystemClock())
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def channel(runtime: Server, workloads: Workloads) -> AsyncIterator[grpc.aio.Channel]:
    """A native client's channel: it knows the CA and shows no certificate."""
    credentials = grpc.ssl_channel_credentials(workloads.tls("service/runtime").ca.read_bytes())
    options = [
        ("grpc.ssl_target_name_override", "runtime.craton.internal"),
        ("grpc.primary_user_agent", "native-test/1"),
    ]
    async with (
        from_address(CLIENT, runtime.public_port) as port,
        grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=options) as opened,
    ):
        yield opened


async def native_token(channel: grpc.aio.Channel, credential: Credential) -> str:
    """Get a token as a native client does that lies about its address in every way it can."""
    signed = sign_token_request(credential.signer(), "auth.craton.internal", "runtime", datetime.now(UTC))
    request = token_service_pb2.GetTokenRequest(
        signed_request=signed_request(signed),
        audience="runtime",
        audit_context=principal_pb2.AuditContext(source_ip="127.0.0.66", tls_cipher="forged"),
    )
    stub = token_service_pb2_grpc.TokenServiceStub(channel)
    response = await stub.GetToken(request, metadata=FORGED, timeout=5)
    return str(response.token)


async def deny_from(operator: Client, admin: Credential, *addresses: str) -> None:
    """Deny the administrator to list models from these addresses."""
    statement = {
        "Effect": "Deny",
        "Action": "bedrock:ListFoundationModels",
        "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": addresses}},
    }
    await operator.policies.PutUserPolicy(
        policy_service_pb2.PutUserPolicyRequest(
            user_name="admin",
            policy_name="source",
            document=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        ),
        metadata=bearer(await operator.token(admin)),
    )


async def list_models(channel: grpc.aio.Channel, token: str) -> Any:
    stub = catalog_service_pb2_grpc.CatalogServiceStub(channel)
    return await stub.ListFoundationModels(
        catalog_service_pb2.ListFoundationModelsRequest(), metadata=(*bearer(token), *FORGED), timeout=5
    )


def recorded(home: Path) -> list[events.Event]:
    """Every event in runtime's spool."""
    return [
        events.Event.FromString(record.payload)
        for segment in sorted((home / "state" / "runtime-spool").glob("*.seg"))
        for record in read_records(segment.read_bytes()[HEADER_BYTES:], 0)
    ]


async def test_policies_see_the_clients_own_address(
    channel: Any, operator: Client, admin: Credential
) -> None:
    await deny_from(operator, admin, "127.0.0.1", "127.0.0.66", "::1")
    listed = await list_models(channel, await native_token(channel, admin))
    assert [model.model_id for model in listed.models] == ["craton.echo-v1"]
    await deny_from(operator, admin, CLIENT)
    assert await reason(list_models(channel, await native_token(channel, admin))) == "ACCESS_DENIED"


async def test_the_record_names_the_client(channel: Any, admin: Credential, home: Path) -> None:
    await list_models(channel, await native_token(channel, admin))
    [event] = [each for each in recorded(home) if each.event_name == "ListFoundationModels"]
    seen = event.audit_context
    assert (seen.source_ip, seen.tls_version, seen.tls_cipher) == (CLIENT, "TLSv1.3", "")
    assert seen.user_agent.startswith("native-test/1 ")
    assert seen.endpoint == "auth.craton.internal"
    assert seen.region == "us-east-1"
    assert event.principal.access_key_id == admin.access_key_id
