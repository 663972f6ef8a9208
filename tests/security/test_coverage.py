"""Every call that any socket of a running stack takes has its record in the audit log.

Calls are made once, by tests/security/every_call.py; then the log is asked, as the operator asks it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.edge.events import SERVED
from tests.audit_trail import OK, AuditTrail, Record, missing
from tests.listening import reviewed
from tests.security.every_call import every_native_call, every_operation, every_rpc
from tests.stack_callers import SERVERS, Workloads

_SHIPPED_S = 60.0
_COUNTED_S = 120.0
"""Counts are written once a minute."""


@dataclass(frozen=True)
class Made:
    """What the calls must have left, and where to look for it."""

    rpcs: list[Record]
    operations: list[Record]
    trail: AuditTrail


@pytest.fixture(scope="module")
def made(stack: Any) -> Iterator[Made]:
    since, workloads = datetime.now(UTC) - timedelta(seconds=1), Workloads(stack)
    rpcs = [*every_rpc(stack, workloads), *every_native_call(stack, workloads)]
    operations = list(every_operation(stack))
    with workloads.channel(SERVERS["audit"], "operator/admin") as channel:
        yield Made(rpcs, operations, AuditTrail(channel, since))


def recorded(records: list[Record]) -> list[Record]:
    return [record for record in records if record.request_id]


def counted(records: list[Record]) -> list[Record]:
    return [record for record in records if not record.request_id]


def test_every_rpc(made: Made) -> None:
    print(f"{len(made.rpcs)} calls, {len(recorded(made.rpcs))} of them recorded one by one")
    described = {
        (server.label, audited.event_source, audited.event_name)
        for server in SERVERS.values()
        for audited in server.events().values()
    }
    described |= {(label, "grpc.craton", "UnknownMethod") for label in SERVERS}
    assert {(record.recorder, record.source, record.name) for record in made.rpcs} == described
    # Not everything was refused: what an answered call leaves is looked for too.
    assert sum(record.ended == OK for record in recorded(made.rpcs)) > 10
    assert made.trail.missing(recorded(made.rpcs), _SHIPPED_S) == []


def test_every_operation_at_edge_and_at_the_service_behind_it(made: Made) -> None:
    print(f"{len(made.operations)} records of {len(SERVED)} operations")
    at_edge = {(record.source, record.name) for record in made.operations if record.recorder == "edge"}
    assert at_edge >= {(each.audited.event_source, each.audited.event_name) for each in SERVED.values()}
    assert made.trail.missing(recorded(made.operations), _SHIPPED_S) == []


def test_what_is_only_counted(made: Made) -> None:
    records = counted([*made.rpcs, *made.operations])
    assert len(records) > 50
    assert made.trail.missing(records, _COUNTED_S) == []


def test_every_socket_that_records_was_called(made: Made) -> None:
    called = {record.socket for record in (*made.rpcs, *made.operations)} - {""}
    assert called == {socket for socket, why in reviewed().items() if why.startswith("recorded: ")}


def test_a_planted_gap_is_found(made: Made) -> None:
    """Each record is looked for by itself: none of them is found in the events of all others."""
    events = list(made.trail.events())
    assert missing(recorded(made.rpcs)[:3], events) == []
    for record in (recorded(made.rpcs)[0], recorded(made.operations)[0]):
        for other in (
            replace(record, request_id="5e1f0000-0000-4000-8000-000000000000"),
            replace(record, recorder="other"),
            replace(record, name="Other"),
            replace(record, caller="other"),
            replace(record, ended="UNKNOWN OTHER"),
        ):
            assert missing([record, other], events) == [other]
        others = [event for event in events if event.request_id != record.request_id]
        assert missing([record], others) == [record]
    once_more = counted(made.rpcs)[0]
    assert missing([once_more] * 1000, events) == [once_more] * 1000
