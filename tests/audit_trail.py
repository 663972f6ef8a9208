"""The audit log of a running stack as its operator reads it, and what it must hold of the calls of a test."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import grpc
from craton.audit.v1 import lookup_service_pb2 as pb
from craton.audit.v1 import resources_pb2
from craton.audit.v1.lookup_service_pb2_grpc import LookupServiceStub

_PAGE = 1000
_TIMEOUT_S = 30.0
_LOOK_S = 1.0
OK = "OK"
REFUSED = "refused"
INTENDED = "intended"


@dataclass(frozen=True)
class Record:
    """One event that a call must have, or for a call that is only counted its place in a count."""

    recorder: str
    source: str
    name: str
    """Of the event."""
    caller: str
    """SPIFFE id of the workload, else ARN of the principal, "" for strangers."""
    ended: str
    """Status and reason as the client was told, or OK or REFUSED; INTENDED for an intent."""
    request_id: str = ""
    """"" for a call that is only counted."""
    socket: str = field(default="", compare=False)
    """Where the call came in, as in tests.listening."""


class AuditTrail:
    """Asks for everything that was recorded since a moment."""

    def __init__(self, channel: grpc.Channel, since: datetime) -> None:
        """Ask over a channel of the operator."""
        self._find = LookupServiceStub(channel).LookupEvents
        self._since = since

    def missing(self, records: Collection[Record], limit_s: float) -> list[Record]:
        """Return what is not in the log, once that is nothing or after `limit_s` seconds."""
        deadline = time.monotonic() + limit_s
        while (left := missing(records, self.events())) and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
        return left

    def events(self) -> Iterator[resources_pb2.Event]:
        """Yield what has been shipped by now, newest first."""
        request = pb.LookupEventsRequest(page_size=_PAGE)
        request.start_time.FromDatetime(self._since)
        while True:
            answer = self._find(request, timeout=_TIMEOUT_S)
            yield from answer.events
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token


def missing(records: Collection[Record], events: Iterable[resources_pb2.Event]) -> list[Record]:
    """Return the records that are not among the events: calls that are counted must all be in the counts."""
    written, counted = set[Record](), Counter[Record]()
    for event in events:
        found = _records(event)
        if event.phase == resources_pb2.EVENT_PHASE_SUMMARY:
            counted.update(dict.fromkeys(found, event.count))
        else:
            written.update(found)
    wanted = Counter(record for record in records if not record.request_id)
    return [
        record
        for record in records
        if (record not in written if record.request_id else counted[record] < wanted[record])
    ]


def _records(event: resources_pb2.Event) -> Iterator[Record]:
    """Yield what an event can be the record of: a client knows a status and a reason, or just a refusal."""
    exactly = f"{event.status_code} {event.error_reason}".rstrip()
    told = {exactly, OK if exactly == OK else REFUSED}
    if event.phase == resources_pb2.EVENT_PHASE_INTENT:
        told = {INTENDED}
    for ended in told:
        caller = event.caller or event.principal.arn
        yield Record(event.recorder, event.event_source, event.event_name, caller, ended, event.request_id)
