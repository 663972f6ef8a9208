"""Stores of the key service on real databases, and whoever can write those databases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from services.chassis.clock import Clock, SystemClock
from services.chassis.database import Database
from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.adapters.sql_records import SqlRecords
from services.kms.adapters.tables import HEAD, RECORDS
from services.kms.ports import RecordChange, RecordId
from tests.fakes.anchor import MemoryAnchor

REVISIONS = Path(__file__).parents[2] / "services" / "kms" / "adapters" / "migrations"
STORE_ID = "0b5e7f0e-6a3c-4d5e-8f11-2f3a4b5c6d7e"
STORE_KEY = SecretBytes(bytes(range(32)))


class Stores:
    """Opens one store again and again, as a process does that is started again and again."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self.url = url
        self.anchor = MemoryAnchor()
        self.clock = clock or SystemClock()
        self._opened: list[tuple[SqlRecords, Database]] = []
        database = Database(url)
        database.migrate(REVISIONS)
        database.engine.dispose()

    async def open(
        self, *, first_boot: bool = False, restored: bool = False, store_key: SecretBytes = STORE_KEY
    ) -> SqlRecords:
        """Open the store. Raises what that does."""
        records, database = self.closed(restored=restored)
        try:
            await records.open(store_key, first_boot=first_boot)
        except BaseException:
            await database.close()
            raise
        self._opened.append((records, database))
        return records

    def closed(self, *, restored: bool = False) -> tuple[SqlRecords, Database]:
        """Make one that is not open. Both are the caller's to close."""
        database = Database(self.url)
        randomness = SystemRandomness()
        records = SqlRecords(database, STORE_ID, self.anchor, self.clock, randomness, restored=restored)
        return records, database

    async def close(self) -> None:
        """Close whatever is open."""
        opened, self._opened = self._opened, []
        for records, database in opened:
            await records.close()
            await database.close()


class Attacker:
    """Can read and write the whole database, and keeps what was in it."""

    def __init__(self, url: str) -> None:
        self._engine = Database(url).engine

    def rows(self) -> dict[RecordId, tuple[bytes, bytes]]:
        """Return body and tag of every row."""
        with self._engine.connect() as connection:
            return {
                RecordId(row.collection.decode(), row.partition.decode(), row.sort.decode()): (
                    row.body,
                    row.tag,
                )
                for row in connection.execute(sa.select(RECORDS))
            }

    def head(self) -> bytes:
        """Return the head row."""
        with self._engine.connect() as connection:
            return connection.execute(sa.select(HEAD.c.sealed)).scalar_one()

    def write(self, rows: dict[RecordId, tuple[bytes, bytes]], head: bytes | None = None) -> None:
        """Have these rows in the database and no others; and this head, if one is given."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(RECORDS))
            if rows:
                connection.execute(sa.insert(RECORDS), [_row(*item) for item in rows.items()])
            if head is not None:
                connection.execute(sa.update(HEAD).values(sealed=head))

    def change(self, change: Callable[[dict[RecordId, tuple[bytes, bytes]]], None]) -> None:
        """Change the rows in one transaction."""
        rows = self.rows()
        change(rows)
        self.write(rows)

    def close(self) -> None:
        """Leave."""
        self._engine.dispose()


def _row(record_id: RecordId, content: tuple[bytes, bytes]) -> dict[str, Any]:
    return {
        "collection": record_id.collection.encode(),
        "partition": record_id.partition.encode(),
        "sort": record_id.sort.encode(),
        "body": content[0],
        "tag": content[1],
    }


async def put(records: Any, *ids: RecordId, body: bytes = b"body") -> None:
    """Write records of one body, in one change."""

    def work(change: RecordChange) -> None:
        for each in ids:
            change.put(each, body)

    await records.change(work)


async def delete(records: Any, *ids: RecordId) -> None:
    """Remove records, in one change."""

    def work(change: RecordChange) -> None:
        for each in ids:
            change.delete(each)

    await records.change(work)
