"""What the database says, for comparing it with the log: read by tiles and pages, as it stands there."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from services.audit.adapters.sql_heads import HEAD_ID
from services.audit.adapters.tables import (
    DATA_KEYS,
    ENTRIES,
    HEADS,
    PURGED_ACCOUNTS,
    PURGED_KEYS,
    RESOURCES,
    SPOOLS,
)
from services.audit.domain.index_rows import IndexRow, ResourceRow
from services.audit.domain.purged import PurgedAccount
from services.audit.ports import DataKey, PurgeRow, SpoolRow
from services.chassis.database import Database

UNCHECKED = {
    "anchors": "The key service compares them with its own store, and with the log's events, when it starts.",
    "data_keys.created_us": "Says when another key is made. What is compared is that it is no future time.",
    "purged_accounts.removed": "Counts that are shown to auth once; the certificate of the purge has them.",
    "purged_accounts.finished": "Says that nothing is left to empty; rows that are left are differences.",
    "trails": "What accounts have set, and how far delivery is. The account sees it, and digests show gaps.",
    "trail_files": "What the next digest names; whoever validates the trail finds those it does not.",
    "trail_sealed_files": "Sealed under the customer's key, and put within minutes.",
    "trail_digests": "Signed by kms, and chained: whoever validates the trail finds another, or none.",
}
"""Tables and columns that do not follow from the log, and what becomes of one that is altered."""

_PLACE = ("sequence", "spool_id", "position", "leaf")
_STRAYS = 100
"""Rows that are named; who finds as many has other worries."""


def _as_stored(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    # SQLite holds any number in a column of truth values; all but 0 and 1 would read as True, and are not
    # found by a question for it.
    return sa.type_coerce(column, sa.Integer).label(column.name) if _is_boolean(column) else column


def _is_boolean(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.Boolean)


_COLUMNS = [each for each in ENTRIES.c if each.name not in _PLACE]
_ENTRY = sa.select(
    ENTRIES.c.sequence,
    ENTRIES.c.spool_id,
    ENTRIES.c.position,
    SPOOLS.c.workload.label("spool_workload"),
    ENTRIES.c.leaf,
    *map(_as_stored, _COLUMNS),
).select_from(ENTRIES.outerjoin(SPOOLS, SPOOLS.c.spool_id == ENTRIES.c.spool_id))
_RESOURCE = sa.select(RESOURCES.c.sequence, *(RESOURCES.c[name] for name in ResourceRow._fields))


class SqlIndex:
    """See the port IndexStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def rows(self, first: int, limit: int) -> Sequence[IndexRow]:
        """Read entries by the primary key, and resources by the index of their entries."""
        last = first + limit - 1
        entries = _ENTRY.where(ENTRIES.c.sequence.between(first, last)).order_by(ENTRIES.c.sequence)
        named = _RESOURCE.where(RESOURCES.c.sequence.between(first, last))
        names = [each.name for each in _COLUMNS]

        def work(connection: sa.Connection) -> list[IndexRow]:
            resources: dict[int, list[ResourceRow]] = defaultdict(list)
            for sequence, *row in connection.execute(named):
                resources[sequence].append(ResourceRow(*row))
            return [
                IndexRow(
                    sequence,
                    spool_id,
                    position,
                    workload,
                    leaf,
                    dict(zip(names, columns, strict=True)),
                    resources.get(sequence, ()),
                )
                for sequence, spool_id, position, workload, leaf, *columns in connection.execute(entries)
            ]

        return await self._database.read(work)

    async def strays(self, size: int) -> Sequence[tuple[str, str]]:
        """Read both ends of the numbers: what is between them is compared with the entry that it is of."""
        numbers = sa.select(RESOURCES.c.sequence).order_by(RESOURCES.c.sequence).limit(_STRAYS)
        tail = sa.select(sa.func.count(), sa.func.max(ENTRIES.c.sequence)).where(ENTRIES.c.sequence >= size)

        def work(connection: sa.Connection) -> list[tuple[str, str]]:
            below = sa.select(ENTRIES.c.sequence).where(ENTRIES.c.sequence < 0).limit(_STRAYS)
            found = [(ENTRIES.name, f"row {each}") for each in connection.execute(below).scalars()]
            newest = connection.execute(sa.select(sa.func.max(ENTRIES.c.sequence))).scalar_one()
            for outside in (RESOURCES.c.sequence < 0, RESOURCES.c.sequence > max(newest or 0, size - 1)):
                of = connection.execute(numbers.where(outside)).scalars()
                found += [(RESOURCES.name, f"row of entry {each}") for each in of]
            others = sa.select(HEADS.c.head_id).where(HEADS.c.head_id != HEAD_ID)
            found += [(HEADS.name, f"row {each}") for each in connection.execute(others).scalars()]
            count, last = connection.execute(tail).one()
            if count and last != size + count - 1:
                found.append((ENTRIES.name, f"row {last}"))
            return found

        return await self._database.read(work)

    async def spools(self, size: int) -> Sequence[SpoolRow]:
        """Read the table, and the entries that came last."""
        beyond = sa.select(ENTRIES.c.spool_id, sa.func.count()).where(ENTRIES.c.sequence >= size)
        beyond = beyond.group_by(ENTRIES.c.spool_id)

        def work(connection: sa.Connection) -> list[SpoolRow]:
            counts = {row[0]: row[1] for row in connection.execute(beyond)}
            rows = connection.execute(sa.select(SPOOLS))
            return [
                SpoolRow(row.spool_id, row.workload, row.next_position, counts.get(row.spool_id, 0))
                for row in rows
            ]

        return await self._database.read(work)

    async def keys(self, key_ids: Collection[bytes]) -> Mapping[bytes, DataKey]:
        """Read by the primary key."""
        found = await self._keys(sa.select(DATA_KEYS).where(DATA_KEYS.c.key_id.in_(key_ids)))
        return {key.key_id: key for key in found}

    async def keys_after(self, key_id: bytes, limit: int) -> Sequence[DataKey]:
        """Read a page of the primary key."""
        page = sa.select(DATA_KEYS).where(DATA_KEYS.c.key_id > key_id).order_by(DATA_KEYS.c.key_id)
        return await self._keys(page.limit(limit))

    async def purges(self) -> Sequence[PurgeRow]:
        """Read the table."""

        def work(connection: sa.Connection) -> list[PurgeRow]:
            return [
                PurgeRow(
                    PurgedAccount(row.account_id, row.incarnation, row.until_us), row.purge_id, row.finished
                )
                for row in connection.execute(sa.select(PURGED_ACCOUNTS))
            ]

        return await self._database.read(work)

    async def purged_keys(self, key_ids: Collection[bytes]) -> Collection[bytes]:
        """Read by the primary key."""
        return await self._key_ids(PURGED_KEYS.c.key_id.in_(key_ids))

    async def all_purged_keys(self) -> Sequence[bytes]:
        """Read the primary key."""
        return await self._key_ids()

    async def structure(self) -> Sequence[tuple[str, str]]:
        """Have SQLite compare tables and indexes; of PostgreSQL, pg_amcheck does it for an administrator."""

        def work(connection: sa.Connection) -> list[tuple[str, str]]:
            if connection.dialect.name != "sqlite":
                return []
            found: list[tuple[str, str]] = []
            for table in (ENTRIES, RESOURCES, DATA_KEYS, SPOOLS):
                rows = connection.exec_driver_sql(f"PRAGMA integrity_check('{table.name}')").scalars().all()
                if rows != ["ok"]:
                    # What it says may name rows' contents.
                    found.append((table.name, f"{len(rows)} faults of PRAGMA integrity_check"))
            return found

        return await self._database.read(work)

    async def _keys(self, statement: "sa.Select[Any]") -> list[DataKey]:
        def work(connection: sa.Connection) -> list[DataKey]:
            rows = connection.execute(statement)
            return [DataKey(row.key_id, row.account_id, row.wrapped, row.created_us) for row in rows]

        return await self._database.read(work)

    async def _key_ids(self, *conditions: sa.ColumnElement[bool]) -> Sequence[bytes]:
        statement = sa.select(PURGED_KEYS.c.key_id).where(*conditions).order_by(PURGED_KEYS.c.key_id)
        return await self._database.read(lambda connection: connection.execute(statement).scalars().all())
