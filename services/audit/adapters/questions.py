"""Questions about past events in SQL: a page is read from one index, whatever the log holds."""

import heapq
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from services.audit.adapters.tables import ENTRIES, RESOURCES
from services.audit.domain.purged import PURGED
from services.audit.domain.query import Place, Query
from services.audit.ports import StoredEntry

STORED = (
    ENTRIES.c.sequence,
    ENTRIES.c.event_id,
    ENTRIES.c.time_us,
    ENTRIES.c.account_id,
    ENTRIES.c.principal_arn,
    ENTRIES.c.event_name,
    ENTRIES.c.request_id,
    ENTRIES.c.event_source,
    ENTRIES.c.user_name,
    ENTRIES.c.access_key,
    ENTRIES.c.read_only,
    ENTRIES.c.record,
    ENTRIES.c.leaf,
)
IS_RECORD = sa.text("entries.record")
"""As the partial indexes have it: SQLite does not see that "record = 1" says the same."""
_ACCOUNT = sa.bindparam("account_id", type_=sa.String)
_NEXT_ACCOUNT = sa.select(sa.func.min(ENTRIES.c.account_id)).where(ENTRIES.c.account_id > _ACCOUNT)
"""A step of the index, however many events an account has."""


def stored(row: Sequence[Any]) -> StoredEntry:
    """Return an entry from a row of STORED."""
    return StoredEntry(*row)


def answer(connection: sa.Connection, query: Query, after: Place | None, limit: int) -> list[StoredEntry]:
    """Return up to `limit` entries that match, newest first, those before `after` left out."""
    if query.account_id is None and indexed_by_account(query):
        return _merged(connection, query, after, limit)
    return [stored(row) for row in connection.execute(statement_of(query, after).limit(limit))]


def indexed_by_account(query: Query) -> bool:
    """Say whether the index that answers a question has the account before the time.

    Without an account such an index does not give the order: everything that matches would be sorted.
    """
    of_records = query.event_source or query.user_name or query.access_key or query.read_only is not None
    return not _found_elsewhere(query) and bool(
        query.event_name or query.resource or query.resource_type or (query.records and of_records)
    )


def _found_elsewhere(query: Query) -> bool:
    """Say whether an attribute finds few events, those of one account."""
    return bool(query.principal_arn or query.request_id or query.event_id)


def _merged(connection: sa.Connection, query: Query, after: Place | None, limit: int) -> list[StoredEntry]:
    """Ask for each account and merge: costs as many short searches as there are accounts."""
    order = _order(query)
    places_of_account = _asked(
        sa.select(order.c.time_us, order.c.sequence).select_from(ENTRIES), query, after, _ACCOUNT
    ).limit(limit)
    places: list[tuple[int, int]] = []
    # The installation's own events have no account.
    account_id: str | None = ""
    while account_id is not None:
        asked = {"account_id": account_id}
        found = [(time_us, sequence) for time_us, sequence in connection.execute(places_of_account, asked)]
        places = heapq.nlargest(limit, places + found)
        account_id = connection.execute(_NEXT_ACCOUNT, asked).scalar_one()
    if not places:
        return []
    rows = connection.execute(sa.select(*STORED).where(ENTRIES.c.sequence.in_([each[1] for each in places])))
    return sorted(map(stored, rows), key=lambda row: (row.time_us, row.sequence), reverse=True)


def statement_of(query: Query, after: Place | None) -> "sa.Select[Any]":
    """Return the question in SQL, newest first; each page is read from one index, whatever the log holds.

    Where `indexed_by_account` holds, that is so for a question about one account.
    """
    return _asked(sa.select(*STORED), query, after, query.account_id)


def _order(query: Query) -> sa.Table:
    """Return the table whose index gives the order: the resources' own when a resource is asked for."""
    asked = bool(query.resource or query.resource_type)
    return RESOURCES if asked and not _found_elsewhere(query) else ENTRIES


def _resource(query: Query) -> list[sa.ColumnElement[bool]]:
    """Return what a question says of a row of the resources, beside its entry; nothing for most questions."""
    wanted = []
    if query.resource:
        wanted.append(RESOURCES.c.resource == query.resource)
    if query.resource_type:
        wanted.append(RESOURCES.c.resource_type == query.resource_type)
    return [*wanted, RESOURCES.c.sequence == ENTRIES.c.sequence] if wanted else []


def _asked(statement: "sa.Select[Any]", query: Query, after: Place | None, account: Any) -> "sa.Select[Any]":
    order, of_resource = _order(query), _resource(query)
    if order is RESOURCES:
        statement = statement.join(RESOURCES, sa.and_(*of_resource))
    elif of_resource:
        # The few that are found are looked up by the whole key of an index, one after the other.
        beside = (RESOURCES.c.account_id == ENTRIES.c.account_id, RESOURCES.c.time_us == ENTRIES.c.time_us)
        statement = statement.where(sa.exists().where(*of_resource, *beside))
    time_us, sequence = order.c.time_us, order.c.sequence
    if account is not None:
        account_id: sa.ColumnElement[str] = order.c.account_id
        if _found_elsewhere(query):
            # No planner is to go through the account's events for the few that are its principal's.
            account_id = account_id + ""
        statement = statement.where(account_id == account)
    else:
        statement = statement.where(order.c.account_id != PURGED)
    if query.start_us is not None:
        statement = statement.where(time_us >= query.start_us)
    if query.end_us is not None and (after is None or after.time_us >= query.end_us):
        # The place of a page before says more: with both, SQLite would begin at the end of the range again.
        statement = statement.where(time_us < query.end_us)
    for column, value in (
        (ENTRIES.c.principal_arn, query.principal_arn),
        (ENTRIES.c.event_name, query.event_name),
        (ENTRIES.c.request_id, query.request_id),
        (ENTRIES.c.event_id, query.event_id),
        (ENTRIES.c.event_source, query.event_source),
        (ENTRIES.c.user_name, query.user_name),
        (ENTRIES.c.access_key, query.access_key),
    ):
        if value:
            statement = statement.where(column == value)
    if query.read_only is not None:
        statement = statement.where(ENTRIES.c.read_only == query.read_only)
    if query.records:
        statement = statement.where(IS_RECORD)
    if after is not None:
        statement = statement.where(sa.tuple_(time_us, sequence) < (after.time_us, after.sequence))
    return statement.order_by(time_us.desc(), sequence.desc())
