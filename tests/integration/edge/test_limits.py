"""Limits: headers, bodies, connections, deadlines, and certificates that change."""

import asyncio
import http.client
import json
import socket
import ssl
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.pki.authority import LeafRequest
from services.chassis.clock import SystemClock
from services.edge.config import CertificateSettings, LimitSettings
from services.edge.http import listener
from services.edge.wiring import build
from tests.eventually import until
from tests.fakes.edge_upstreams import KEY_ID, SECRET
from tests.fakes.raw_client import RawClient, read_response
from tests.fakes.workloads import Workloads

INVOKE = "/model/craton.tiny-text-v1/invoke"


@pytest.fixture
def limits() -> LimitSettings:
    return LimitSettings(
        drain_s=1.0,
        header_timeout_s=0.5,
        handshake_timeout_s=0.5,
        body_timeout_s=2.0,
        keep_alive_s=1.0,
        max_connections=40,
        unauthenticated_bytes=60_000_000,
    )


async def _closes(reader: asyncio.StreamReader, seconds: float = 5.0) -> bytes:
    try:
        return await asyncio.wait_for(reader.read(), seconds)
    except ConnectionError:
        return b""


async def test_a_large_body_passes(raw: Any, stack: Any) -> None:
    body = b'{"a":"' + b"x" * 24_999_992 + b'"}'
    assert len(body) == 25_000_000
    response = await raw.request("POST", INVOKE, body)
    assert response.status == 200
    assert response.body == body


async def test_a_body_of_26_megabytes_is_refused_in_aws_words(raw: Any, stack: Any) -> None:
    response = await raw.request("POST", INVOKE, b"x" * 26_000_000)
    assert (response.code, response.status) == ("ValidationException", 400)
    assert response.message == (
        "1 validation error detected: Value at 'body' failed to satisfy constraint: "
        "Member must have length less than or equal to 25000000"
    )
    assert not stack.runtime.requests
    assert stack.recorder.events[-1][0] == "outcome"


async def test_a_body_without_end_is_refused(raw: Any) -> None:
    response = await raw.request("POST", INVOKE, b"x" * 68_000_000)
    assert response.status == 413


async def test_a_chunked_body(raw: Any, stack: Any) -> None:
    body = b'{"chunked":true}'
    head = raw.signed("POST", INVOKE, body).replace(b"content-length: 16", b"transfer-encoding: chunked")
    response = await raw.send(head + b"8\r\n" + body[:8] + b"\r\n8\r\n" + body[8:] + b"\r\n0\r\n\r\n")
    assert response.body == body


async def test_strangers_share_a_budget(raw: Any, stack: Any) -> None:
    # Nobody knows this key: its bodies may hold half of the budget, and known callers still get through.
    assert (await raw.request("POST", INVOKE, b"{}")).status == 200
    stranger = RawClient(stack.server.port, stack.ca, "AKIAIOSFODNN7EXAMPLE", SECRET)
    half = b"x" * 12_000_000
    writers = []
    for _ in range(4):
        reader, writer = await stranger.connect()
        writer.write(stranger.signed("POST", INVOKE, half + half))
        writer.write(half)
        writers.append((reader, writer))
    await asyncio.sleep(0.5)
    large = b"y" * 15_000_000
    assert (await raw.request("POST", INVOKE, large)).status == 200
    for _, writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0.3)
    assert b"craton_edge_unverified_bytes 0.0" in await _metrics(stack, "/metrics")


async def test_unknown_keys_are_refused_before_their_body(raw: Any, stack: Any) -> None:
    stranger = RawClient(stack.server.port, stack.ca, "AKIAIOSFODNN7EXAMPLE", SECRET)
    assert (await stranger.request("POST", INVOKE, b"{}")).code == "UnrecognizedClientException"
    response = await stranger.send(stranger.signed("POST", INVOKE, b"x" * 1_000_000))
    assert response.code == "UnrecognizedClientException"
    assert len(stack.auth.requests) == 1


async def test_an_expired_date_is_refused_before_the_body(raw: Any) -> None:
    head = raw.signed("POST", INVOKE, b"x" * 1_000_000, now=datetime(2020, 1, 1, tzinfo=UTC))
    assert (await raw.send(head)).code == "InvalidSignatureException"


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nx: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x: 1\r\n" * 300 + b"\r\n",
    ],
)
async def test_large_headers_are_refused(raw: Any, data: bytes) -> None:
    reader, writer = await raw.connect()
    writer.write(data)
    response = await read_response(reader)
    assert response.status == 431
    assert await _closes(reader) == b""
    writer.close()


async def test_what_is_not_http_is_refused(raw: Any) -> None:
    reader, writer = await raw.connect()
    writer.write(b"\x16\x03\x01 nonsense\r\n\r\n")
    assert (await read_response(reader)).status == 400
    writer.close()


@pytest.mark.parametrize("data", [b"", b"GET /foundation-models HTTP/1.1\r\nhost: x\r\n"])
async def test_half_a_header_is_not_waited_for(raw: Any, data: bytes) -> None:
    reader, writer = await raw.connect()
    writer.write(data)
    assert await _closes(reader, 3.0) == b""
    writer.close()


async def test_dripping_headers_are_not_waited_for(raw: Any) -> None:
    reader, writer = await raw.connect()
    writer.write(b"GET / HTTP/1.1\r\n")

    async def drip() -> None:
        while True:
            writer.write(b"x: 1\r\n")
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    assert await _closes(reader, 3.0) == b""
    dripping.cancel()
    writer.close()


async def test_half_a_body_is_not_waited_for(raw: Any, stack: Any) -> None:
    reader, writer = await raw.connect()
    writer.write(raw.signed("POST", INVOKE, b"0123456789") + b"01234")
    assert await _closes(reader) == b""
    writer.close()
    assert not stack.runtime.requests


async def test_silent_tcp_connections_are_closed(stack: Any) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.server.port)
    assert await _closes(reader, 3.0) == b""
    writer.close()


async def test_idle_connections_are_closed(raw: Any) -> None:
    reader, writer = await raw.connect()
    writer.write(raw.signed("GET", "/foundation-models"))
    assert (await read_response(reader)).status == 200
    assert await _closes(reader, 4.0) == b""
    writer.close()


async def test_idle_clients_do_not_hold_up_the_end(stack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a client that has its answer and keeps its connection nothing is waited for; it hears of the end."""
    monkeypatch.setattr(listener, "_CLOSING_S", 60.0)
    other = build(stack.config, SystemClock(), recorder=stack.recorder)
    await other.start()
    async with asyncio.timeout(20):
        await other.ready.wait()
    request = RawClient(other.port, stack.ca, KEY_ID, SECRET).signed("GET", "/foundation-models")
    context = ssl.create_default_context(cafile=str(stack.ca))

    def asked() -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", other.port))
        # Not asyncio's: that answers the server's close at once.
        client = context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
        client.sendall(request)
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        return client

    clients = [await asyncio.to_thread(asked) for _ in range(3)]
    async with asyncio.timeout(20):
        await other.stop()
    for client in clients:
        while await asyncio.to_thread(client.recv, 65536):
            pass
        client.close()


async def test_connections_are_counted(raw: Any) -> None:
    """Where the machine is held back the first of them end as idle before the last is there: once more."""
    refused, began = False, 0.0
    for _ in range(5):
        began = time.monotonic()
        opened = [await raw.connect() for _ in range(40)]
        for reader, writer in opened[-3:]:
            writer.write(raw.signed("GET", "/foundation-models"))
            assert (await read_response(reader)).status == 200
        try:
            opened.append(await raw.connect())
        except ConnectionError:
            refused = True
        took = time.monotonic() - began
        for _, each in opened:
            each.close()
        if refused:
            break
        assert took > 0.5, "nobody had ended"
        await asyncio.sleep(0.5)
    assert refused


async def test_half_open_handshakes_are_counted_and_keep_nobody_out(raw: Any, stack: Any) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", stack.server.port) for _ in range(60)]
    assert b"craton_edge_connections 40.0" in await _metrics(stack, "/metrics")
    assert (await raw.request("GET", "/foundation-models")).status == 200
    assert await _closes(silent[0][0], 0.1) == b"", "the oldest made room"
    for _, each in silent:
        each.close()


async def test_the_end_of_a_storm_is_noticed_once(raw: Any, stack: Any) -> None:
    listener = stack.server._listeners[0]
    opened = [await raw.connect() for _ in range(20)]
    assert not listener.storm_is_over(20)
    for _, writer in opened:
        writer.transport.abort()
    await until(lambda: listener.connections == 0)
    assert not listener.storm_is_over(21)
    assert listener.storm_is_over(20)
    assert not listener.storm_is_over(20)


async def test_a_refused_sender_gets_its_answer(raw: Any) -> None:
    """SDKs send the whole body before they read, although the headers alone are refused here."""

    def send() -> tuple[int, str | None, str | None]:
        connection = http.client.HTTPSConnection("127.0.0.1", raw.port, context=raw.tls)
        connection.request("POST", INVOKE, b"x" * 25_000_000)
        response = connection.getresponse()
        connection.close()
        return response.status, response.headers["x-amzn-errortype"], response.headers["connection"]

    answer = await asyncio.to_thread(send)
    assert answer == (403, "MissingAuthenticationTokenException", "close")


async def test_a_body_that_was_never_sent_is_not_taken_from_the_next_request(raw: Any) -> None:
    reader, writer = await raw.connect()
    writer.write(
        b"POST "
        + INVOKE.encode()
        + b" HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 300\r\n\r\n"
    )
    assert (await read_response(reader)).headers["connection"] == "close"
    writer.write(raw.signed("GET", "/foundation-models"))
    assert await _closes(reader) == b""
    writer.close()


async def test_old_tls_is_refused(stack: Any) -> None:
    context = ssl.create_default_context(cafile=str(stack.ca))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    _, writer = await asyncio.open_connection("127.0.0.1", stack.server.port, ssl=context)
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.2"
    writer.close()
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", stack.server.port, ssl=context)


async def test_a_new_certificate_comes_into_use(
    stack: Any, raw: Any, workloads: Workloads, public: CertificateSettings
) -> None:
    listener = stack.server._listeners[0]

    async def serial() -> bytes:
        _, writer = await raw.connect()
        der: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return der

    before = await serial()
    key = public.private_key.read_bytes()
    public.private_key.write_bytes(workloads.tls("service/edge").private_key.read_bytes())
    listener.renew()
    assert await serial() == before, "a key that does not fit must change nothing"
    public.private_key.write_bytes(key)
    issue = _issue(workloads, public)
    listener.renew()
    assert await serial() == ssl.PEM_cert_to_DER_cert(issue.decode())


def _issue(workloads: Workloads, settings: CertificateSettings) -> bytes:
    request = LeafRequest(
        "localhost", ["localhost"], timedelta(hours=1), ip_addresses=["127.0.0.1"], client=False
    )
    issued = workloads.authority.issue(request, datetime.now(UTC))
    settings.private_key.write_bytes(issued.private_key)
    settings.certificate.write_bytes(issued.certificate)
    return issued.certificate


async def _metrics(stack: Any, path: str) -> bytes:
    def read() -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{stack.server.metrics_port}{path}") as answer:
            content: bytes = answer.read()
            return content

    return await asyncio.to_thread(read)


async def test_health_and_metrics(stack: Any, raw: Any) -> None:
    await raw.request("GET", "/foundation-models")
    health = json.loads(await _metrics(stack, "/healthz"))
    assert health == {"auth": True, "kms": True, "runtime": True, "redis": True, "serving": True}
    text = (await _metrics(stack, "/metrics")).decode()
    assert 'craton_call_seconds_count{method="edge:ListFoundationModels",status="OK"} 1.0' in text
