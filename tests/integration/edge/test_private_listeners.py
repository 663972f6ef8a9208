"""Private listeners of a running edge: what auth is told of a request, whatever the client says."""

import asyncio
import contextlib
import dataclasses
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from craton.audit.v1.log_service_pb2 import GetCheckpointResponse

from services.chassis.clock import SystemClock
from services.chassis.settings import PrivateListenerSettings
from services.edge.config import EdgeConfig, LimitSettings
from services.edge.wiring import build
from tests.fakes.edge_upstreams import API_KEY, ENDPOINT

MODEL = "craton.tiny-text-v1"


@pytest.fixture
def limits() -> LimitSettings:
    return LimitSettings(drain_s=1.0, proxy_header_timeout_s=1.0)


def listener(name: str, *balancers: str) -> PrivateListenerSettings:
    return PrivateListenerSettings(name, "127.0.0.1:0", "vpc-0000000000000001f", balancers)


@dataclasses.dataclass
class Ways:
    """An edge with three ways in beside the public one."""

    stack: Any
    ports: dict[str, int]
    ca: Path

    def url(self, name: str = "") -> str:
        return f"https://127.0.0.1:{self.ports[name]}"

    async def models(self, name: str = "", **overrides: Any) -> Any:
        """List models by a listener."""
        client = self.stack.client("bedrock", endpoint_url=self.url(name), **overrides)
        return await self.stack.call(client, "list_foundation_models")

    @property
    def told(self) -> Any:
        """What auth was asked last."""
        return self.stack.auth.requests[-1]


@pytest.fixture
async def ways(stack: Any, limits: LimitSettings) -> AsyncIterator[Ways]:
    listeners = (
        listener("private"),
        listener("balanced", "127.0.0.1/32"),
        listener("elsewhere", "192.0.2.0/24"),
    )
    config: EdgeConfig = dataclasses.replace(stack.config, private_listeners=listeners, limits=limits)
    edge = build(config, SystemClock(), recorder=stack.recorder)
    await edge.start()
    async with asyncio.timeout(20):
        await edge.ready.wait()
    stack.auth.listeners = {"private", "balanced", "elsewhere"}
    yield Ways(stack, {"": edge.port, **edge.private_ports}, stack.ca)
    await edge.stop()


async def test_auth_is_told_which_socket_accepted(ways: Ways) -> None:
    await ways.models()
    assert (ways.told.private_listener, ways.told.endpoint_service) == ("", "")
    await ways.models("private")
    assert (ways.told.private_listener, ways.told.endpoint_service) == ("private", "bedrock")
    runtime = ways.stack.client("bedrock-runtime", endpoint_url=ways.url("private"))
    await ways.stack.call(runtime, "invoke_model", modelId=MODEL, body=b"{}")
    assert (ways.told.private_listener, ways.told.endpoint_service) == ("private", "bedrock-runtime")
    own = ways.stack.client("craton-runtime", endpoint_url=ways.url("private"))
    await ways.stack.call(own, "get_receipt", requestId="request-0001")
    # What we offer beside AWS's operations is reached by their endpoints.
    assert (ways.told.private_listener, ways.told.endpoint_service) == ("private", "bedrock-runtime")
    proofs = ways.stack.client("craton-audit", endpoint_url=ways.url("private"))
    ways.stack.audit.answers["GetCheckpoint"] = GetCheckpointResponse()
    await ways.stack.call(proofs, "get_checkpoint")
    assert (ways.told.private_listener, ways.told.endpoint_service) == ("private", "cloudtrail")
    call = ways.stack.recorder.calls[-1]
    assert call.principal.path.endpoint_id == ENDPOINT
    assert call.principal.path.account_id == "210987654321"


async def test_a_token_of_one_way_is_not_used_on_another(ways: Ways) -> None:
    # The same host, so that nothing but the socket tells the two apart; clients first, which take their time.
    clients = {name: ways.stack.client("bedrock", endpoint_url=ways.url(name)) for name in ("private", "")}
    for client in clients.values():
        client.meta.events.register("before-sign.*.*", _one_host)
    for name in ("private", "", "private", ""):
        await ways.stack.call(clients[name], "list_foundation_models")
    assert {each.private_listener for each in ways.stack.auth.requests[:2]} == {"private", ""}
    assert {each.audit_context.endpoint for each in ways.stack.auth.requests} == {"one.example"}


def _one_host(request: Any, **_: Any) -> None:
    request.headers["host"] = "one.example"


async def test_a_listener_without_an_endpoint_lets_nobody_in(ways: Ways) -> None:
    ways.stack.auth.listeners = set()
    with pytest.raises(ClientError) as caught:
        await ways.models("private")
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    await ways.models()


async def test_an_answer_that_binds_no_endpoint_is_not_used(ways: Ways) -> None:
    ways.stack.auth.forgets_paths = True
    with pytest.raises(ClientError) as caught:
        await ways.models("private")
    assert caught.value.response["Error"]["Code"] == "InternalServerException"


LIES = (
    {"host": "vpce-0000000000000000a.bedrock-runtime.us-east-1.vpce.amazonaws.com"},
    {"x-forwarded-for": "192.0.2.66", "forwarded": "for=192.0.2.66", "x-real-ip": "192.0.2.66"},
    {
        "x-amzn-vpce-id": "vpce-0000000000000000b",
        "x-craton-listener": "private",
        "private-listener": "private",
    },
)


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("name", ["", "private"])
async def test_no_header_and_no_host_says_where_it_came_in(
    ways: Ways, name: str, lie: dict[str, str]
) -> None:
    client = ways.stack.client("bedrock", endpoint_url=ways.url(name))

    def add(request: Any, **_: Any) -> None:
        for key, value in lie.items():
            request.headers[key] = value

    client.meta.events.register("before-sign.*.*", add)
    await ways.stack.call(client, "list_foundation_models")
    assert ways.told.private_listener == name
    assert ways.told.audit_context.source_ip == "127.0.0.1"


@pytest.mark.parametrize("server_name", ["localhost", "private", "vpce-0000000000000000a.example"])
async def test_no_name_in_the_handshake_says_it(ways: Ways, server_name: str) -> None:
    for name in ("", "private"):
        signed = await _signed(ways, name)
        status = await asyncio.to_thread(_exchange, ways, name, signed, b"", server_name)
        assert status.startswith(b"HTTP/1.1 200")
        assert ways.told.private_listener == name


async def _signed(ways: Ways, name: str) -> bytes:
    """Return a signed request as bytes."""
    client = ways.stack.client("bedrock", endpoint_url=ways.url(name))
    kept: list[bytes] = []

    def keep(request: Any, **_: Any) -> Any:
        address = f"127.0.0.1:{ways.ports[name]}"
        lines = [f"GET {request.url.split(address, 1)[1]} HTTP/1.1", f"Host: {address}"]
        lines += [
            f"{key}: {value.decode() if isinstance(value, bytes) else value}"
            for key, value in request.headers.items()
            if key.lower() != "host"
        ]
        kept.append("\r\n".join([*lines, "", ""]).encode())
        raise _KeptError

    client.meta.events.register("before-send.*.*", keep)
    with pytest.raises(_KeptError):
        await ways.stack.call(client, "list_foundation_models")
    return kept[0]


class _KeptError(Exception):
    """The request is not sent."""


def _exchange(
    ways: Ways, name: str, request: bytes, header: bytes = b"", server_name: str = "localhost"
) -> bytes:
    """Send a request after `header`, and return the first line of the answer; b"" when there is none."""
    context = ssl.create_default_context(cafile=str(ways.ca))
    context.check_hostname = False
    try:
        plain = socket.create_connection(("127.0.0.1", ways.ports[name]), timeout=5)
        # Wrapped before the header goes out, past TLS: a socket that was hung up on is not closed by a
        # wrap_socket that fails.
        with context.wrap_socket(plain, server_hostname=server_name, do_handshake_on_connect=False) as tls:
            socket.socket.sendall(tls, header)
            tls.do_handshake()
            tls.sendall(request)
            return tls.recv(4096).partition(b"\r\n")[0]
    except TimeoutError:
        raise
    except OSError:
        # Hung up on: before, in or after the handshake, as the scheduler had it.
        return b""


HEADERS = [
    b"PROXY TCP4 198.51.100.9 127.0.0.1 4711 443\r\n",
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc6\x33\x64\x09\x7f\x00\x00\x01\x12\x67\x01\xbb",
    # With a TLV in which AWS's balancers tell an endpoint.
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x26\xc6\x33\x64\x09\x7f\x00\x00\x01\x12\x67\x01\xbb"
    b"\xea\x00\x17\x01vpce-0000000000000000b",
]


@pytest.mark.parametrize("header", HEADERS)
async def test_a_balancer_says_for_whom_it_connects(ways: Ways, header: bytes) -> None:
    signed = await _signed(ways, "balanced")
    assert (await asyncio.to_thread(_exchange, ways, "balanced", signed, header)).startswith(b"HTTP/1.1 200")
    assert ways.told.audit_context.source_ip == "198.51.100.9"
    assert ways.told.private_listener == "balanced"


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("name", ["", "private", "elsewhere"])
async def test_nobody_else_does(ways: Ways, name: str, header: bytes) -> None:
    signed = await _signed(ways, name)
    assert await asyncio.to_thread(_exchange, ways, name, signed, header) == b""
    assert ways.stack.auth.requests == []


@pytest.mark.parametrize("header", [b"", b"PROXY UNKNOWN\r\n", b"PROXY TCP4 198.51.100.9 127.0.0.1 4711\r\n"])
async def test_without_an_address_there_is_no_answer(ways: Ways, header: bytes) -> None:
    signed = await _signed(ways, "balanced")
    assert await asyncio.to_thread(_exchange, ways, "balanced", signed, header) == b""
    assert ways.stack.auth.requests == []


async def test_a_silent_balancer_is_hung_up_on(ways: Ways) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", ways.ports["balanced"])
    writer.write(HEADERS[0][:20])
    started = asyncio.get_running_loop().time()
    async with asyncio.timeout(10):
        # Whether the end is one of order is the loop's choice.
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    assert asyncio.get_running_loop().time() - started >= 0.9
    writer.close()


async def test_api_keys_and_web_identities_are_bound_too(ways: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    sts = ways.stack.client("sts", endpoint_url=ways.url("private"))
    with pytest.raises(ClientError):
        await ways.stack.call(
            sts,
            "assume_role_with_web_identity",
            RoleArn="arn:aws:iam::123456789012:role/reader",
            RoleSessionName="today",
            WebIdentityToken="bad token",
        )
    assert ways.told.private_listener == "private"
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", API_KEY)
    await ways.models("private")
    assert (ways.told.private_listener, ways.told.endpoint_service) == ("private", "bedrock")
    assert ways.told.bearer_token == API_KEY
    await ways.models()
    assert ways.told.private_listener == ""
