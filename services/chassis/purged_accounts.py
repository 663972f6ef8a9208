"""The table in which a service remembers what it purged: what it counted, and whose latecomers it refuses."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from services.chassis.account_purge import Progress, Purge


def columns() -> tuple[sa.Column[Any], ...]:
    """Return the columns, for a service's metadata."""
    return (
        sa.Column("account_id", sa.String(12), primary_key=True),
        sa.Column("incarnation", sa.String(64), primary_key=True),
        sa.Column("purge_id", sa.String(36), nullable=False),
        # When another incarnation began; NULL before, and for ever where none does.
        sa.Column("until_us", sa.BigInteger),
        # JSON: counts by kinds.
        sa.Column("removed", sa.Text, nullable=False),
        sa.Column("finished", sa.Boolean, nullable=False),
    )


class PurgedAccounts:
    """Statements about such a table, to be run in the transactions that remove."""

    def __init__(self, table: sa.Table) -> None:
        """Use `table`, which has `columns()`."""
        self._table = table

    def begin(self, connection: sa.Connection, purge: Purge) -> Progress:
        """Note that a purge has begun, unless that is noted; return how far it is."""
        found = self._row(connection, purge)
        if found is not None:
            return Progress(json.loads(found.removed), found.finished)
        connection.execute(
            sa.insert(self._table).values(
                account_id=purge.account_id,
                incarnation=purge.incarnation,
                purge_id=purge.purge_id,
                removed="{}",
                finished=False,
            )
        )
        return Progress({}, finished=False)

    def add(
        self, connection: sa.Connection, purge: Purge, counts: Mapping[str, int], *, finished: bool = False
    ) -> Progress:
        """Count what this transaction removes."""
        found = self._row(connection, purge)
        if found is None:
            raise RuntimeError("a purge removes before it has begun")
        removed: dict[str, int] = json.loads(found.removed)
        for kind, count in counts.items():
            removed[kind] = removed.get(kind, 0) + count
        finished = finished or found.finished
        connection.execute(
            sa.update(self._table)
            .where(*self._of(purge))
            .values(removed=json.dumps(removed, sort_keys=True), finished=finished)
        )
        return Progress(removed, finished)

    def proceed(self, connection: sa.Connection, account_id: str, incarnation: str, now_us: int) -> None:
        """Note that another incarnation begins."""
        mine = self._table.c.account_id == account_id, self._table.c.incarnation == incarnation
        connection.execute(
            sa.update(self._table).where(*mine, self._table.c.until_us.is_(None)).values(until_us=now_us)
        )

    def is_purged(self, connection: sa.Connection, account_id: str, incarnation: str) -> bool:
        """Say whether an incarnation was purged, or is being."""
        mine = self._table.c.account_id == account_id, self._table.c.incarnation == incarnation
        return connection.execute(sa.select(self._table.c.purge_id).where(*mine)).first() is not None

    def _row(self, connection: sa.Connection, purge: Purge) -> Any:
        return connection.execute(
            sa.select(self._table).where(*self._of(purge)).with_for_update()
        ).one_or_none()

    def _of(self, purge: Purge) -> tuple[sa.ColumnElement[bool], ...]:
        return (
            self._table.c.account_id == purge.account_id,
            self._table.c.incarnation == purge.incarnation,
        )
