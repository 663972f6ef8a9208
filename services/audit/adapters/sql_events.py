"""The event store in SQL: nothing in this module updates or deletes an entry."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.audit.adapters.questions import IS_RECORD, STORED, answer, stored
from services.audit.adapters.tables import ENTRIES, HEADS, PURGED_ACCOUNTS, RESOURCES, SPOOLS
from services.audit.domain.index_rows import columns_of, resources_of
from services.audit.domain.purged import PurgedAccount, emptied
from services.audit.domain.query import Place, Query
from services.audit.errors import LogDamagedError, conflict, foreign_spool, gap, invalid_event
from services.audit.ports import Batch, SealedEntry, StoredEntry
from services.chassis.database import Database


class SqlEventStore:
    """Entries in SQL, one transaction a batch."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def append(self, batch: Batch) -> int:
        """Append as the port says. SQLite's transactions wait for each other; PostgreSQL locks the spool."""
        try:
            return await self._database.run(lambda connection: _append(connection, batch))
        except sa.exc.IntegrityError as error:
            raise invalid_event("an event id is held already") from error

    async def purged(self, account_ids: Collection[str]) -> Sequence[PurgedAccount]:
        """Read by the primary key."""
        return await self._database.read(lambda connection: _purged(connection, account_ids))

    async def indexes(self, event_ids: Collection[bytes]) -> Mapping[bytes, int]:
        """Read by the unique index of event ids."""
        statement = sa.select(ENTRIES.c.event_id, ENTRIES.c.sequence)
        statement = statement.where(ENTRIES.c.event_id.in_(event_ids))

        def work(connection: sa.Connection) -> Mapping[bytes, int]:
            return {row.event_id: row.sequence for row in connection.execute(statement)}

        return await self._database.read(work)

    async def find(self, query: Query, after: Place | None, limit: int) -> Sequence[StoredEntry]:
        """Search by one index; the other attributes filter what it yields."""
        return await self._database.read(lambda connection: answer(connection, query, after, limit))

    async def leaves(self, first: int, limit: int) -> Sequence[bytes]:
        """Read by the primary key, in which a gap would show."""
        statement = (
            sa.select(ENTRIES.c.sequence, ENTRIES.c.leaf)
            .where(ENTRIES.c.sequence >= first)
            .order_by(ENTRIES.c.sequence)
            .limit(limit)
        )

        def work(connection: sa.Connection) -> list[bytes]:
            rows = connection.execute(statement).all()
            for number, row in enumerate(rows):
                if row.sequence != first + number:
                    raise LogDamagedError(f"entry {first + number} is gone from the database")
            return [row.leaf for row in rows]

        return await self._database.read(work)

    async def rows(self, first: int, limit: int) -> Sequence[StoredEntry]:
        """Read by the primary key."""
        statement = sa.select(*STORED).where(ENTRIES.c.sequence >= first)
        statement = statement.order_by(ENTRIES.c.sequence).limit(limit)

        def work(connection: sa.Connection) -> list[StoredEntry]:
            return [stored(row) for row in connection.execute(statement)]

        return await self._database.read(work)

    async def by_id(self, event_id: bytes, account_id: str | None) -> StoredEntry | None:
        """Read by the unique index of event ids."""
        statement = sa.select(*STORED).where(ENTRIES.c.event_id == event_id)
        if account_id is not None:
            statement = statement.where(ENTRIES.c.account_id == account_id)

        def work(connection: sa.Connection) -> StoredEntry | None:
            row = connection.execute(statement).one_or_none()
            return None if row is None else stored(row)

        return await self._database.read(work)

    async def newest(self) -> int:
        """Read the end of the primary key."""
        statement = sa.select(sa.func.max(ENTRIES.c.sequence))

        def work(connection: sa.Connection) -> int:
            last: int | None = connection.execute(statement).scalar_one()
            return -1 if last is None else last

        return await self._database.read(work)

    async def noted(self, workload: str, event_name: str, limit: int) -> Sequence[tuple[int, str]]:
        """Read backwards from the newest; a service's own events are never far apart in its log."""
        newest = (
            sa.select(ENTRIES.c.sequence)
            .join(SPOOLS, SPOOLS.c.spool_id == ENTRIES.c.spool_id)
            .where(ENTRIES.c.event_name == event_name, ENTRIES.c.account_id == "")
            .where(SPOOLS.c.workload == workload)
            .order_by(ENTRIES.c.sequence.desc())
            .limit(limit)
        )
        named = sa.select(RESOURCES.c.sequence, RESOURCES.c.resource)

        def work(connection: sa.Connection) -> list[tuple[int, str]]:
            numbers = connection.execute(newest).scalars().all()
            rows = connection.execute(named.where(RESOURCES.c.sequence.in_(numbers)))
            return [(row.sequence, row.resource) for row in rows]

        return await self._database.read(work)

    async def span(self, account_id: str, after: int, most: int, most_bytes: int) -> int | None:
        """Read numbers and lengths alone."""
        statement = sa.select(ENTRIES.c.sequence, sa.func.length(ENTRIES.c.leaf))
        statement = statement.where(*_records(account_id, after)).order_by(ENTRIES.c.sequence).limit(most)

        def work(connection: sa.Connection) -> int | None:
            upto, total = None, 0
            for sequence, length in connection.execute(statement):
                total += length
                if upto is not None and total > most_bytes:
                    break
                upto = sequence
            return upto

        return await self._database.read(work)

    async def records(self, account_id: str, after: int, upto: int) -> Sequence[StoredEntry]:
        """Read by the index of an account's records."""
        statement = sa.select(*STORED).where(*_records(account_id, after), ENTRIES.c.sequence <= upto)
        statement = statement.order_by(ENTRIES.c.sequence)

        def work(connection: sa.Connection) -> list[StoredEntry]:
            return [stored(row) for row in connection.execute(statement)]

        return await self._database.read(work)


def _records(account_id: str, after: int) -> tuple[Any, ...]:
    return ENTRIES.c.account_id == account_id, ENTRIES.c.sequence > after, IS_RECORD


def _append(connection: sa.Connection, batch: Batch) -> int:
    held = _lock_spool(connection, batch)
    if batch.first_position > held:
        raise gap(held)
    known = min(held - batch.first_position, len(batch.entries))
    _compare(connection, batch, known)
    fresh = _without_purged(connection, batch.entries[known:])
    if not fresh:
        return held
    # Transactions behave as if they ran one after the other, so that numbers have no gap and no twin.
    last = connection.execute(sa.select(sa.func.max(ENTRIES.c.sequence))).scalar_one()
    covered = connection.execute(sa.select(sa.func.max(HEADS.c.size))).scalar_one()
    # Numbers that the log has used stay used, also when somebody has removed their entries.
    first = max(0 if last is None else last + 1, covered or 0)
    rows = [_row(batch, first + number, held + number, entry) for number, entry in enumerate(fresh)]
    connection.execute(sa.insert(ENTRIES), rows)
    _insert_resources(connection, first, fresh)
    reached = held + len(fresh)
    connection.execute(
        sa.update(SPOOLS).where(SPOOLS.c.spool_id == batch.spool_id).values(next_position=reached)
    )
    return reached


def _purged(connection: sa.Connection, account_ids: Collection[str]) -> Sequence[PurgedAccount]:
    found = sa.select(PURGED_ACCOUNTS).where(PURGED_ACCOUNTS.c.account_id.in_(account_ids))
    return [PurgedAccount(row.account_id, row.incarnation, row.until_us) for row in connection.execute(found)]


def _without_purged(connection: sa.Connection, entries: Sequence[SealedEntry]) -> Sequence[SealedEntry]:
    """Return entries with nothing in the clear of accounts that were purged, maybe since they were sealed."""
    purged = _purged(connection, {entry.index.account_id for entry in entries})
    if not purged:
        return entries
    return [
        replace(entry, index=emptied(entry.index))
        if any(each.covers(entry.index) for each in purged)
        else entry
        for entry in entries
    ]


def _lock_spool(connection: sa.Connection, batch: Batch) -> int:
    """Return how far the spool is held, keeping other batches of it out until the commit."""
    values = {"spool_id": batch.spool_id, "workload": batch.workload, "next_position": 0}
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(SPOOLS).values(values).on_conflict_do_nothing())
    row = connection.execute(
        sa.select(SPOOLS.c.workload, SPOOLS.c.next_position)
        .where(SPOOLS.c.spool_id == batch.spool_id)
        .with_for_update()
    ).one()
    if row.workload != batch.workload:
        raise foreign_spool()
    return int(row.next_position)


def _compare(connection: sa.Connection, batch: Batch, known: int) -> None:
    """Refuse a batch whose first `known` entries are not those that are held at their positions."""
    if not known:
        return
    held = connection.execute(
        sa.select(ENTRIES.c.position, ENTRIES.c.event_id)
        .where(ENTRIES.c.spool_id == batch.spool_id)
        .where(ENTRIES.c.position.between(batch.first_position, batch.first_position + known - 1))
        .order_by(ENTRIES.c.position)
    )
    for row, entry in zip(held, batch.entries, strict=False):
        if row.event_id != entry.index.event_id:
            raise conflict(row.position)


def _row(batch: Batch, sequence: int, position: int, entry: SealedEntry) -> Mapping[str, Any]:
    place = {"sequence": sequence, "spool_id": batch.spool_id, "position": position, "leaf": entry.leaf}
    return {**place, **columns_of(entry.index)}


def _insert_resources(connection: sa.Connection, first: int, entries: Sequence[SealedEntry]) -> None:
    rows = [
        {"sequence": first + number, **each._asdict()}
        for number, entry in enumerate(entries)
        for each in resources_of(entry.index)
    ]
    if rows:
        connection.execute(sa.insert(RESOURCES), rows)
