"""Requests and their answers: our server against the library's client, without a socket."""

from typing import Any

import h2.events
import pytest
from grpc import StatusCode
from h2.settings import SettingCodes

from services.chassis.http2 import frames
from services.chassis.http2.messages import message
from tests.fakes.http2 import HEAD, FakeTransport, Serving, certificate, handler, request
from tests.fakes.http2_calls import ask, status


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


async def test_a_small_header_table_is_respected(serving: Serving) -> None:
    client = serving.library()
    client.h2.update_settings({SettingCodes.HEADER_TABLE_SIZE: 0})
    client.pump()
    first, second = ask(client), ask(client)
    await client.settle()
    assert [status(client, stream) for stream in (first, second)] == ["0", "0"]


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


async def test_connections_that_name_nobody_or_speak_no_http2_are_cut(serving: Serving) -> None:
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
