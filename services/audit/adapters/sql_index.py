"""What the database says, for comparing it with the log: read by tiles and pages, as it stands there."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

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
from services.audit.domain.index_rows import NO_RESOURCE, IndexRow, ResourceRow
from services.audit.domain.purged import PurgedAccount
from services.audit.ports import DataKey, Head, PurgeRow, SpoolRow
from services.chassis.database import Database

T = TypeVar("T")

UNCHECKED = {
    "anchors": "The key service compares them with its own store, and with the log's events, when it starts.",
    "data_keys.created_us": "Says when another key is made. What is compared is that it is no future time.",
    "purged_accounts.removed": "Counts that are shown to auth once; the certificate of the purge has them.",
    "spools.spool_id": "Random, and in no event. Renamed in all rows: the next batch is refused as a gap.",
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
    # SQLite holds any value in any column. Converted, some would be refused, and all numbers but 0 be True.
    return sa.type_coerce(column, sa.types.NullType()).label(column.name)


def _stored(table: sa.Table) -> "sa.Select[Any]":
    return sa.select(*map(_as_stored, table.c))


def _text(value: Any) -> str:
    """Return a text. Here and below: in the place of any other value, one that nothing is equal to."""
    return value if isinstance(value, str) else ""


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else b""


def _number(value: Any) -> int:
    return value if isinstance(value, int) else -1


_COLUMNS = [each for each in ENTRIES.c if each.name not in _PLACE]
_ENTRY = sa.select(
    *(_as_stored(ENTRIES.c[name]) for name in _PLACE),
    _as_stored(SPOOLS.c.workload),
    *map(_as_stored, _COLUMNS),
).select_from(ENTRIES.outerjoin(SPOOLS, SPOOLS.c.spool_id == ENTRIES.c.spool_id))
_RESOURCE = sa.select(*(_as_stored(RESOURCES.c[name]) for name in ("sequence", *ResourceRow._fields)))


class SqlIndex:
    """See the port IndexStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def rows(self, first: int, limit: int) -> Sequence[IndexRow]:
        """Read entries by the primary key, and resources by the index of their entries."""
        end = first + limit
        entries = _ENTRY.where(ENTRIES.c.sequence >= first, ENTRIES.c.sequence < end)
        entries = entries.order_by(ENTRIES.c.sequence)
        named = _RESOURCE.where(RESOURCES.c.sequence >= first, RESOURCES.c.sequence < end)
        names = [each.name for each in _COLUMNS]

        def work(connection: sa.Connection) -> list[IndexRow]:
            resources: dict[int, list[ResourceRow]] = defaultdict(list)
            for sequence, *row in connection.execute(named):
                resource = ResourceRow(*row)
                if not isinstance(sequence, int):
                    # SQLite holds 7.5, too. Named at entry 7, as a row that no event has.
                    resource = resource._replace(resource=NO_RESOURCE)
                resources[int(sequence)].append(resource)
            return [
                IndexRow(
                    sequence,
                    _text(spool_id),
                    _number(position),
                    _text(workload) or None,
                    _bytes(leaf),
                    dict(zip(names, columns, strict=True)),
                    resources.get(sequence, ()),
                )
                for sequence, spool_id, position, leaf, workload, *columns in connection.execute(entries)
            ]

        return await self._read(work)

    async def head(self) -> Head | None:
        """Read the row."""
        statement = _stored(HEADS).where(HEADS.c.head_id == HEAD_ID)
        row = await self._read(lambda connection: connection.execute(statement).one_or_none())
        return None if row is None else Head(_number(row.size), _bytes(row.root), _bytes(row.note))

    async def strays(self, size: int) -> Sequence[tuple[str, str]]:
        """Read both ends of the numbers: what is between them is compared with the entry that it is of.

        Of data keys, read those whose ids are no bytes.
        """
        numbers = sa.select(RESOURCES.c.sequence).order_by(RESOURCES.c.sequence).limit(_STRAYS)
        # Values of SQLite that are no bytes stand before all that are.
        no_key = sa.or_(DATA_KEYS.c.key_id <= b"", DATA_KEYS.c.key_id.is_(None))
        no_keys = sa.select(sa.literal(1)).select_from(DATA_KEYS).where(no_key).limit(_STRAYS)
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
            found += [(DATA_KEYS.name, "row whose id is none")] * len(connection.execute(no_keys).all())
            count, last = connection.execute(tail).one()
            if count and last != size + count - 1:
                found.append((ENTRIES.name, f"row {last}"))
            return found

        return await self._read(work)

    async def spools(self, size: int) -> Sequence[SpoolRow]:
        """Read the table, and the entries that came last."""
        beyond = sa.select(ENTRIES.c.spool_id, sa.func.count()).where(ENTRIES.c.sequence >= size)
        beyond = beyond.group_by(ENTRIES.c.spool_id)

        def work(connection: sa.Connection) -> list[SpoolRow]:
            counts = {row[0]: row[1] for row in connection.execute(beyond)}
            return [
                SpoolRow(
                    _text(row.spool_id),
                    _text(row.workload),
                    _number(row.next_position),
                    counts.get(row.spool_id, 0),
                )
                for row in connection.execute(_stored(SPOOLS))
            ]

        return await self._read(work)

    async def keys(self, key_ids: Collection[bytes]) -> Mapping[bytes, DataKey]:
        """Read by the primary key."""
        found = await self._keys(_stored(DATA_KEYS).where(DATA_KEYS.c.key_id.in_(key_ids)))
        return {key.key_id: key for key in found}

    async def keys_after(self, key_id: bytes, limit: int) -> Sequence[DataKey]:
        """Read a page of the primary key. Rows that this leaves out are strays."""
        page = _stored(DATA_KEYS).where(DATA_KEYS.c.key_id > key_id).order_by(DATA_KEYS.c.key_id)
        return await self._keys(page.limit(limit))

    async def purges(self) -> Sequence[PurgeRow]:
        """Read the table."""

        def work(connection: sa.Connection) -> list[PurgeRow]:
            return [
                PurgeRow(
                    PurgedAccount(
                        _text(row.account_id),
                        _text(row.incarnation),
                        None if row.until_us is None else _number(row.until_us),
                    ),
                    _text(row.purge_id),
                    row.finished == 1,
                )
                for row in connection.execute(_stored(PURGED_ACCOUNTS))
            ]

        return await self._read(work)

    async def purged_keys(self, key_ids: Collection[bytes]) -> Collection[bytes]:
        """Read by the primary key."""
        return await self._key_ids(PURGED_KEYS.c.key_id.in_(key_ids))

    async def all_purged_keys(self) -> Sequence[bytes]:
        """Read the primary key."""
        return await self._key_ids()

    async def structure(self) -> Sequence[tuple[str, str]]:
        """Have SQLite compare tables and indexes; of PostgreSQL, pg_amcheck does it for an administrator."""

        def check(table: sa.Table, connection: sa.Connection) -> list[tuple[str, str]]:
            if connection.dialect.name != "sqlite":
                return []
            rows = connection.exec_driver_sql(f"PRAGMA integrity_check('{table.name}')").scalars().all()
            # What it says may name rows' contents.
            return [] if rows == ["ok"] else [(table.name, f"{len(rows)} faults of PRAGMA integrity_check")]

        found = []
        for table in (ENTRIES, RESOURCES, DATA_KEYS, SPOOLS):
            # Each by itself: while one moment is looked at, the write-ahead log only grows.
            found += await self._read(partial(check, table))
        return found

    async def _keys(self, statement: "sa.Select[Any]") -> list[DataKey]:
        def work(connection: sa.Connection) -> list[DataKey]:
            return [
                DataKey(
                    _bytes(row.key_id), _text(row.account_id), _bytes(row.wrapped), _number(row.created_us)
                )
                for row in connection.execute(statement)
            ]

        return await self._read(work)

    async def _key_ids(self, *conditions: sa.ColumnElement[bool]) -> Sequence[bytes]:
        statement = _stored(PURGED_KEYS).where(*conditions).order_by(PURGED_KEYS.c.key_id)

        def work(connection: sa.Connection) -> list[bytes]:
            return [_bytes(key_id) for key_id in connection.execute(statement).scalars()]

        return await self._read(work)

    async def _read(self, work: Callable[[sa.Connection], T]) -> T:
        def lenient(connection: sa.Connection) -> T:
            with _any_text(connection):
                return work(connection)

        return await self._database.read(lenient)


@contextmanager
def _any_text(connection: sa.Connection) -> Iterator[None]:
    """Read texts of SQLite that are no UTF-8 as well, over which its driver would fail."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    driver.text_factory = _escaped
    try:
        yield
    finally:
        driver.text_factory = str


def _escaped(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")
