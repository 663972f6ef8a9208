"""The segment format: what is read is what was written, and damage is told from a torn end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.audit.segment import (
    FRAME_BYTES,
    HEADER_BYTES,
    Lane,
    SpoolCorruptError,
    frame,
    read_records,
    scan,
    segment_header,
)

SPOOL = bytes(range(16))


def build(batches: list[list[bytes]], first: int = 7) -> bytes:
    """A segment of several commits: each record knows how far the spool was durable before its commit."""
    data, position = segment_header(SPOOL, first), first
    for batch in batches:
        synced = position
        for payload in batch:
            data += frame(position, synced, Lane.EVENT, payload)
            position += 1
    return data


@given(st.lists(st.tuples(st.binary(max_size=300), st.sampled_from(Lane)), max_size=20))
def test_reads_back_what_was_framed(records):
    data = b"".join(frame(3 + i, 3, lane, payload) for i, (payload, lane) in enumerate(records))
    read = list(read_records(data, 3))
    assert [(record.payload, record.lane) for record in read] == records
    assert [record.position for record in read] == list(range(3, 3 + len(records)))


def test_scan_of_a_whole_segment():
    data = build([[b"one"], [b"two", b"three"]])
    found = scan(data, "s", SPOOL, 7, last=True)
    assert (found.next_position, found.size, found.torn_bytes) == (10, len(data), 0)


def test_summary_bytes_are_counted():
    data = segment_header(SPOOL, 0) + frame(0, 0, Lane.EVENT, b"e") + frame(1, 0, Lane.SUMMARY, b"sum")
    assert scan(data, "s", SPOOL, 0, last=True).summary_bytes == FRAME_BYTES + 3


def test_every_truncation_keeps_the_records_before_it():
    data = build([[b"one"], [b"two", b"three"]])
    ends = [HEADER_BYTES]
    for payload in (b"one", b"two", b"three"):
        ends.append(ends[-1] + FRAME_BYTES + len(payload))
    for cut in range(len(data)):
        found = scan(data[:cut], "s", SPOOL, 7, last=True)
        whole = max(sum(end <= cut for end in ends) - 1, 0)
        assert found.next_position == 7 + whole, cut
        assert found.size + found.torn_bytes == cut


def test_reserved_room_is_no_torn_end():
    data = build([[b"one"], [b"two"]])
    for last in (True, False):
        found = scan(data + bytes(500), "s", SPOOL, 7, last=last)
        assert (found.next_position, found.size, found.torn_bytes) == (9, len(data), 0)


def test_an_acknowledged_record_that_reads_as_zeros_is_corruption():
    data = bytearray(build([[b"one"], [b"two"]]) + bytes(500))
    data[HEADER_BYTES : HEADER_BYTES + FRAME_BYTES + 3] = bytes(FRAME_BYTES + 3)
    with pytest.raises(SpoolCorruptError):
        scan(bytes(data), "s", SPOOL, 7, last=True)


def test_every_flipped_bit_of_an_acknowledged_record_is_corruption():
    """The first commit is vouched for by the records of the second."""
    data = build([[b"one"], [b"two"]])
    end = HEADER_BYTES + FRAME_BYTES + 3
    for bit in range(end * 8):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SpoolCorruptError):
            scan(bytes(damaged), "s", SPOOL, 7, last=True)


def test_every_flipped_bit_of_the_last_commit_is_a_torn_end():
    data = build([[b"one"], [b"two", b"three"]])
    start = HEADER_BYTES + FRAME_BYTES + 3
    for bit in range(start * 8, len(data) * 8):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        assert 8 <= scan(bytes(damaged), "s", SPOOL, 7, last=True).next_position < 10


def test_what_a_whole_record_holds_vouches_for_nothing():
    """Its payload may be a frame: somebody else has written it."""
    data = build([[b"one"], [b"two", frame(99, 99, Lane.EVENT, b"forged")]])
    damaged = bytearray(data)
    damaged[HEADER_BYTES + FRAME_BYTES + 3] ^= 1
    assert scan(bytes(damaged), "s", SPOOL, 7, last=True).next_position == 8


def test_a_broken_end_of_an_earlier_segment_is_corruption():
    data = build([[b"one"]])
    with pytest.raises(SpoolCorruptError):
        scan(data[:-1], "s", SPOOL, 7, last=False)


def test_a_segment_of_another_spool_is_not_read():
    data = build([[b"one"]])
    assert scan(data, "s", bytes(16), 7, last=True).next_position == 7


def test_a_record_at_another_position_is_not_read():
    """A page of an older file that shows up at the end is no record of this one."""
    data = build([[b"one"]]) + frame(99, 99, Lane.EVENT, b"stale")
    with pytest.raises(SpoolCorruptError):
        scan(data, "s", SPOOL, 7, last=True)
    data = build([[b"one"]]) + frame(5, 5, Lane.EVENT, b"stale")
    assert scan(data, "s", SPOOL, 7, last=True).next_position == 8
