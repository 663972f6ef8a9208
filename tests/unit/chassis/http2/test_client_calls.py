"""A call's answer, whatever it is: our client against the library's server, without a socket."""

import h2.events
import pytest
from grpc import StatusCode
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from services.chassis.http2 import frames
from services.chassis.http2.messages import message
from tests.fakes.http2 import ANSWER, client_with, raw_server_of
from tests.fakes.http2_calls import WELL, answer, failure, rest, start


async def test_a_request_and_its_answer() -> None:
    client, server = client_with()
    call = start(client)
    server.pump()
    (asked,) = server.of(h2.events.RequestReceived)
    assert asked.headers == [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "triton.internal"),
        (":path", "/s/m"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "craton"),
        ("grpc-timeout", "10000000u"),
    ]
    assert server.body(1) == message(b"ask")
    assert server.of(h2.events.StreamEnded, 1)
    server.h2.send_headers(1, ANSWER)
    for payload in (b"one", b"", b"three"):
        server.send_message(1, payload)
    server.h2.send_headers(1, WELL, end_stream=True)
    server.pump()
    assert await rest(call) == [b"one", b"", b"three"]
    assert await call.read() is None
    assert call.ended
    assert client.usable
    assert not client._calls


@pytest.mark.parametrize(
    ("fields", "code", "details"),
    [
        (
            (*ANSWER, ("grpc-status", "8"), ("grpc-message", "50%25 %C3%A9")),
            StatusCode.RESOURCE_EXHAUSTED,
            "50% é",
        ),
        ((*ANSWER, ("grpc-status", "99")), StatusCode.UNKNOWN, ""),
        ((*ANSWER, ("grpc-status", "9" * 5000)), StatusCode.UNKNOWN, ""),
        ((*ANSWER, ("grpc-status", "-1")), StatusCode.UNKNOWN, ""),
        ((*ANSWER, ("grpc-status", "")), StatusCode.UNKNOWN, ""),
        (ANSWER, StatusCode.UNKNOWN, "the answer has no gRPC status"),
        (((":status", "503"),), StatusCode.UNAVAILABLE, "the answer has no gRPC status"),
        (((":status", "404"),), StatusCode.UNIMPLEMENTED, "the answer has no gRPC status"),
        ((("x", "y"),), StatusCode.UNKNOWN, "the answer has no gRPC status"),
    ],
)
async def test_answers_of_trailers_alone(
    fields: tuple[tuple[str, str], ...], code: StatusCode, details: str
) -> None:
    client, server = raw_server_of()
    call = start(client)
    server.send(answer(*fields))
    error = await failure(call)
    assert (error.code, error.details) == (code, details)
    assert client.usable


async def test_the_fields_of_a_failure_are_kept() -> None:
    client, server = raw_server_of()
    call = start(client)
    server.send(answer(*ANSWER, ("grpc-status", "5"), ("details-bin", "/+8"), ("other", "1")))
    assert dict((await failure(call)).trailing)["details-bin"] == b"\xff\xef"


@pytest.mark.parametrize(
    ("status", "code"),
    [("503", StatusCode.UNAVAILABLE), ("418", StatusCode.UNKNOWN), ("", StatusCode.UNKNOWN)],
)
async def test_answers_that_are_not_200_end_the_call(status: str, code: StatusCode) -> None:
    client, server = raw_server_of()
    call = start(client)
    server.frames()
    server.send(answer((":status", status), end=False))
    assert (await failure(call)).code is code
    assert server.frames() == [(frames.RST_STREAM, 0, 1, bytes((0, 0, 0, frames.CANCEL)))]
    assert client.usable


async def test_interim_answers_are_passed_over() -> None:
    client, server = client_with()
    call = start(client)
    server.pump()
    server.h2.send_headers(1, [(":status", "103")])
    server.h2.send_headers(1, ANSWER)
    server.h2.send_headers(1, WELL, end_stream=True)
    server.pump()
    assert await rest(call) == []


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (message(b"cut")[:-1], StatusCode.INTERNAL),
        (b"\x01\x00\x00\x00\x00", StatusCode.UNIMPLEMENTED),
        (b"\x00\xff\xff\xff\xff", StatusCode.RESOURCE_EXHAUSTED),
    ],
)
async def test_messages_that_cannot_be_taken(sent: bytes, code: StatusCode) -> None:
    client, server = client_with()
    call = start(client)
    server.pump()
    server.h2.send_headers(1, ANSWER)
    server.h2.send_data(1, sent)
    server.h2.send_headers(1, WELL, end_stream=True)
    server.pump()
    assert (await failure(call)).code is code
    assert client.usable


async def test_data_that_ends_without_trailers() -> None:
    client, server = client_with()
    call = start(client)
    server.pump()
    server.h2.send_headers(1, ANSWER)
    server.send_message(1, b"kept", end=True)
    server.pump()
    assert await call.read() == b"kept"
    assert (await failure(call)).code is StatusCode.INTERNAL


@pytest.mark.parametrize(
    ("reset", "code", "unprocessed"),
    [
        (ErrorCodes.REFUSED_STREAM, StatusCode.UNAVAILABLE, True),
        (ErrorCodes.CANCEL, StatusCode.CANCELLED, False),
        (ErrorCodes.ENHANCE_YOUR_CALM, StatusCode.RESOURCE_EXHAUSTED, False),
        (ErrorCodes.NO_ERROR, StatusCode.INTERNAL, False),
    ],
)
async def test_resets(reset: ErrorCodes, code: StatusCode, unprocessed: bool) -> None:
    client, server = client_with()
    call = start(client)
    server.pump()
    server.h2.reset_stream(1, reset)
    server.pump()
    error = await failure(call)
    assert (error.code, error.unprocessed) == (code, unprocessed)
    other = start(client)
    server.pump()
    server.h2.send_headers(3, (*ANSWER, *WELL), end_stream=True)
    server.pump()
    assert await rest(other) == []


async def test_an_answer_before_the_whole_request_stops_it() -> None:
    client, server = client_with({SettingCodes.INITIAL_WINDOW_SIZE: 10})
    call = start(client, bytes(100))
    server.pump()
    server.h2.send_headers(1, (*ANSWER, ("grpc-status", "8")), end_stream=True)
    server.pump()
    assert (await failure(call)).code is StatusCode.RESOURCE_EXHAUSTED
    assert [event.error_code for event in server.of(h2.events.StreamReset, 1)] == [ErrorCodes.CANCEL]


async def test_a_server_with_a_small_header_table_is_told_that_we_use_none() -> None:
    client, server = client_with()
    server.h2.update_settings({SettingCodes.HEADER_TABLE_SIZE: 0})
    server.pump()
    for stream in (1, 3):
        call = start(client)
        server.pump()
        assert server.of(h2.events.RequestReceived, stream)
        server.h2.send_headers(stream, (*ANSWER, *WELL), end_stream=True)
        server.pump()
        assert await rest(call) == []
