"""The format of spool segments: how records are framed, and how a damaged end is told from damage.

A segment is a file named <first position, 20 digits>.seg:

    header   magic "CRSPOOL1" | spool id (16) | first position (u64) | CRC-32 of the 32 bytes before
    record   magic "CRec" | CRC-32 of all that follows | length (u32) | lane (u8) | 3 zero bytes |
             position (u64) | synced (u64) | payload

All numbers are little-endian. `synced` is the position up to which the spool was durable when the
record was written. It tells a torn end from corruption: a record that is broken although a later one
says that it had been synced was acknowledged, and its loss must not be repaired in silence. A torn end
can only lie in the last commit, for which no later record vouches; it is cut off. Zeros after the last
record are room that was reserved and not used.

A payload must not contain a frame, which would be taken for one where its own record is torn. The recorder
sees to that: texts of clients have no NUL there, and every frame has four in a row.
"""

import enum
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_HEADER = struct.Struct("<8s16sQ")
_CRC = struct.Struct("<I")
_FRAME = struct.Struct("<4sIIB3xQQ")
_BODY = struct.Struct("<IB3xQQ")
_MAGIC = b"CRSPOOL1"
_RECORD = b"CRec"
_BODY_OFFSET = 8

HEADER_BYTES = _HEADER.size + _CRC.size
FRAME_BYTES = _FRAME.size
MAX_PAYLOAD_BYTES = 256 * 1024
"""Far above any event: bounds what a reader believes of a length field."""


class Lane(enum.IntEnum):
    """Which budget a record is charged to."""

    EVENT = 0
    """Intents and reads: refused first when the spool fills."""
    OUTCOME = 1
    """Outcomes of calls whose intent is durable: they may use a reserve that nothing else can."""
    SUMMARY = 2
    """Summaries: a small budget of their own, so that strangers can never fill the others."""


class SpoolCorruptError(Exception):
    """A segment lacks bytes that were acknowledged; the message names the file and the position."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a segment."""

    position: int
    lane: Lane
    payload: bytes
    end: int
    """Offset in the segment after this record."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a whole segment holds."""

    first_position: int
    next_position: int
    size: int
    """Bytes up to the end of the last whole record; what lies beyond is unused or a torn end."""
    summary_bytes: int
    """Bytes of `size` that summaries take."""
    torn_bytes: int


def segment_header(spool_id: bytes, first_position: int) -> bytes:
    """Return the header of a segment."""
    head = _HEADER.pack(_MAGIC, spool_id, first_position)
    return head + _CRC.pack(zlib.crc32(head))


def frame(position: int, synced: int, lane: int, payload: bytes) -> bytes:
    """Return `payload` as a record."""
    body = _BODY.pack(len(payload), lane, position, synced)
    crc = zlib.crc32(payload, zlib.crc32(body))
    return b"".join((_RECORD, _CRC.pack(crc), body, payload))


def valid_header(data: bytes | memoryview, spool_id: bytes, first_position: int) -> bool:
    """Say whether `data` begins with the header that belongs there."""
    return bytes(data[:HEADER_BYTES]) == segment_header(spool_id, first_position)


def read_records(data: bytes, position: int) -> Iterator[Record]:
    """Yield the whole records at the start of `data`, whose first has `position`; stop at the first break."""
    offset = 0
    while True:
        found = _record_at(data, offset)
        if found is None or found[0].position != position:
            return
        yield found[0]
        offset = found[0].end
        position += 1


def scan(data: bytes, name: str, spool_id: bytes, first_position: int, *, last: bool) -> Scan:
    """Check a whole segment.

    Only the `last` segment may have a torn end. Raises SpoolCorruptError when acknowledged bytes are
    missing: a break in an earlier segment, or one that a later record of this segment vouches for.
    """
    position, size, summaries = first_position, 0, 0
    if valid_header(data, spool_id, first_position):
        size = HEADER_BYTES
        for record in read_records(data[HEADER_BYTES:], first_position):
            if record.lane is Lane.SUMMARY:
                summaries += HEADER_BYTES + record.end - size
            size = HEADER_BYTES + record.end
            position = record.position + 1
    torn = len(data) - size if data[size:].strip(b"\0") else 0
    if torn and (not last or _vouched(data, size, position)):
        raise SpoolCorruptError(f"{name}: the acknowledged record at position {position} is damaged")
    return Scan(first_position, position, size, summaries, torn)


def _vouched(data: bytes, offset: int, position: int) -> bool:
    """Say whether a whole record after `offset` claims that `position` had been synced before it."""
    while (offset := data.find(_RECORD, offset)) >= 0:
        found = _record_at(data, offset)
        if found is not None and found[1] > position:
            return True
        # Within a whole record nothing is one: its payload is what others wrote.
        offset = offset + 1 if found is None else found[0].end
    return False


def _record_at(data: bytes, offset: int) -> tuple[Record, int] | None:
    """Return the record at `offset` and its `synced`, None when there is no whole one."""
    if offset + FRAME_BYTES > len(data):
        return None
    magic, crc, length, lane, position, synced = _FRAME.unpack_from(data, offset)
    end = offset + FRAME_BYTES + length
    if magic != _RECORD or length > MAX_PAYLOAD_BYTES or end > len(data) or lane > Lane.SUMMARY:
        return None
    body = data[offset + _BODY_OFFSET : end]
    if zlib.crc32(body) != crc:
        return None
    return Record(position, Lane(lane), body[_BODY.size :], end), synced
