"""Calls of our client that wait, are given up, or lose their connection."""

import asyncio
from typing import Any

import h2.events
import pytest
from grpc import StatusCode
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from services.chassis.http2 import frames
from services.chassis.http2.messages import message
from services.chassis.http2.status import RpcError
from tests.fakes.http2 import ANSWER, client_with, raw_server_of
from tests.fakes.http2_calls import WELL, answer, failure, rest, start


async def test_calls_wait_for_a_stream_and_can_be_given_up() -> None:
    client, server = client_with({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    first, second, third = start(client), start(client, b"2"), start(client, b"3")
    await server.settle()
    assert len(server.of(h2.events.RequestReceived)) == 1
    second.cancel()
    assert (await failure(second)).code is StatusCode.CANCELLED
    server.h2.send_headers(1, (*ANSWER, *WELL), end_stream=True)
    await server.settle()
    assert await rest(first) == []
    assert server.body(3) == message(b"3")
    server.h2.send_headers(3, (*ANSWER, *WELL), end_stream=True)
    server.pump()
    assert await rest(third) == []


async def test_more_streams_are_used_when_the_server_allows_them() -> None:
    client, server = client_with({SettingCodes.MAX_CONCURRENT_STREAMS: 0})
    calls = [start(client) for _ in range(5)]
    server.pump()
    assert not server.of(h2.events.RequestReceived)
    server.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 3})
    await server.settle()
    assert len(server.of(h2.events.RequestReceived)) == 3
    calls[0].cancel()
    await server.settle()
    assert len(server.of(h2.events.RequestReceived)) == 4


async def test_deadlines_end_a_call_wherever_it_is() -> None:
    client, server = client_with(
        {SettingCodes.MAX_CONCURRENT_STREAMS: 2, SettingCodes.INITIAL_WINDOW_SIZE: 100}
    )
    sending, waiting = start(client, bytes(200), 0.02), start(client, b"", 0.02)
    queued = start(client, b"", 0.01)
    await server.settle()
    for call in (sending, waiting, queued):
        assert (await failure(call)).code is StatusCode.DEADLINE_EXCEEDED
    await server.settle()
    assert [event.stream_id for event in server.of(h2.events.StreamReset)] == [1, 3]
    assert not client._calls
    assert not client._queued
    # What arrives late concerns nobody.
    client.data_received(answer(*ANSWER, end=False) + frames.frame(frames.DATA, 0, 1, message(b"late")))
    client.data_received(frames.window_update(1, 100))
    assert client.usable


async def test_a_reader_that_is_cancelled_can_cancel_its_call() -> None:
    client, server = client_with()
    call = start(client)
    reader = asyncio.create_task(call.read())
    await server.settle()
    reader.cancel()
    await asyncio.wait([reader])
    call.cancel()
    await server.settle()
    assert [event.error_code for event in server.of(h2.events.StreamReset, 1)] == [ErrorCodes.CANCEL]
    call.cancel()
    assert not server.pump()


async def test_goaway_lets_taken_calls_go_on_and_fails_the_others() -> None:
    client, server = raw_server_of()
    server.send(frames.settings({frames.MAX_CONCURRENT_STREAMS: 2}))
    taken, refused, queued = start(client), start(client), start(client)
    server.send(frames.goaway(1, 0))
    assert not client.usable
    for call in (refused, queued):
        error = await failure(call)
        assert (error.code, error.unprocessed) == (StatusCode.UNAVAILABLE, True)
    with pytest.raises(RpcError) as caught:
        start(client)
    assert caught.value.unprocessed
    server.send(answer(*ANSWER, end=False), frames.frame(frames.DATA, 0, 1, message(b"m")), answer(*WELL))
    assert await rest(taken) == [b"m"]
    assert server.transport.closed


async def test_goaway_and_a_call_given_up_close_the_connection() -> None:
    client, server = raw_server_of()
    call = start(client)
    server.send(frames.goaway(1, 0))
    assert not server.transport.closed
    call.cancel()
    assert server.transport.closed


async def test_a_lost_connection_fails_all_calls() -> None:
    client, _ = client_with({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    begun, queued = start(client), start(client)
    client.connection_lost(None)
    errors = [await failure(begun), await failure(queued)]
    assert [(error.code, error.unprocessed) for error in errors] == [
        (StatusCode.UNAVAILABLE, False),
        (StatusCode.UNAVAILABLE, True),
    ]
    with pytest.raises(RpcError):
        start(client)


async def test_stream_ids_run_out() -> None:
    client, server = raw_server_of()
    server.send(frames.settings({frames.MAX_CONCURRENT_STREAMS: 1}))
    client._next_id = frames.LARGEST_STREAM_ID
    last = start(client)
    assert not client.usable
    with pytest.raises(RpcError):
        start(client)
    server.send(answer(*ANSWER, *WELL, stream=frames.LARGEST_STREAM_ID))
    assert await rest(last) == []
    assert server.transport.closed


async def test_calls_that_wait_when_stream_ids_run_out_fail_at_once() -> None:
    client, server = raw_server_of()
    server.send(frames.settings({frames.MAX_CONCURRENT_STREAMS: 1}))
    client._next_id = frames.LARGEST_STREAM_ID - 2
    first, second, third = start(client), start(client), start(client)
    server.send(answer(*ANSWER, *WELL, stream=frames.LARGEST_STREAM_ID - 2))
    assert await rest(first) == []
    assert (await failure(third)).unprocessed
    server.send(answer(*ANSWER, *WELL, stream=frames.LARGEST_STREAM_ID))
    assert await rest(second) == []


class ShortSilence:
    """Steps of the clock for a connection that looks after its server."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("services.chassis.http2.client._SILENT_S", 0.02)
        monkeypatch.setattr("services.chassis.http2.client._ANSWER_S", 0.02)
        self.client, self.server = raw_server_of()

    async def pinged(self) -> Any:
        for _ in range(100):
            await asyncio.sleep(0.002)
            if pings := [frame for frame in self.server.frames() if frame[0] == frames.PING]:
                return pings[0]
        return None


async def test_a_silent_server_is_asked_and_stays_when_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = ShortSilence(monkeypatch)
    for _ in range(5):
        assert await silence.pinged() is not None
        silence.server.send(frames.frame(frames.PING, frames.ACK, 0, bytes(8)))
    assert silence.client.usable
    await silence.client.close(0.0)


async def test_a_server_that_never_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = ShortSilence(monkeypatch)
    call = start(silence.client)
    assert await silence.pinged() is not None
    assert (await failure(call)).code is StatusCode.UNAVAILABLE
    assert silence.server.transport.closed
