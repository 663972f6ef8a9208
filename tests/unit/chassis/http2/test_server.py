"""Our server against the library's client, without a socket."""

import asyncio
from typing import Any

import h2.events
import pytest
from grpc import StatusCode
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from services.chassis.http2 import frames
from services.chassis.http2.headers import encode_fields
from services.chassis.http2.messages import message
from tests.fakes.http2 import HEAD, FakeTransport, LibraryPeer, Serving, handler, request


@pytest.fixture
def serving() -> Serving:
    one = Serving()

    async def echo(payload: bytes, _context: Any) -> bytes:
        return payload

    one.handlers["/s/unary"] = handler(echo)
    return one


def ask(client: LibraryPeer, payload: bytes = b"ask", *extra: tuple[str, str], path: str = "/s/unary") -> int:
    """Send a request and return its stream."""
    stream: int = client.h2.get_next_available_stream_id()
    client.h2.send_headers(stream, [(n, path if n == ":path" else v) for n, v in (*HEAD, *extra)])
    client.send_message(stream, payload, end=True)
    return stream


def status(client: LibraryPeer, stream: int) -> str | None:
    """Return the gRPC status of an answer."""
    blocks = client.of(h2.events.TrailersReceived, stream) or client.of(h2.events.ResponseReceived, stream)
    return dict(blocks[-1].headers).get("grpc-status") if blocks else None


async def test_a_request_and_its_answer(serving: Serving) -> None:
    client = serving.library()
    stream = ask(client)
    await client.settle()
    (head,) = client.of(h2.events.ResponseReceived, stream)
    assert head.headers == [(":status", "200"), ("content-type", "application/grpc")]
    assert client.body(stream) == message(b"ask")
    (trailers,) = client.of(h2.events.TrailersReceived, stream)
    assert trailers.headers == [("grpc-status", "0")]
    assert client.of(h2.events.StreamEnded, stream)
    (connection,) = serving.open
    assert not connection.busy
    assert serving.budget.used == 0


async def test_metadata_and_the_peer_reach_the_handler(serving: Serving) -> None:
    seen: dict[str, Any] = {}

    async def look(payload: bytes, context: Any) -> bytes:
        seen.update(dict(context.invocation_metadata()))
        seen["peer"], seen["left"] = context.peer(), context.time_remaining()
        seen["names"] = list(context.peer_identities())
        return payload

    serving.handlers["/s/unary"] = handler(look)
    client = serving.library()
    ask(client, b"", ("x-trace", "a"), ("blob-bin", "/+8"), ("broken-bin", "a"), ("grpc-timeout", "2S"))
    await client.settle()
    assert (seen["x-trace"], seen["blob-bin"], seen["broken-bin"]) == ("a", b"\xff\xef", b"")
    assert seen["peer"] == "ipv4:127.0.0.1:4711"
    assert 1.9 < seen["left"] <= 2.0
    assert seen["names"] == [b"edge.craton.internal", b"spiffe://craton.local/service/edge"]
    assert ":path" not in seen


async def test_a_stream_of_messages(serving: Serving) -> None:
    async def count(payload: bytes, context: Any) -> None:
        for number in range(int(payload)):
            await context.write(b"%d" % number)

    serving.handlers["/s/stream"] = handler(count, streaming=True)
    client = serving.library()
    several, none = ask(client, b"3", path="/s/stream"), ask(client, b"0", path="/s/stream")
    await client.settle()
    assert client.body(several) == message(b"0") + message(b"1") + message(b"2")
    assert status(client, several) == "0"
    assert len(client.of(h2.events.ResponseReceived, several)) == 1
    assert client.body(none) == b""
    assert status(client, none) == "0"


@pytest.mark.parametrize("streaming", [False, True])
async def test_failures(serving: Serving, streaming: bool) -> None:
    async def fail(payload: bytes, context: Any) -> None:
        if streaming:
            await context.write(b"first")
        if payload == b"crash":
            raise RuntimeError("canary")
        context.set_trailing_metadata((("details-bin", b"\xff\xef"), ("text", "t")))
        await context.abort(StatusCode.NOT_FOUND, "50% é\n")

    serving.handlers["/s/unary"] = handler(fail, streaming=streaming)
    client = serving.library()
    aborted, crashed = ask(client, b"abort"), ask(client, b"crash")
    await client.settle()
    kind = h2.events.TrailersReceived if streaming else h2.events.ResponseReceived
    fields = dict(client.of(kind, aborted)[0].headers)
    assert fields["grpc-status"] == "5"
    assert fields["grpc-message"] == "50%25 %C3%A9%0A"
    assert (fields["details-bin"], fields["text"]) == ("/+8", "t")
    assert (fields.get(":status") is None) == streaming
    fields = dict(client.of(kind, crashed)[0].headers)
    assert (fields["grpc-status"], fields["grpc-message"]) == ("13", "internal error")


async def test_a_status_too_long_for_a_frame_keeps_its_code(serving: Serving) -> None:
    async def fail(_payload: bytes, context: Any) -> None:
        await context.abort(StatusCode.NOT_FOUND, "x" * 20_000)

    serving.handlers["/s/unary"] = handler(fail)
    client = serving.library()
    stream = ask(client)
    await client.settle()
    assert status(client, stream) == "5"


async def test_unknown_methods_and_other_requests(serving: Serving) -> None:
    client = serving.library()
    unknown = ask(client, path="/s/unknown")
    await client.settle()
    assert status(client, unknown) == "12"
    get = [(name, "GET" if name == ":method" else value) for name, value in HEAD]
    json = [(name, "application/json" if name == "content-type" else value) for name, value in HEAD]
    for fields in (get, json):
        stream = client.h2.get_next_available_stream_id()
        client.h2.send_headers(stream, fields, end_stream=True)
        await client.settle()
        assert dict(client.of(h2.events.ResponseReceived, stream)[0].headers)[":status"] == "415"


@pytest.mark.parametrize("size", [0, 16_379, 16_380, 65_530, 65_531, 10_000_000])
@pytest.mark.parametrize("streaming", [False, True])
async def test_answers_go_out_as_the_windows_allow(serving: Serving, size: int, streaming: bool) -> None:
    payload = (bytes(range(256)) * (size // 256 + 1))[:size]

    async def unary(_payload: bytes, _context: Any) -> bytes:
        return payload

    async def stream_(_payload: bytes, context: Any) -> None:
        await context.write(payload)
        await context.write(b"second")

    serving.handlers["/s/unary"] = handler(stream_ if streaming else unary, streaming=streaming)
    client = serving.library()
    stream = ask(client)
    for _ in range(1000):
        received = [event for event in await client.settle() if isinstance(event, h2.events.DataReceived)]
        for event in received:
            if event.flow_controlled_length and not client.of(h2.events.StreamEnded, stream):
                client.h2.acknowledge_received_data(event.flow_controlled_length, stream)
        if not received:
            break
    assert client.body(stream) == message(payload) + (message(b"second") if streaming else b"")
    assert status(client, stream) == "0"
    (connection,) = serving.open
    assert not connection.busy


async def test_windows_that_shrink_below_nothing(serving: Serving) -> None:
    client = serving.library({SettingCodes.INITIAL_WINDOW_SIZE: 100})
    stream = ask(client, bytes(300))
    await client.settle()
    assert len(client.body(stream)) == 100
    client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10})
    client.h2.increment_flow_control_window(90, stream)
    await client.settle()
    assert len(client.body(stream)) == 100
    client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1000})
    await client.settle()
    assert client.body(stream) == message(bytes(300))
    assert status(client, stream) == "0"


async def test_nothing_follows_the_status_of_a_call_that_was_too_late(serving: Serving) -> None:
    async def much(_payload: bytes, context: Any) -> None:
        await context.write(bytes(200_000))

    serving.handlers["/s/stream"] = handler(much, streaming=True)
    client = serving.library({SettingCodes.INITIAL_WINDOW_SIZE: 2**20})
    stream = ask(client, b"", ("grpc-timeout", "30m"), path="/s/stream")
    await client.settle()
    assert len(client.body(stream)) == 65_535  # the connection's window
    await asyncio.sleep(0.05)
    await client.settle()
    assert status(client, stream) == "4"
    (connection,) = serving.open
    assert not connection._line
    client.h2.increment_flow_control_window(2**20)
    other = ask(client)
    await client.settle()  # the library would refuse data after the end
    assert status(client, other) == "0"
    assert len(client.body(stream)) == 65_535


async def test_long_requests_come_whole(serving: Serving) -> None:
    client = serving.library()
    stream = client.h2.get_next_available_stream_id()
    client.h2.send_headers(stream, HEAD)
    data = message(bytes(3_000_000))
    while data:
        room = min(client.h2.local_flow_control_window(stream), client.h2.max_outbound_frame_size)
        assert room > 0
        client.h2.send_data(stream, data[:room], end_stream=room >= len(data))
        data = data[room:]
        client.pump()
    await client.settle()
    assert len(client.body(stream)) == 65_535
    assert serving.budget.used == 0


async def test_requests_too_long_cut_or_doubled(serving: Serving) -> None:
    small = Serving(largest=10)
    small.handlers = serving.handlers
    client = small.library()
    largest, longer = ask(client, bytes(10)), ask(client, bytes(11))
    cut, doubled, empty = (client.h2.get_next_available_stream_id() + 2 * number for number in range(3))
    client.h2.send_headers(cut, HEAD)
    client.h2.send_data(cut, message(b"cut")[:-1], end_stream=True)
    client.h2.send_headers(doubled, HEAD)
    client.h2.send_data(doubled, message(b"1") + message(b"2"))
    client.h2.send_headers(empty, HEAD, end_stream=True)
    await client.settle()
    assert [status(client, stream) for stream in (largest, longer, cut, doubled, empty)] == [
        "0",
        "8",
        "13",
        "13",
        "13",
    ]
    assert small.budget.used == 0


async def test_what_is_held_before_a_handler_begins_is_bounded(serving: Serving) -> None:
    small = Serving(limit=1000)
    small.handlers = serving.handlers
    taken, honest = small.raw("service/training"), small.raw()
    for stream in (1, 3):
        taken.send(request(stream, None, end=False))
        taken.send(frames.frame(frames.DATA, 0, stream, message(bytes(1000))[:300]))
    assert small.budget.used == 300
    await asyncio.sleep(0)
    kinds = [(kind, stream) for kind, _, stream, _ in taken.frames()]
    assert kinds == [(frames.HEADERS, 3), (frames.RST_STREAM, 3)]
    # Half of the room is out of reach for one workload.
    honest.send(request(1, None, end=False), frames.frame(frames.DATA, 0, 1, message(bytes(450))))
    assert honest.kinds() == []
    honest.send(frames.frame(frames.DATA, frames.END_STREAM, 1, b""))
    await asyncio.sleep(0.01)
    assert honest.kinds() == [frames.HEADERS, frames.DATA, frames.HEADERS]
    taken.ours.connection_lost(None)
    assert small.budget.used == 0


async def test_a_request_that_does_not_come_is_given_up_whatever_its_deadline(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.chassis.http2.server._REQUEST_S", 0.02)
    client = serving.raw()
    client.send(request(1, None, end=False), request(3, None, ("grpc-timeout", "99999999H"), end=False))
    await asyncio.sleep(0.05)
    assert client.kinds() == [frames.HEADERS, frames.RST_STREAM] * 2
    assert not client.ours.busy  # type: ignore[attr-defined]


async def test_a_long_deadline_counts_once_the_request_has_come(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.chassis.http2.server._REQUEST_S", 0.01)
    ended = asyncio.Event()

    async def slow(payload: bytes, context: Any) -> bytes:
        try:
            await asyncio.sleep(0.03 if payload == b"in time" else 60)
        except asyncio.CancelledError:
            ended.set()
            raise
        return payload

    serving.handlers["/s/unary"] = handler(slow)
    client = serving.library()
    in_time = ask(client, b"in time", ("grpc-timeout", "90m"))
    late = ask(client, b"late", ("grpc-timeout", "60m"))
    never = ask(client, b"in time")
    await client.settle()
    await asyncio.wait_for(ended.wait(), 1)
    await client.settle()
    assert [status(client, stream) for stream in (in_time, late, never)] == ["0", "4", "0"]


@pytest.mark.parametrize("streaming", [False, True])
async def test_an_answer_that_nobody_reads_is_given_up(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, streaming: bool
) -> None:
    monkeypatch.setattr("services.chassis.http2.server._REQUEST_S", 0.02)

    async def unary(_payload: bytes, _context: Any) -> bytes:
        return bytes(1000)

    async def stream_(_payload: bytes, context: Any) -> None:
        await context.write(bytes(1000))

    serving.handlers["/s/unary"] = handler(stream_ if streaming else unary, streaming=streaming)
    client = serving.library({SettingCodes.INITIAL_WINDOW_SIZE: 10})
    without, with_ = ask(client), ask(client, b"", ("grpc-timeout", "20m"))
    await client.settle()
    await asyncio.sleep(0.06)
    await client.settle()
    for stream in (without, with_):
        if streaming:
            assert status(client, stream) == "4"
        else:
            assert [event.error_code for event in client.of(h2.events.StreamReset, stream)] == [8]
    (connection,) = serving.open
    assert not connection.busy


async def test_progress_of_a_stream_is_no_reason_to_end_it(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.chassis.http2.server._REQUEST_S", 0.03)

    async def much(_payload: bytes, context: Any) -> None:
        for _ in range(8):
            await context.write(bytes(100))

    serving.handlers["/s/stream"] = handler(much, streaming=True)
    client = serving.library({SettingCodes.INITIAL_WINDOW_SIZE: 10})
    stream = ask(client, path="/s/stream")
    await client.settle()
    for _ in range(8):
        await asyncio.sleep(0.01)
        client.h2.increment_flow_control_window(105, stream)
        await client.settle()
    assert status(client, stream) == "0"


async def test_a_reset_cancels_the_handler(serving: Serving) -> None:
    cancelled = asyncio.Event()

    async def wait(_payload: bytes, _context: Any) -> bytes:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()
        return b""

    serving.handlers["/s/unary"] = handler(wait)
    client = serving.library()
    stream = ask(client)
    await client.settle()
    client.h2.reset_stream(stream, ErrorCodes.CANCEL)
    await client.settle()
    assert cancelled.is_set()
    (connection,) = serving.open
    assert not connection.busy
    client.h2.ping(b"12345678")
    assert client.pump()


async def test_a_lost_connection_cancels_its_calls(serving: Serving) -> None:
    gate = asyncio.Event()

    async def wait(_payload: bytes, context: Any) -> None:
        try:
            await context.write(bytes(100_000))
        finally:
            gate.set()

    serving.handlers["/s/stream"] = handler(wait, streaming=True)
    client = serving.library()
    ask(client, path="/s/stream")
    await client.settle()
    client.ours.connection_lost(None)
    await asyncio.wait_for(gate.wait(), 1)
    assert not serving.open


async def test_streams_beyond_the_limit_are_refused(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.chassis.http2.server.MAX_STREAMS", 2)
    client = serving.raw()
    client.send(request(1, None, end=False), request(3, None, end=False), request(5, b"x"))
    await asyncio.sleep(0)
    assert client.frames() == [(frames.RST_STREAM, 0, 5, bytes((0, 0, 0, frames.REFUSED_STREAM)))]
    client.send(frames.reset(1, 8), request(7, b"x"))
    await asyncio.sleep(0.01)
    assert client.kinds() == [frames.HEADERS, frames.DATA, frames.HEADERS]


async def test_handlers_that_are_being_cancelled_count(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.chassis.http2.server.MAX_STREAMS", 3)
    release, running = asyncio.Event(), 0

    async def stubborn(_payload: bytes, _context: Any) -> bytes:
        nonlocal running
        running += 1
        try:
            await asyncio.sleep(60)
        finally:
            await release.wait()  # as a record that is written down
        return b""

    serving.handlers["/s/unary"] = handler(stubborn)
    client = serving.raw()
    for stream in range(1, 200, 2):
        client.send(request(stream))
        await asyncio.sleep(0)
        client.send(frames.reset(stream, 8))
        await asyncio.sleep(0)
    assert running == 3
    release.set()
    await asyncio.sleep(0.01)
    client.send(request(201, None, end=False))
    assert not client.ours.tasks  # type: ignore[attr-defined]


async def test_a_drain_lets_calls_in_progress_end(serving: Serving) -> None:
    gate = asyncio.Event()

    async def wait(payload: bytes, _context: Any) -> bytes:
        await gate.wait()
        return payload

    serving.handlers["/s/unary"] = handler(wait)
    client = serving.library()
    (connection,) = serving.open
    stream = ask(client)
    await client.settle()
    connection.drain()
    connection.drain()
    assert connection.busy
    client.pump()
    (away,) = client.of(h2.events.ConnectionTerminated)
    assert (away.error_code, away.last_stream_id) == (ErrorCodes.NO_ERROR, stream)
    # What was on its way is refused, and the last stream that is served stays what was said.
    connection.data_received(request(stream + 2))
    gate.set()
    await asyncio.sleep(0.01)
    assert not connection.busy
    connection.close()
    sent = bytes(client.transport.written)
    parsed = list(frames.FrameReader(2**24).feed(sent))
    assert (frames.RST_STREAM, 0, stream + 2, bytes((0, 0, 0, frames.REFUSED_STREAM))) in parsed
    assert parsed[-1] == (frames.GOAWAY, 0, 0, bytes((0, 0, 0, stream, 0, 0, 0, 0)))
    assert client.transport.closed


async def test_an_answer_on_its_way_keeps_a_draining_connection(serving: Serving) -> None:
    client = serving.library({SettingCodes.INITIAL_WINDOW_SIZE: 10})
    stream = ask(client, bytes(100))
    await client.settle()
    (connection,) = serving.open
    assert not connection.tasks
    assert connection.busy
    client.h2.increment_flow_control_window(100, stream)
    await client.settle()
    assert not connection.busy


async def test_nothing_is_read_from_a_client_that_does_not_read(serving: Serving) -> None:
    client = serving.raw()
    client.transport.stuck = True
    stream, handed = 1, 0
    while client.transport.reading and handed < 10_000:
        client.send(request(stream, b"x"))
        await asyncio.sleep(0)
        stream, handed = stream + 2, handed + 1
    await asyncio.sleep(0.01)
    assert client.transport.unsent < 2**20
    assert handed < 10_000
    client.transport.read_again()
    assert client.transport.reading


async def test_a_stream_waits_for_a_client_that_does_not_read(serving: Serving) -> None:
    written = 0

    async def much(_payload: bytes, context: Any) -> None:
        nonlocal written
        for _ in range(100):
            await context.write(bytes(60_000))
            written += 1

    serving.handlers["/s/stream"] = handler(much, streaming=True)
    client = serving.library({SettingCodes.INITIAL_WINDOW_SIZE: 2**24})
    client.h2.increment_flow_control_window(2**24)
    ask(client, path="/s/stream")
    client.pump()
    client.transport.stuck = True
    await asyncio.sleep(0.01)
    assert 0 < written < 12
    client.transport.read_again()
    await asyncio.sleep(0.01)
    assert written == 100


async def test_connections_that_name_nobody_or_speak_no_http2_are_cut(serving: Serving) -> None:
    from tests.fakes.http2 import certificate

    for transport in (
        FakeTransport(certificate(), alpn=""),
        FakeTransport(None),
        FakeTransport(b"no certificate"),
    ):
        protocol = serving.accept()
        protocol.connection_made(transport)  # type: ignore[arg-type]
        assert transport.closed
        assert not transport.written
        protocol.data_received(frames.PREFACE + request(1))
        protocol.connection_lost(None)
        assert not serving.open


async def test_one_workload_has_so_many_connections(serving: Serving) -> None:
    few = Serving(connections=2)
    first, second = few.raw(), few.raw()
    third = few.accept()
    transport = FakeTransport(second.transport.get_extra_info("ssl_object").getpeercert(True))
    third.connection_made(transport)  # type: ignore[arg-type]
    assert transport.closed
    third.connection_lost(None)
    other = few.raw("service/training")
    assert not other.transport.closed
    first.ours.connection_lost(None)
    assert not few.raw().transport.closed


async def test_a_preface_in_pieces_and_another(serving: Serving) -> None:
    client = serving.library()
    assert client.ours in serving.open
    protocol, transport = (
        serving.accept(),
        FakeTransport(client.transport.get_extra_info("ssl_object").getpeercert(True)),
    )
    protocol.connection_made(transport)  # type: ignore[arg-type]
    for byte in frames.PREFACE + frames.settings({}) + request(1, None):
        protocol.data_received(bytes((byte,)))
    assert not transport.closed
    other = serving.accept()
    other.connection_made(transport)  # type: ignore[arg-type]
    other.data_received(b"GET / HTTP/1.1\r\n\r\n")
    assert transport.closed


async def test_a_small_header_table_is_respected(serving: Serving) -> None:
    client = serving.library()
    client.h2.update_settings({SettingCodes.HEADER_TABLE_SIZE: 0})
    client.pump()
    first, second = ask(client), ask(client)
    await client.settle()
    assert [status(client, stream) for stream in (first, second)] == ["0", "0"]


@pytest.mark.parametrize(
    "extra",
    [
        (("authorization", "Bearer a"), ("authorization", "Bearer b")),
        (("grpc-timeout", "1S"), ("grpc-timeout", "2S")),
        (("x-request-id", "12345678"), ("x-request-id", "12345679")),
        (("content-type", "application/grpc"),),
        (("content-length", "6"), ("content-length", "6")),
        (("grpc-timeout", "1s"),),
        (("grpc-timeout", "123456789S"),),
        (("grpc-timeout", "-1S"),),
        (("grpc-timeout", "²S"),),
        (("grpc-timeout", ""),),
        (("te", "gzip"),),
        ((":path", "/s/other"),),
        ((":method", "POST"),),
        ((":protocol", "websocket"),),
        (("Upper", "case"),),
        (("", "empty"),),
        (("sp ace", "x"),),
        (("x\r\ny", "x"),),
        (("x", "a\r\nb"),),
        (("x", "a\0b"),),
        (("x", "tab\t"),),
        (("x", "é"),),
        (("x", "\x7f"),),
        (("connection", "close"),),
        (("transfer-encoding", "chunked"),),
        (("upgrade", "h2c"),),
        (("content-length", "4"),),
        (("content-length", "-6"),),
        (("content-length", "6, 6"),),
    ],
)
async def test_malformed_requests_are_reset_and_reach_nobody(
    serving: Serving, extra: tuple[tuple[str, str], ...]
) -> None:
    reached = []

    async def reach(payload: bytes, _context: Any) -> bytes:
        reached.append(payload)
        return payload

    serving.handlers["/s/unary"] = handler(reach)
    client = serving.raw()
    client.send(request(1, b"x", *extra))
    await asyncio.sleep(0.01)
    assert client.frames() == [(frames.RST_STREAM, 0, 1, bytes((0, 0, 0, frames.PROTOCOL_ERROR)))]
    assert not reached
    client.send(request(3, b"y", ("content-length", "6"), ("x", "a"), ("x", "b")))
    await asyncio.sleep(0.01)
    assert reached == [b"y"]


@pytest.mark.parametrize("missing", [":method", ":scheme", ":path"])
async def test_pseudo_header_fields_must_be_there_and_first(serving: Serving, missing: str) -> None:
    client = serving.raw()
    fewer = [field for field in HEAD if field[0] != missing]
    late = [*fewer, next(field for field in HEAD if field[0] == missing)]
    for stream, fields in ((1, fewer), (3, late)):
        client.send(frames.frame(frames.HEADERS, 5, stream, encode_fields(fields)))
        assert client.frames() == [(frames.RST_STREAM, 0, stream, bytes((0, 0, 0, frames.PROTOCOL_ERROR)))]


async def test_trailers_of_a_request(serving: Serving) -> None:
    client = serving.raw()
    client.send(request(1, b"x", end=False))
    client.send(frames.frame(frames.HEADERS, 5, 1, encode_fields((("x", "y"),))))
    await asyncio.sleep(0.01)
    assert client.kinds() == [frames.HEADERS, frames.DATA, frames.HEADERS]
    for stream, flags, field in ((3, 4, ("x", "y")), (5, 5, (":path", "/s/other"))):
        client.send(request(stream, b"x", end=False))
        client.send(frames.frame(frames.HEADERS, flags, stream, encode_fields((field,))))
        assert client.frames() == [(frames.RST_STREAM, 0, stream, bytes((0, 0, 0, frames.PROTOCOL_ERROR)))]


@pytest.mark.parametrize("again", [request(1, b"x"), frames.frame(frames.DATA, 1, 1, b"")])
async def test_nothing_may_follow_the_end_of_a_request(serving: Serving, again: bytes) -> None:
    begun = 0

    async def wait(_payload: bytes, _context: Any) -> bytes:
        nonlocal begun
        begun += 1
        await asyncio.sleep(60)
        return b""

    serving.handlers["/s/unary"] = handler(wait)
    client = serving.raw()
    client.send(request(1))
    await asyncio.sleep(0)
    client.send(again)
    assert client.fault() == frames.STREAM_CLOSED
    await asyncio.sleep(0.01)
    assert begun == 1
    assert not client.ours.tasks  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (request(2), frames.PROTOCOL_ERROR),
        (request(0), frames.PROTOCOL_ERROR),
        (frames.frame(frames.DATA, 0, 1, b"x"), frames.PROTOCOL_ERROR),
        (frames.reset(1, 0), frames.PROTOCOL_ERROR),
        (frames.window_update(1, 1), frames.PROTOCOL_ERROR),
        (frames.window_update(0, 0), frames.PROTOCOL_ERROR),
        (frames.window_update(0, 2**31 - 1), frames.FLOW_CONTROL_ERROR),
        (frames.frame(frames.PUSH_PROMISE, 4, 1, bytes(4)), frames.PROTOCOL_ERROR),
        (frames.settings({}) * 1001, frames.ENHANCE_YOUR_CALM),
        (
            frames.frame(frames.HEADERS, 0, 1, b"") + frames.frame(frames.CONTINUATION, 0, 1, b""),
            frames.ENHANCE_YOUR_CALM,
        ),
        (
            frames.frame(frames.HEADERS, 0, 1, b"")
            + frames.frame(frames.CONTINUATION, 0, 1, b"\0" * 1000) * 17,
            frames.ENHANCE_YOUR_CALM,
        ),
        (frames.frame(frames.HEADERS, 4, 1, b"\x82" * 16_000), frames.COMPRESSION_ERROR),
        (frames.frame(frames.HEADERS, 4, 1, b"\x82" * 17_000), frames.ENHANCE_YOUR_CALM),
    ],
)
async def test_faults_end_the_connection(serving: Serving, sent: bytes, code: int) -> None:
    client = serving.raw()
    client.send(sent)
    assert client.fault() == code
    assert client.transport.closed
