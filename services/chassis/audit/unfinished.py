"""Calls that an earlier life of the process began, and of which it could not say any more how they ended."""

from collections.abc import Sequence

from craton.audit.v1 import resources_pb2 as pb

from services.chassis.audit.reader import SpoolReader
from services.chassis.audit.recovery import Segment

_MOST_BYTES = 64 * 1024 * 1024
"""Of the newest segments: reading them takes a second or two. Only a spool that could not be shipped for long
has more, and calls that were in progress at its end stand at its end."""
_RECORDS = 1024


def unfinished(segments: Sequence[Segment]) -> list[pb.Event]:
    """Return the intents in a spool that no outcome follows, the oldest first.

    Blocks: for the boot. Raises SpoolCorruptError, OSError.
    """
    chosen: list[Segment] = []
    for segment in reversed(segments):
        if chosen and sum(each.size for each in chosen) + segment.size > _MOST_BYTES:
            break
        chosen.insert(0, segment)
    found: dict[str, pb.Event] = {}
    reader = SpoolReader()
    for segment in chosen:
        position = segment.first_position
        while position < segment.next_position:
            payloads = reader.read([segment], position, _RECORDS)
            position += len(payloads)
            for payload in payloads:
                event = pb.Event.FromString(payload)
                if event.phase == pb.EVENT_PHASE_INTENT:
                    found[event.call_id] = event
                elif event.phase == pb.EVENT_PHASE_OUTCOME:
                    found.pop(event.call_id, None)
    return list(found.values())
