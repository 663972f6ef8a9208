"""The rows of the index: what the database says in the clear of an event, and what follows from the event.

Everything here is a function of the event alone, so that whoever can open it can say what the rows must be.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

from services.audit.domain.entry import Index
from services.audit.domain.resource_types import resource_type

COLUMNS = tuple(each.name for each in fields(Index) if each.name not in ("resources", "incarnation"))
"""Of an entry, what follows from its event. Resources have rows of their own; incarnations are not stored."""

NO_RESOURCE = "\0"
"""In the place of the resource in a row that is of no entry: no event's resource is called so."""


class ResourceRow(NamedTuple):
    """A row of the resources of an entry."""

    resource: str
    account_id: str
    time_us: int
    resource_type: str


@dataclass(frozen=True, slots=True)
class IndexRow:
    """All that the database holds of one entry."""

    sequence: int
    spool_id: str
    position: int
    workload: str | None
    """Of its spool, for example "service/auth"; None when there is no such spool."""
    leaf: bytes
    columns: Mapping[str, object]
    """All other columns, by their names."""
    resources: Collection[ResourceRow]


def columns_of(index: Index) -> dict[str, object]:
    """Return the columns of an entry's row that follow from its event."""
    return {name: getattr(index, name) for name in COLUMNS}


def resources_of(index: Index) -> list[ResourceRow]:
    """Return the rows of an entry's resources."""
    return [ResourceRow(name, index.account_id, index.time_us, kind) for name, kind in typed(index)]


def typed(index: Index) -> Iterator[tuple[str, str]]:
    """Yield resources with their types. A type that was there is left out: an event is found by it once."""
    seen = {""}
    for resource in index.resources:
        # Of what the log has besides records, nobody asks for types.
        kind = resource_type(resource) if index.record else ""
        yield resource, "" if kind in seen else kind
        seen.add(kind)


def altered_columns(row: IndexRow, expected: Mapping[str, object]) -> list[str]:
    """Return the names of the columns of an entry's row that are others than they should be.

    A column that nobody expects is one of them: it would hold what was never compared.
    """
    names = [*expected, *(name for name in row.columns if name not in expected)]
    absent = object()
    return [name for name in names if row.columns.get(name, absent) != expected.get(name, absent)]


def altered_unopened(row: IndexRow, event_id: bytes, time_us: int) -> tuple[list[str], list[str]]:
    """Say what of rows is wrong whatever the event was, which nobody can open: columns, and of resources.

    The entry has id and time in the clear, and the rows of an entry agree with each other.
    """
    account_id, record = row.columns.get("account_id"), row.columns.get("record")
    columns = altered_columns(row, {**row.columns, "event_id": event_id, "time_us": time_us})
    resources = set[str]()
    for each in row.resources:
        resources |= {"account_id"} if each.account_id != account_id else set()
        resources |= {"time_us"} if each.time_us != time_us else set()
        if not isinstance(each.resource, str) or each.resource == NO_RESOURCE:
            resources.add("resource")
        elif each.resource_type not in ("", resource_type(each.resource) if record else ""):
            resources.add("resource_type")
    return columns, sorted(resources)


def altered_resources(row: IndexRow, expected: Collection[ResourceRow]) -> list[str]:
    """Say how the rows of an entry's resources are others than they should be; nothing when they are not."""
    missing, added = set(expected) - set(row.resources), set(row.resources) - set(expected)
    found = []
    for each in sorted(missing):
        twin = next((other for other in added if other.resource == each.resource), None)
        if twin is None:
            found.append("missing")
            continue
        added.discard(twin)
        found += [name for name in ResourceRow._fields if getattr(each, name) != getattr(twin, name)]
    found += ["added"] * len(added)
    if len(row.resources) != len(set(row.resources)):
        found.append("twice")
    return found
