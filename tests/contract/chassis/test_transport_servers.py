"""Servers that stop, come back, renew their certificate or are spoken to in other protocols."""

import asyncio
import contextlib
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from craton.runtime.v1 import inference_service_pb2 as pb
from cryptography import x509

from deploy.pki.authority import LeafRequest
from services.chassis.tls import client_context
from tests.eventually import until
from tests.fakes.transport_pair import (
    REQUEST,
    Pair,
    Stub,
    drained,
    drained_unary,
    failure,
    stopped_already,
)
from tests.fakes.workloads import TRUST_DOMAIN
from tests.integration.chassis.conftest import Running


async def test_a_server_that_stops_lets_calls_in_progress_end(pair: Pair) -> None:
    stub = Stub(pair.connect())
    waiting = asyncio.create_task(drained_unary(stub))
    streaming = asyncio.create_task(
        drained(
            stub.InvokeModelWithResponseStream(
                pb.InvokeModelWithResponseStreamRequest(model_id="wait", body=b"200000,3")
            )
        )
    )
    await until(lambda: pair.answers.written and len(pair.recorder.rows) == 2)
    stopping = asyncio.create_task(pair.server.stop())
    await asyncio.sleep(0.1)
    error = await failure(Stub(pair.connect()).InvokeModel(REQUEST, timeout=1))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    error = await failure(stub.InvokeModel(REQUEST, timeout=1))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert not stopping.done()
    pair.answers.release.set()
    assert (await waiting).body == b"in progress"
    assert len(await streaming) == 3
    began = time.monotonic()
    await stopping
    assert time.monotonic() - began < 4
    pair.server.stop = stopped_already  # type: ignore[method-assign]


async def test_a_server_that_stops_ends_what_takes_too_long(pair: Pair) -> None:
    object.__setattr__(pair.server.settings, "drain_s", 0.2)
    stub = Stub(pair.connect())
    waiting = asyncio.create_task(drained_unary(stub))
    await until(lambda: len(pair.recorder.rows) == 1)
    await pair.server.stop()
    pair.server.stop = stopped_already  # type: ignore[method-assign]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await waiting
    assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    assert pair.recorder.rows[-1][3:] == ("CANCELLED", "CANCELLED")


async def test_a_server_that_is_back_is_found_again(pair: Pair, tmp_path: Path) -> None:
    stub = Stub(pair.connect())
    await stub.InvokeModel(REQUEST)
    port = pair.server.port
    await pair.server.stop()
    pair.server.stop = stopped_already  # type: ignore[method-assign]
    error = await failure(stub.InvokeModel(REQUEST, timeout=1))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    (tmp_path / "again").mkdir()
    again = Running(pair.workloads, tmp_path / "again", pair.server.settings.transport)
    object.__setattr__(again.server.settings, "listen", f"127.0.0.1:{port}")
    await again.server.start()
    try:
        for attempt in range(40):
            with contextlib.suppress(grpc.aio.AioRpcError):
                assert (await stub.InvokeModel(REQUEST, timeout=1)).body == b"hello"
                break
            assert attempt < 39
            await asyncio.sleep(0.05)
    finally:
        for channel in pair.channels:
            await channel.close()
        await again.server.stop()


def presented(pair: Pair) -> int:
    """Serial number of the certificate that a new connection is shown."""
    tls = pair.workloads.tls("service/edge")
    context = client_context(tls)
    with socket.create_connection(("127.0.0.1", pair.server.port), timeout=5) as plain:
        with context.wrap_socket(plain, server_hostname="runtime.craton.internal") as secure:
            der = secure.getpeercert(True)
    assert der is not None
    return x509.load_der_x509_certificate(der).serial_number


async def test_a_certificate_is_renewed_without_a_restart(pair: Pair) -> None:
    channel = pair.connect()
    stub = Stub(channel)
    waiting = asyncio.create_task(drained_unary(stub))
    await until(lambda: len(pair.recorder.rows) == 1)
    before = await asyncio.to_thread(presented, pair)
    request = LeafRequest(
        "service/runtime",
        ["runtime.craton.internal"],
        timedelta(hours=1),
        uri=f"spiffe://{TRUST_DOMAIN}/service/runtime",
    )
    issued = pair.workloads.authority.issue(request, datetime.now(UTC))
    pair.tls.certificate.write_bytes(issued.certificate)
    pair.tls.private_key.write_bytes(issued.private_key)
    serial = x509.load_pem_x509_certificate(issued.certificate).serial_number
    assert serial != before
    deadline = time.monotonic() + 8
    while await asyncio.to_thread(presented, pair) != serial:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    # The old connection lives on, and its call with it.
    pair.answers.release.set()
    assert (await waiting).body == b"in progress"
    assert (await stub.InvokeModel(REQUEST)).body == b"hello"


@pytest.mark.parametrize("alpn", [None, ["http/1.1"], ["h3", "spdy"]])
async def test_nothing_but_http2_is_spoken(pair: Pair, alpn: list[str] | None) -> None:
    tls = pair.workloads.tls("service/edge")
    context = ssl.create_default_context(cafile=str(tls.ca))
    context.load_cert_chain(tls.certificate, tls.private_key)
    if alpn:
        context.set_alpn_protocols(alpn)
    with pytest.raises((OSError, asyncio.IncompleteReadError)):
        await first_frame(pair.server.port, context)
    context.set_alpn_protocols(["h2"])
    assert await first_frame(pair.server.port, context)


async def first_frame(port: int, context: ssl.SSLContext) -> bytes:
    """Begin as a client does; return the head of what the server says first."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="runtime.craton.internal"
    )
    try:
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))
        return await asyncio.wait_for(reader.readexactly(9), 3)
    finally:
        writer.transport.abort()
