"""Header blocks: limits, and what we write. That ours reads them as the library does, test_random shows."""

import re
from typing import Any

import pytest
from hpack import Decoder, Encoder, HPACKError
from hpack.table import HeaderTable
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.http2 import frames
from services.chassis.http2.frames import ConnectionFault
from services.chassis.http2.headers import (
    MAX_HEADER_BYTES,
    HeaderDecoder,
    encode_fields,
    percent_decoded,
    request_head,
    timeout_field,
)
from tests.campaigns.http2 import compare, outcome
from tests.campaigns.http2_cases import literal

NAMES = [name.decode() for name, _ in HeaderTable.STATIC_TABLE[:20]] + [
    "grpc-timeout",
    "authorization",
    "te",
    "x-request-id",
    "grpc-accept-encoding",
]
fields = st.tuples(
    st.sampled_from(NAMES) | st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=1, max_size=40),
    st.sampled_from(["", "POST", "https", "application/grpc", "trailers", "200", "0"])
    | st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=300)
    | st.text(max_size=20).filter(lambda text: text.isprintable()),
)


def test_a_block_that_empties_the_table_after_reading_it_is_not_kept() -> None:
    resize = bytes([0x3F, 80 - 31])
    put = literal(0x40, 6, 0, b"a", b"secret")
    read_and_empty = b"\xbe" + literal(0x40, 6, 0, b"b", b"v" * 100)
    compare([resize, put, read_and_empty, read_and_empty])


def test_a_block_that_changes_the_tables_size_is_not_kept() -> None:
    none, room = b"\x20\x82", b"\x3f\xe1\x1f\x82"
    put = literal(0x40, 6, 0, b"a", b"b")
    compare([none, room, none, put, b"\xbe"])
    compare([none, room, none, room, put, b"\xbe"])


def test_a_field_without_name_is_refused() -> None:
    with pytest.raises(ConnectionFault):
        HeaderDecoder().decode(b"\x80")


@pytest.mark.parametrize(
    "block",
    [
        bytes([0x8F]) * 512,  # each byte is a field of 46 bytes and more
        b"\x82" * 16_000,
        literal(0x00, 4, 0, b"n", b"v" * (MAX_HEADER_BYTES + 1)),
        literal(0x40, 6, 0, b"n", b"v" * 4000) + b"\xbe" * 100,
    ],
)
def test_a_small_block_of_many_bytes_is_refused(block: bytes) -> None:
    with pytest.raises(HPACKError):
        Decoder(MAX_HEADER_BYTES).decode(block)
    with pytest.raises(ConnectionFault):
        HeaderDecoder().decode(block)


def test_a_list_just_within_the_limit_passes() -> None:
    block = literal(0x00, 4, 0, b"n", b"v" * (MAX_HEADER_BYTES - 33))
    assert len(block) < MAX_HEADER_BYTES
    assert HeaderDecoder().decode(block) == [("n", "v" * (MAX_HEADER_BYTES - 33))]


def test_repeated_blocks_are_kept_within_bounds() -> None:
    decoder, encoder = HeaderDecoder(), Encoder()
    encoder.header_table_size = 0
    decoder.decode(encoder.encode([("a", "b")]))
    for number in range(1000):
        block = encoder.encode([(":path", f"/{number}")])
        assert decoder.decode(block) == [(":path", f"/{number}")]
    known: dict[bytes, Any] = decoder._known
    assert 0 < len(known) <= 64


@given(st.lists(fields.filter(lambda field: field[0].isascii()), max_size=8))
def test_what_we_encode_the_library_reads_without_a_table(given_fields: list[tuple[str, str]]) -> None:
    decoder = Decoder()
    decoder.header_table_size = 0
    block = encode_fields(given_fields)
    assert outcome(decoder.decode, block) == given_fields
    assert not decoder.header_table.dynamic_entries


@given(st.integers(0, 300) | st.integers(16_000, 17_000) | st.integers(2**21, 2**21 + 5))
@settings(max_examples=50, deadline=None)
def test_lengths_of_any_size_are_written_as_the_library_reads_them(size: int) -> None:
    decoder = Decoder(2**23)
    assert outcome(decoder.decode, encode_fields([("n", "v" * size)])) == [("n", "v" * size)]


def test_a_request_head_is_a_grpc_request() -> None:
    block = request_head("host", "/s/m") + timeout_field(1.5)
    assert outcome(Decoder().decode, block) == [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "host"),
        (":path", "/s/m"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "craton"),
        ("grpc-timeout", "1500000u"),
    ]


@given(st.floats(1e-9, 99_999_998.0))
def test_timeouts_have_at_most_eight_digits_and_never_grow(seconds: float) -> None:
    ((_, value),) = outcome(Decoder().decode, timeout_field(seconds))
    assert re.fullmatch("[1-9][0-9]{0,7}[umS]", value)
    unit = {"u": 1e-6, "m": 1e-3, "S": 1.0}[value[-1]]
    assert int(value[:-1]) * unit <= max(seconds, 1e-6) * (1 + 1e-12)
    assert int(value[:-1]) * unit >= seconds * 0.99 - 1e-6


@pytest.mark.parametrize(
    ("encoded", "text"),
    [("plain", "plain"), ("50%25 %C3%A9", "50% é"), ("%FF", "\ufffd"), ("%zz%", "%zz%"), ("é", "é")],
)
def test_messages_of_a_status_are_percent_decoded(encoded: str, text: str) -> None:
    assert percent_decoded(encoded) == text


def test_codes_of_refusals() -> None:
    with pytest.raises(ConnectionFault) as caught:
        HeaderDecoder().decode(b"\xff\xff\xff")
    assert caught.value.code == frames.COMPRESSION_ERROR
    with pytest.raises(ConnectionFault) as caught:
        HeaderDecoder().decode(bytes(MAX_HEADER_BYTES + 1))
    assert caught.value.code == frames.ENHANCE_YOUR_CALM
