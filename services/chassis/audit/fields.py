"""Parameters of calls that come as messages: named fields of them, under the names that AWS has for them.

A field is recorded when a table of its service names it, and never for any other reason; one of bytes, or one
that is marked as sensitive, never at all.
"""

from collections.abc import Callable, Mapping
from typing import Any

from craton.common.v1 import options_pb2

from services.chassis.audit.parameters import recorded
from services.chassis.context import CallContext

Convert = Callable[[Any], Any]
Table = Mapping[str, str | tuple[str, Convert]]
"""What fields are called in records, and how their values are written where they are not as they came."""
_Plan = list[tuple[str, str, Convert, bool]]


class NamedFields:
    """Records the fields of a table, wherever in a request they are."""

    def __init__(self, table: Table) -> None:
        """Record what `table` names, if it is set."""
        self._table = table
        self._plans: dict[str, _Plan] = {}

    def __call__(self, request: Any, _call: CallContext) -> str:
        """Return what is recorded of a request."""
        return recorded(self._values(request))

    def chosen(self, descriptor: Any) -> dict[str, Any]:
        """Return the fields of a message that are recorded, by their names in records."""
        by_name = descriptor.fields_by_name
        return {name: by_name[field] for field, name, _, _ in self._plan(descriptor)}

    def _values(self, message: Any) -> dict[str, Any]:
        values = {}
        for field, name, convert, presence in self._plan(message.DESCRIPTOR):
            value = getattr(message, field)
            # What is not set says nothing. Where that can be told, false and empty are values as well.
            if message.HasField(field) if presence else value:
                values[name] = convert(value)
        return values

    def _plan(self, descriptor: Any) -> _Plan:
        plan = self._plans.get(descriptor.full_name)
        if plan is None:
            plan = self._plans[descriptor.full_name] = [
                (field.name, *self._written(field, self._table[field.name]), field.has_presence)
                for field in descriptor.fields
                if field.name in self._table and not _is_secret(field)
            ]
        return plan

    def _written(self, field: Any, entry: str | tuple[str, Convert]) -> tuple[str, Convert]:
        if not isinstance(entry, str):
            return entry
        return entry, self._convert(field)

    def _convert(self, field: Any) -> Convert:
        kind = field.message_type
        if kind is None:
            if field.enum_type is not None:
                return _names(field)
            return list if field.is_repeated else _as_it_is
        if kind.GetOptions().map_entry:
            return dict
        one: Convert = _WELL_KNOWN.get(kind.full_name, self._values)
        return (lambda values: [one(each) for each in values]) if field.is_repeated else one


def _is_secret(field: Any) -> bool:
    return field.type == field.TYPE_BYTES or bool(field.GetOptions().Extensions[options_pb2.sensitive])


def _as_it_is(value: Any) -> Any:
    return value


def _names(field: Any) -> Convert:
    """Return what writes an enumeration's numbers without its name: KEY_SPEC_RSA_2048 as "RSA_2048"."""
    values = field.enum_type.values
    prefix = values[0].name.removesuffix("UNSPECIFIED")
    names: dict[int, str] = {each.number: each.name.removeprefix(prefix) for each in values}

    def name(number: int) -> str:
        return names.get(number, str(number))

    return (lambda numbers: [name(each) for each in numbers]) if field.is_repeated else name


_WELL_KNOWN: Mapping[str, Convert] = {
    "google.protobuf.Duration": lambda value: value.seconds,
    "google.protobuf.Timestamp": lambda value: value.ToJsonString(),
}
