"""Frames and messages, however their bytes are cut."""

import tracemalloc

import pytest
from grpc import StatusCode
from hyperframe.frame import DataFrame, Frame, HeadersFrame, PingFrame, SettingsFrame, WindowUpdateFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.http2 import frames
from services.chassis.http2.frames import ConnectionFault, FrameReader
from services.chassis.http2.messages import Messages, message
from services.chassis.http2.status import RpcError


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """Cut `data` into pieces of these sizes, in turn."""
    cuts, at = [], 0
    while at < len(data):
        size = sizes[len(cuts) % len(sizes)]
        cuts.append(data[at : at + size])
        at += size
    return cuts


sizes = st.lists(
    st.integers(0, 40) | st.sampled_from([1023, 1024, 1025, 3000]), min_size=1, max_size=6
).filter(any)
payloads = st.binary(max_size=60) | st.integers(900, 5000).map(lambda size: b"x" * size)
some_frames = st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 2**31 - 1), payloads)


@given(st.lists(some_frames, max_size=8), sizes)
@settings(max_examples=300, deadline=None)
def test_frames_are_the_same_however_they_are_cut(
    sent: list[tuple[int, int, int, bytes]], pieces: list[int]
) -> None:
    data = b"".join(frames.frame(*one) for one in sent)
    reader = FrameReader(5000)
    assert [one for piece in cut(data, pieces) for one in reader.feed(piece)] == sent


def test_the_reserved_bit_of_a_stream_id_is_ignored() -> None:
    data = frames.frame(frames.PING, 0, 0x8000_0003, bytes(8))
    assert [one[2] for one in FrameReader(100).feed(data)] == [3]


def test_a_frame_that_is_too_long_is_refused_by_its_head_alone() -> None:
    reader = FrameReader(100)
    assert len(list(reader.feed(frames.frame(0, 0, 1, bytes(100))))) == 1
    with pytest.raises(ConnectionFault) as caught:
        list(reader.feed(frames.frame(0, 0, 1, bytes(101))[:9]))
    assert caught.value.code == frames.FRAME_SIZE_ERROR


def _parsed(data: bytes) -> Frame:
    frame, length = Frame.parse_frame_header(memoryview(data[:9]))
    assert length == len(data) - 9
    frame.parse_body(memoryview(data[9:]))
    return frame


def test_another_library_reads_what_we_write() -> None:
    settings_ = _parsed(frames.settings({4: 7, 5: 99_999}))
    assert isinstance(settings_, SettingsFrame)
    assert settings_.settings == {4: 7, 5: 99_999}
    window = _parsed(frames.window_update(5, 2**31 - 1))
    assert isinstance(window, WindowUpdateFrame)
    assert (window.stream_id, window.window_increment) == (5, 2**31 - 1)
    assert _parsed(frames.reset(7, 8)).error_code == 8
    away = _parsed(frames.goaway(2**31 - 1, 11))
    assert (away.last_stream_id, away.error_code) == (2**31 - 1, 11)
    assert isinstance(_parsed(frames.frame(frames.PING, 0, 0, b"12345678")), PingFrame)
    assert len(frames.frame(0, 0, 1, bytes(2**24 - 1))) == 2**24 + 8


@given(st.binary(max_size=50), st.integers(0, 255), st.integers(0, 2**31 - 1), st.booleans())
def test_padding_and_priority_are_taken_off(data: bytes, pad: int, depends: int, priority: bool) -> None:
    headers = HeadersFrame(1, data, pad_length=pad, flags=["PADDED"], depends_on=depends, stream_weight=9)
    if priority:
        headers.flags.add("PRIORITY")
    flags = frames.PADDED | (frames.WITH_PRIORITY if priority else 0)
    assert frames.content(flags, headers.serialize_body()) == data
    body = DataFrame(1, data, pad_length=pad, flags=["PADDED"]).serialize_body()
    assert frames.content(frames.PADDED, body) == data


@pytest.mark.parametrize(
    ("flags", "payload"),
    [
        (frames.PADDED, b""),
        (frames.PADDED, b"\x01"),
        (frames.PADDED, b"\xff" + bytes(254)),
        (frames.WITH_PRIORITY, bytes(4)),
        (frames.PADDED | frames.WITH_PRIORITY, b"\x01" + bytes(5)),
    ],
)
def test_padding_that_is_too_long_is_refused(flags: int, payload: bytes) -> None:
    with pytest.raises(ConnectionFault):
        frames.content(flags, payload)


def test_words_and_settings_that_are_cut_are_refused() -> None:
    for broken in (lambda: frames.word(b"abc"), lambda: list(frames.read_settings(bytes(7)))):
        with pytest.raises(ConnectionFault) as caught:
            broken()
        assert caught.value.code == frames.FRAME_SIZE_ERROR


@given(st.lists(payloads, max_size=6), sizes)
@settings(max_examples=300, deadline=None)
def test_messages_are_the_same_however_they_are_cut(sent: list[bytes], pieces: list[int]) -> None:
    messages = Messages(5000)
    for piece in cut(b"".join(map(message, sent)), pieces):
        messages.feed(piece)
        assert (messages.held > 0) == bool(messages.whole)
    assert not messages.cut
    assert [messages.take() for _ in sent] == sent
    assert messages.held == 0
    assert not messages.whole


@given(st.binary(min_size=1, max_size=30), st.integers(1, 34))
def test_a_message_that_has_not_ended_is_cut(payload: bytes, size: int) -> None:
    messages = Messages(100)
    whole = message(payload)
    messages.feed(whole[:size])
    assert messages.cut == (size < len(whole))
    assert bool(messages.whole) == (size >= len(whole))


def test_messages_that_are_too_long_are_refused_by_their_prefix() -> None:
    messages = Messages(10)
    messages.feed(message(bytes(10)))
    with pytest.raises(RpcError) as caught:
        messages.feed(message(bytes(11))[:5])
    assert caught.value.code is StatusCode.RESOURCE_EXHAUSTED


def test_compressed_messages_are_refused() -> None:
    with pytest.raises(RpcError) as caught:
        Messages(10).feed(b"\x01\x00\x00\x00\x00")
    assert caught.value.code is StatusCode.UNIMPLEMENTED


def test_an_empty_piece_costs_nothing_and_a_tiny_one_little() -> None:
    messages, reader = Messages(2**20), FrameReader(2**20)
    messages.feed(message(bytes(2**20))[:6])
    list(reader.feed(frames.frame(0, 0, 1, bytes(2**20))[:20]))
    tracemalloc.start()
    try:
        for number in range(200_000):
            messages.feed(b"")
            if number < 100_000:
                messages.feed(b"ab")
                list(reader.feed(b"ab"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**20
