"""What calls between workloads are promised, whoever listens and whoever calls: gRPC's own or ours."""

import asyncio
import contextlib
import gc
import resource
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.runtime.v1 import inference_service_pb2 as pb
from craton.runtime.v1 import inference_service_pb2_grpc as pb_grpc
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.pki.authority import LeafRequest
from services.chassis.channels import MESSAGE_BYTES, OPTIONS
from services.chassis.context import current_call
from services.chassis.errors import DomainError
from services.chassis.http2.channel import Http2Channel
from services.chassis.rich_status import from_rpc_error
from services.chassis.tls import channel_credentials, client_context
from tests.fakes.workloads import TRUST_DOMAIN, Workloads
from tests.integration.chassis.conftest import UNARY, Running, Steered

REQUEST = pb.InvokeModelRequest(model_id="m", body=b"hello")
STREAM_REQUEST = pb.InvokeModelWithResponseStreamRequest(model_id="m")
LARGEST = 26_000_000
Stub = pb_grpc.InferenceServiceStub


class Servicer(Steered):
    """Answers as the model id of a request says."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = asyncio.Event()
        self.release = asyncio.Event()
        self.cancelled_at = 0.0
        self.written = 0

    async def InvokeModel(self, request: Any, context: Any) -> pb.InvokeModelResponse:  # noqa: N802
        self.entered.set()
        match request.model_id:
            case "wait":
                try:
                    await self.release.wait()
                except asyncio.CancelledError:
                    self.cancelled_at = time.monotonic()
                    raise
            case "metadata":
                metadata = dict(context.invocation_metadata())
                return pb.InvokeModelResponse(body=str(metadata.get("key")).encode())
            case "call":
                return pb.InvokeModelResponse(body=current_call().request_id.encode())
            case "refuse":
                raise DomainError(ErrorReason.ERROR_REASON_THROTTLED, "50% — slow\ndown", retry_after_s=2.0)
            case "large":
                return pb.InvokeModelResponse(body=bytes(int(request.body)))
        return pb.InvokeModelResponse(body=request.body)

    async def InvokeModelWithResponseStream(  # noqa: N802
        self, request: Any, context: Any
    ) -> AsyncIterator[pb.InvokeModelWithResponseStreamResponse]:
        self.entered.set()
        size, count = (int(number) for number in request.body.split(b","))
        try:
            for number in range(count):
                if request.model_id == "wait" and number == 1:
                    await self.release.wait()
                self.written += 1
                yield pb.InvokeModelWithResponseStreamResponse(chunks=[bytes(size)])
            if request.model_id == "refuse":
                raise DomainError(ErrorReason.ERROR_REASON_MODEL_STREAM_ERROR, "broke")
        finally:
            self.cancelled.set()


class Verifier:
    """Believes every token, and notes which it saw."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def verify(self, token: str) -> Any:
        self.seen.append(token)


class Pair(Running):
    """A server, and channels to it."""

    def __init__(self, folder: Path, transport: str, client: str) -> None:
        self.answers = Servicer()
        self.verifier = Verifier()
        super().__init__(
            Workloads(folder / "pki"),
            folder,
            transport,
            servicer=self.answers,
            drain_s=5.0,
            tokens=self.verifier,
        )
        self.client = client
        self.channels: list[Any] = []

    def connect(self, workload: str = "service/edge") -> Any:
        """A new channel to the server as `workload`."""
        target, name = f"127.0.0.1:{self.server.port}", "runtime.craton.internal"
        tls = self.workloads.tls(workload)
        channel: Any
        if self.client == "http2":
            channel = Http2Channel(target, client_context(tls), name, largest_message=MESSAGE_BYTES)
        else:
            channel = grpc.aio.secure_channel(
                target,
                channel_credentials(tls),
                options=[
                    *OPTIONS,
                    ("grpc.ssl_target_name_override", name),
                    ("grpc.use_local_subchannel_pool", 1),
                ],
            )
        self.channels.append(channel)
        return channel


@pytest.fixture(params=["grpc-grpc", "grpc-http2", "http2-grpc", "http2-http2"])
async def pair(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Pair]:
    """A started server of the first kind, for clients of the second."""
    monkeypatch.setattr("services.chassis.http2.listener._LOOK_S", 0.1)
    one = Pair(tmp_path, *request.param.split("-"))
    await one.server.start()
    yield one
    one.answers.release.set()
    for channel in one.channels:
        await channel.close()
    await one.server.stop()


async def failure(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def drained(stream: Any) -> list[Any]:
    return [message async for message in stream]


async def until(condition: Callable[[], Any], limit_s: float = 2.0) -> float:
    """Wait until `condition`; return for how long."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < limit_s
        await asyncio.sleep(0.005)
    return time.monotonic() - began


async def test_unary(pair: Pair) -> None:
    stub = Stub(pair.connect())
    for body in (b"", b"hello", bytes(70_000)):
        assert (await stub.InvokeModel(pb.InvokeModelRequest(model_id="m", body=body))).body == body


async def test_streams(pair: Pair) -> None:
    stub = Stub(pair.connect())
    for size, count in ((0, 0), (1, 1), (10, 500), (100_000, 20)):
        request = pb.InvokeModelWithResponseStreamRequest(model_id="m", body=b"%d,%d" % (size, count))
        messages = await drained(stub.InvokeModelWithResponseStream(request))
        assert [len(message.chunks[0]) for message in messages] == [size] * count


async def test_metadata(pair: Pair) -> None:
    stub = Stub(pair.connect())
    metadata: list[Any] = [("key", "value ~"), ("x-request-id", "01234567-89ab")]
    answer = await stub.InvokeModel(pb.InvokeModelRequest(model_id="metadata"), metadata=metadata)
    assert answer.body == b"value ~"
    answer = await stub.InvokeModel(pb.InvokeModelRequest(model_id="call"), metadata=metadata)
    assert answer.body == b"01234567-89ab"


async def test_of_two_tokens_none_counts(pair: Pair) -> None:
    stub = Stub(pair.connect())
    one: list[Any] = [("authorization", "Bearer one")]
    await stub.InvokeModel(REQUEST, metadata=one)
    error = await failure(stub.InvokeModel(REQUEST, metadata=[*one, ("authorization", "Bearer two")]))
    assert error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INTERNAL)
    assert pair.verifier.seen == ["one"]
    # Of other fields the last counts.
    metadata: list[Any] = [("key", "first"), ("key", "last")]
    answer = await stub.InvokeModel(pb.InvokeModelRequest(model_id="metadata"), metadata=metadata)
    assert answer.body == b"last"


async def test_errors_carry_their_details(pair: Pair) -> None:
    stub = Stub(pair.connect())
    error = await failure(stub.InvokeModel(pb.InvokeModelRequest(model_id="refuse")))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.details() == "50% — slow\ndown"
    domain = from_rpc_error(error, "runtime")
    assert (domain.reason_name, domain.retry_after_s) == ("THROTTLED", 2.0)
    request = pb.InvokeModelWithResponseStreamRequest(model_id="refuse", body=b"5,3")
    error = await failure(drained(stub.InvokeModelWithResponseStream(request)))
    assert from_rpc_error(error, "runtime").reason_name == "MODEL_STREAM_ERROR"


async def test_unknown_methods(pair: Pair) -> None:
    channel = pair.connect()
    for method in ("/craton.runtime.v1.InferenceService/Unknown", "/x/y", "/"):
        error = await failure(channel.unary_unary(method)(b"", timeout=3))
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_deadlines(pair: Pair) -> None:
    stub = Stub(pair.connect())
    await stub.InvokeModel(REQUEST)
    began = time.monotonic()
    error = await failure(stub.InvokeModel(pb.InvokeModelRequest(model_id="wait"), timeout=0.2))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert 0.15 < time.monotonic() - began < 0.6
    await until(lambda: pair.answers.cancelled_at)
    assert pair.answers.cancelled_at - began < 0.6
    await until(lambda: len(pair.recorder.rows) == 4)
    assert pair.recorder.rows[-1][3:] == ("CANCELLED", "CANCELLED")


async def test_a_cancelled_call_reaches_the_handler_at_once(pair: Pair) -> None:
    stub = Stub(pair.connect())
    await stub.InvokeModel(REQUEST)
    pair.answers.entered.clear()

    async def call() -> None:
        await stub.InvokeModel(pb.InvokeModelRequest(model_id="wait"))

    task = asyncio.create_task(call())
    await pair.answers.entered.wait()
    cancelled = time.monotonic()
    task.cancel()
    await until(lambda: pair.answers.cancelled_at)
    assert pair.answers.cancelled_at - cancelled < 0.1
    await until(lambda: len(pair.recorder.rows) == 4)
    assert pair.recorder.rows[-1][3:] == ("CANCELLED", "CANCELLED")


async def test_a_stream_that_is_left_is_cancelled(pair: Pair) -> None:
    stub = Stub(pair.connect())
    request = pb.InvokeModelWithResponseStreamRequest(model_id="wait", body=b"5,3")
    call = stub.InvokeModelWithResponseStream(request)
    async for _ in call:
        break
    call.cancel()
    assert await until(pair.answers.cancelled.is_set) < 0.1


async def test_messages_up_to_the_limit(pair: Pair) -> None:
    stub = Stub(pair.connect())
    body = bytes(25_000_000)
    assert (await stub.InvokeModel(pb.InvokeModelRequest(model_id="m", body=body), timeout=20)).body == body
    raw = pair.connect().unary_unary(UNARY)
    # At the limit the message reaches the pipeline, which finds that it is none; above it does not.
    error = await failure(raw(b"\xff" * LARGEST, timeout=20))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    error = await failure(raw(b"\xff" * (LARGEST + 1), timeout=20))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_answers_up_to_the_limit(pair: Pair) -> None:
    stub = Stub(pair.connect())
    fits = pb.InvokeModelRequest(model_id="large", body=b"%d" % (LARGEST - 10))
    assert len((await stub.InvokeModel(fits, timeout=20)).body) == LARGEST - 10
    longer = pb.InvokeModelRequest(model_id="large", body=b"%d" % LARGEST)
    error = await failure(stub.InvokeModel(longer, timeout=20))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await stub.InvokeModel(REQUEST)).body == b"hello"


async def test_many_calls_at_once(pair: Pair) -> None:
    stub = Stub(pair.connect())
    bodies = [b"%d" % number * (1 + number * 20) for number in range(200)]
    calls = (stub.InvokeModel(pb.InvokeModelRequest(model_id="m", body=body), timeout=20) for body in bodies)

    async def one(call: Any) -> bytes:
        body: bytes = (await call).body
        return body

    assert await asyncio.gather(*map(one, calls)) == bodies


async def test_a_slow_reader_holds_up_only_its_own_stream(pair: Pair) -> None:
    channel = pair.connect()
    stub = Stub(channel)
    request = pb.InvokeModelWithResponseStreamRequest(model_id="m", body=b"100000,2000")  # 200 MB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stream = aiter(stub.InvokeModelWithResponseStream(request))
    await anext(stream)
    for _ in range(50):
        await asyncio.wait_for(stub.InvokeModel(REQUEST, timeout=2), 3)
    await asyncio.sleep(0.2)
    written = pair.answers.written
    assert written < 600
    await asyncio.sleep(0.1)
    assert pair.answers.written == written
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
    for _ in range(written):
        await anext(stream)
    assert pair.answers.written > written
    await stream.aclose()
    del stream
    gc.collect()


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
    pair.server.stop = _nothing  # type: ignore[method-assign]


async def drained_unary(stub: Any) -> Any:
    return await stub.InvokeModel(pb.InvokeModelRequest(model_id="wait", body=b"in progress"))


async def _nothing() -> None:
    """Stopped already."""


async def test_a_server_that_stops_ends_what_takes_too_long(pair: Pair) -> None:
    object.__setattr__(pair.server.settings, "drain_s", 0.2)
    stub = Stub(pair.connect())
    waiting = asyncio.create_task(drained_unary(stub))
    await until(lambda: len(pair.recorder.rows) == 1)
    await pair.server.stop()
    pair.server.stop = _nothing  # type: ignore[method-assign]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await waiting
    assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    assert pair.recorder.rows[-1][3:] == ("CANCELLED", "CANCELLED")


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


async def test_health(pair: Pair) -> None:
    operator = health_pb2_grpc.HealthStub(pair.connect("operator/admin"))
    request = health_pb2.HealthCheckRequest()
    await asyncio.sleep(0.05)
    assert (await operator.Check(request)).status == health_pb2.HealthCheckResponse.SERVING
    error = await failure(health_pb2_grpc.HealthStub(pair.connect()).Check(request))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_server_that_is_back_is_found_again(pair: Pair, tmp_path: Path) -> None:
    stub = Stub(pair.connect())
    await stub.InvokeModel(REQUEST)
    port = pair.server.port
    await pair.server.stop()
    pair.server.stop = _nothing  # type: ignore[method-assign]
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
