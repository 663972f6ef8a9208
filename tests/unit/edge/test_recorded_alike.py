"""Edge and the service behind it record an operation under one name, and agree whether it changes things."""

import importlib

import pytest

from services.chassis.audit.ports import AuditedMethod
from services.edge.events import SERVED, Key
from tests.served_operations import name_behind


def behind(key: Key) -> list[AuditedMethod]:
    """Return the methods of the service that answers an operation which have the operation's event."""
    served = SERVED[key]
    events = importlib.import_module(f"services.{served.audience}.events").EVENTS
    wanted = served.audited.event_source, name_behind(key)
    return [each for each in events.values() if (each.event_source, each.event_name) == wanted]


@pytest.mark.parametrize("key", sorted(SERVED))
def test_an_operation_has_one_event_and_is_read_only_at_both_or_neither(key: Key) -> None:
    methods = behind(key)
    assert methods
    assert {each.read_only for each in methods} == {SERVED[key].audited.read_only}
