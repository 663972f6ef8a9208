"""Reads durable records back, for shipping."""

from collections.abc import Sequence
from pathlib import Path

from services.chassis.audit.recovery import Segment
from services.chassis.audit.segment import (
    FRAME_BYTES,
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    SpoolCorruptError,
    read_records,
)

_WINDOW_BYTES = 1024 * 1024
assert _WINDOW_BYTES > MAX_PAYLOAD_BYTES + FRAME_BYTES  # noqa: S101 - one record always fits a window


class SpoolReader:
    """Reads forward through a spool's segments and remembers where the next record lies."""

    def __init__(self) -> None:
        """Begin without a place: the first read scans its segment."""
        self._path: Path | None = None
        self._position = 0
        self._offset = 0

    def read(self, segments: Sequence[Segment], position: int, limit: int) -> list[bytes]:
        """Return up to `limit` consecutive payloads from `position` on, about a mebibyte at most.

        `segments` is a snapshot; only what it calls durable is read. Returns an empty list when there is
        nothing at `position`. Raises SpoolCorruptError when a durable record cannot be read, OSError.
        """
        for segment in segments:
            if segment.first_position <= position < segment.next_position:
                return self._read(segment, position, limit)
        return []

    def _read(self, segment: Segment, position: int, limit: int) -> list[bytes]:
        if segment.path != self._path or self._position > position:
            self._path, self._position, self._offset = segment.path, segment.first_position, HEADER_BYTES
        payloads: list[bytes] = []
        with segment.path.open("rb", buffering=0) as file:
            while not payloads:
                file.seek(self._offset)
                window = file.read(min(_WINDOW_BYTES, segment.size - self._offset))
                before = self._position
                for record in read_records(window, self._position):
                    if record.position >= position:
                        payloads.append(record.payload)
                    self._position = record.position + 1
                    end = record.end
                    if len(payloads) == limit:
                        break
                if self._position == before:
                    raise SpoolCorruptError(
                        f"{segment.path.name}: the durable record at position {before} is damaged"
                    )
                self._offset += end
        return payloads
