"""What one client may hold of our server: bytes, streams, handlers, connections and time."""

import asyncio
from typing import Any

import h2.events
import pytest
from h2.settings import SettingCodes

from services.chassis.http2 import frames
from services.chassis.http2.messages import message
from tests.fakes.http2 import HEAD, FakeTransport, Serving, handler, request
from tests.fakes.http2_calls import ask, status


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
