"""What an opened event says, as far as statements need it: read from its serialised form, without a library.

The encoding: https://protobuf.dev/programming-guides/encoding/. Field numbers are those of
craton.audit.v1.Event.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tlog.errors import TlogError

OUTCOME = 2
"""The phase of an event that was written after the effect."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIELDS = {1: "event_id", 3: "request_id", 6: "recorder", 13: "status", 16: "account_id"}
_PHASE, _STATEMENT = 4, 26


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event, in part."""

    event_id: str
    request_id: str
    recorder: str
    status: str
    account_id: str
    phase: int
    statement_sha256: bytes

    @classmethod
    def parse(cls, event: bytes) -> "RecordedEvent":
        """Read a serialised event. Raises TlogError, also where a field that counts stands twice."""
        texts = dict.fromkeys(_FIELDS.values(), "")
        phase, statement, seen = 0, b"", set[int]()
        for number, value in _fields(event):
            if number not in _FIELDS and number not in (_PHASE, _STATEMENT):
                continue
            if number in seen:
                raise TlogError("an event says something twice")
            seen.add(number)
            if value is None or (number == _PHASE) is not isinstance(value, int):
                raise TlogError("an event has a field of another kind")
            if isinstance(value, int):
                phase = value
            elif number == _STATEMENT:
                statement = value
            else:
                texts[_FIELDS[number]] = _text(value)
        return cls(**texts, phase=phase, statement_sha256=statement)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes | None]]:
    """Yield numbers and values; None for numbers of a fixed width, which no text and no bytes are."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
        if kind == _BYTES:
            size, at = _varint(message, at)
        if size is None or at + size > len(message):
            raise TlogError("not a serialised event")
        yield number, message[at : at + size] if kind == _BYTES else None
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise TlogError("not a serialised event")


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise TlogError("not a serialised event") from error
