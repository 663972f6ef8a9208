"""Rows of the store: verified before anything of them is believed. Runs on the database's threads."""

import hmac
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

import sqlalchemy as sa

from services.kms.adapters.record_index import RecordIndex
from services.kms.adapters.record_sealing import MODULUS, Head, RecordSealer, place_of
from services.kms.adapters.tables import HEAD, RECORDS
from services.kms.ports import Record, RecordId, StoreAlteredError

Expected = Sequence[tuple[RecordId, bytes]]
"""Ids and tags of records, in the order of their sort keys."""

# Built once: building a statement costs several times what running it does.
_AT = (
    RECORDS.c.collection == sa.bindparam("of_collection"),
    RECORDS.c.partition == sa.bindparam("of_partition"),
    RECORDS.c.sort == sa.bindparam("of_sort"),
)
_NAMES = sa.tuple_(RECORDS.c.collection, RECORDS.c.partition, RECORDS.c.sort)
_HEAD = sa.select(HEAD.c.sealed)
_ONE = sa.select(RECORDS.c.body, RECORDS.c.tag).where(*_AT)
_RANGE = (
    sa.select(RECORDS.c.sort, RECORDS.c.body, RECORDS.c.tag)
    .where(_AT[0], _AT[1], RECORDS.c.sort >= sa.bindparam("first"))
    .order_by(RECORDS.c.sort)
    .limit(sa.bindparam("most"))
)
_UPDATE = (
    sa.update(RECORDS)
    .where(*_AT, RECORDS.c.tag == sa.bindparam("old_tag"))
    .values(body=sa.bindparam("new_body"), tag=sa.bindparam("new_tag"))
)
_DELETE = sa.delete(RECORDS).where(*_AT, RECORDS.c.tag == sa.bindparam("old_tag"))
_INSERT = sa.insert(RECORDS)
_TOGETHER = (4, 16, 64)
"""How many records one statement reads: each number has a statement of its own, which is built once."""
_FETCHED_AT_ONCE = 500
_ALL = sa.select(RECORDS).order_by(RECORDS.c.collection, RECORDS.c.partition, RECORDS.c.sort)


def _some(count: int) -> sa.TextClause:
    # A join finds each row by the primary key. SQLite searches the whole table for a list of row values.
    wanted = ", ".join(f"(:collection{number}, :partition{number}, :sort{number})" for number in range(count))
    return sa.text(
        f"WITH wanted (collection, partition, sort) AS (VALUES {wanted}) "  # noqa: S608 - names alone
        "SELECT records.collection, records.partition, records.sort, records.body, records.tag "
        "FROM wanted CROSS JOIN records WHERE records.collection = wanted.collection "
        "AND records.partition = wanted.partition AND records.sort = wanted.sort"
    )


_SOME = {count: _some(count) for count in _TOGETHER}


class RecordAlteredError(StoreAlteredError):
    """What is stored in one place is not what was written there."""

    def __init__(self, record_id: RecordId, why: str, *, in_partition: bool = False) -> None:
        """Name the place, and what is wrong with it; with `in_partition` it is somewhere in its partition."""
        super().__init__(f"the store was altered: a record of {record_id.collection} {why}")
        self.record_id = record_id
        self.in_partition = in_partition


def read_head(connection: sa.Connection) -> bytes:
    """Return the head row, b"" when there is none."""
    return connection.execute(_HEAD).scalar_one_or_none() or b""


def read_record(
    connection: sa.Connection, sealer: RecordSealer, record_id: RecordId, expected: bytes
) -> Record:
    """Return the record with the tag `expected`. Raises RecordAlteredError."""
    row = connection.execute(_ONE, _at(record_id)).one_or_none()
    if row is None:
        raise RecordAlteredError(record_id, "is gone")
    return verified(sealer, record_id, row.body, row.tag, expected)


def read_records(
    connection: sa.Connection,
    sealer: RecordSealer,
    expected: Expected,
    known: Mapping[RecordId, Record],
) -> dict[RecordId, Record | RecordAlteredError]:
    """Return the records with these tags, and of each that is not as expected what is wrong with it.

    `known` has what was read of records before. Where a row is still that one it is not decrypted again: its
    tag is a MAC over all of it.
    """
    found: dict[RecordId, Record | RecordAlteredError] = {}
    for start in range(0, len(expected), _TOGETHER[-1]):
        chunk = expected[start : start + _TOGETHER[-1]]
        rows = _rows(connection, [record_id for record_id, _ in chunk])
        for record_id, tag in chunk:
            row, before = rows.get(record_id), known.get(record_id)
            if row is None:
                found[record_id] = RecordAlteredError(record_id, "is gone")
                continue
            try:
                if before is not None and hmac.compare_digest(before.tag, tag):
                    _require_genuine(sealer, record_id, row.body, row.tag, tag)
                    found[record_id] = before
                else:
                    found[record_id] = verified(sealer, record_id, row.body, row.tag, tag)
            except RecordAlteredError as error:
                found[record_id] = error
    return found


def _rows(connection: sa.Connection, ids: Sequence[RecordId]) -> dict[RecordId, Any]:
    """Return the rows of at most _TOGETHER[-1] records that are there."""
    if len(ids) == 1:
        row = connection.execute(_ONE, _at(ids[0])).one_or_none()
        return {} if row is None else {ids[0]: row}
    count = next(each for each in _TOGETHER if each >= len(ids))
    parameters: dict[str, bytes] = {}
    # What is left of the statement asks for the last one again.
    for number, each in enumerate((*ids, *repeat(ids[-1], count - len(ids)))):
        parameters[f"collection{number}"] = each.collection.encode()
        parameters[f"partition{number}"] = each.partition.encode()
        parameters[f"sort{number}"] = each.sort.encode()
    return {_id(row): row for row in connection.execute(_SOME[count], parameters)}


def read_range(
    connection: sa.Connection,
    sealer: RecordSealer,
    partition: RecordId,
    expected: Expected,
    *,
    more: bool,
) -> list[Record]:
    """Return the records of a partition from `partition.sort` on, which must be those expected.

    With `more` there must be others behind them, which are not looked at; otherwise there must be none.
    Raises RecordAlteredError for a row that is missing, of too many or changed.
    """
    after = partition.sort.encode()
    # The smallest sort key above `after` is `after` with a zero byte.
    parameters = {
        "of_collection": partition.collection.encode(),
        "of_partition": partition.partition.encode(),
        "first": after + b"\x00" if after else b"",
        "most": len(expected) + (0 if more else 1),
    }
    rows = connection.execute(_RANGE, parameters).all()
    sorts = [row.sort for row in rows]
    wanted = [record_id.sort.encode() for record_id, _ in expected]
    if sorts != wanted:
        for record_id, _ in expected:
            if record_id.sort.encode() not in sorts:
                raise RecordAlteredError(record_id, "is gone")
        raise RecordAlteredError(partition, "was added", in_partition=True)
    return [
        verified(sealer, record_id, row.body, row.tag, tag)
        for row, (record_id, tag) in zip(rows, expected, strict=True)
    ]


def verified(sealer: RecordSealer, record_id: RecordId, body: bytes, tag: bytes, expected: bytes) -> Record:
    """Return the record of a row. Raises RecordAlteredError unless it has the tag `expected`."""
    _require_genuine(sealer, record_id, body, tag, expected)
    return Record(record_id, sealer.open(place_of(record_id), body), expected)


def _require_genuine(
    sealer: RecordSealer, record_id: RecordId, body: bytes, tag: bytes, expected: bytes
) -> None:
    place = place_of(record_id)
    if not hmac.compare_digest(tag, expected) or not hmac.compare_digest(sealer.tag(place, body), expected):
        raise RecordAlteredError(record_id, "is not what was written last")


def insert_head(connection: sa.Connection, head: Head) -> None:
    """Write the first head."""
    connection.execute(sa.insert(HEAD).values(id=1, sealed=head.sealed))


def exchange_head(connection: sa.Connection, old: Head, new: Head) -> bool:
    """Write `new` over `old`; return False when something else stands there."""
    statement = sa.update(HEAD).where(HEAD.c.sealed == old.sealed).values(sealed=new.sealed)
    return connection.execute(statement).rowcount == 1


def write_record(
    connection: sa.Connection, record_id: RecordId, old_tag: bytes | None, body: bytes, tag: bytes
) -> None:
    """Insert a record, or update the one tagged `old_tag`. Raises RecordAlteredError."""
    if old_tag is not None:
        new = {"old_tag": old_tag, "new_body": body, "new_tag": tag}
        if connection.execute(_UPDATE, {**_at(record_id), **new}).rowcount != 1:
            raise RecordAlteredError(record_id, "is not what was written last")
        return
    if connection.execute(_ONE, _at(record_id)).first() is not None:
        raise RecordAlteredError(record_id, "was added")
    names = {
        "collection": record_id.collection.encode(),
        "partition": record_id.partition.encode(),
        "sort": record_id.sort.encode(),
    }
    connection.execute(_INSERT, {**names, "body": body, "tag": tag})


def remove_record(connection: sa.Connection, record_id: RecordId, old_tag: bytes) -> None:
    """Delete the record tagged `old_tag`. Raises RecordAlteredError."""
    if connection.execute(_DELETE, {**_at(record_id), "old_tag": old_tag}).rowcount != 1:
        raise RecordAlteredError(record_id, "is not what was written last")


def load(connection: sa.Connection, sealer: RecordSealer, index: RecordIndex) -> Head:
    """Verify the whole store, fill the index and return the head. Raises StoreAlteredError."""
    head = sealer.open_head(read_head(connection))
    count, total = 0, 0
    with connection.execute(_ALL.execution_options(yield_per=_FETCHED_AT_ONCE)) as rows:
        for row in rows:
            record_id = _id(row)
            place = place_of(record_id)
            tag = sealer.tag(place, row.body)
            if not hmac.compare_digest(tag, row.tag):
                raise RecordAlteredError(record_id, "is not one that was written here")
            index.put(record_id, tag, place)
            count, total = count + 1, total + sealer.element(tag)
    if count != head.state.count or total % MODULUS != head.state.total:
        raise StoreAlteredError("the store was altered: records are missing, of too many or old")
    return head


def verify_page(
    connection: sa.Connection, sealer: RecordSealer, index: RecordIndex, after: RecordId | None, limit: int
) -> tuple[list[RecordAlteredError], RecordId | None]:
    """Verify the next rows in the order of their ids, after `after`.

    Returns what is wrong with them, and the id to go on from, None at the end. Nobody may change `index`
    meanwhile. Raises StoreAlteredError for a row whose name no record can have.
    """
    statement = _ALL.limit(limit)
    if after is not None:
        place = (after.collection.encode(), after.partition.encode(), after.sort.encode())
        statement = statement.where(sa.tuple_(*map(sa.literal, place)) < _NAMES)
    found: list[RecordAlteredError] = []
    last: RecordId | None = None
    count = 0
    for row in connection.execute(statement):
        last, count = _id(row), count + 1
        expected = index.tag(last)
        if expected is None:
            found += [RecordAlteredError(last, "was added"), RecordAlteredError(last, "", in_partition=True)]
            continue
        try:
            # The tag says everything: nothing needs to be decrypted.
            _require_genuine(sealer, last, row.body, row.tag, expected)
        except RecordAlteredError as error:
            found.append(error)
    return found, last if count == limit else None


def count_records(connection: sa.Connection) -> int:
    """Return how many rows there are."""
    return connection.execute(sa.select(sa.func.count()).select_from(RECORDS)).scalar_one()


def digests(connection: sa.Connection, index: RecordIndex) -> set[bytes]:
    """Return the digests of all rows' ids."""
    names = sa.select(RECORDS.c.collection, RECORDS.c.partition, RECORDS.c.sort)
    with connection.execute(names.execution_options(yield_per=_FETCHED_AT_ONCE)) as rows:
        return {index.digest(_id(row)) for row in rows}


def _id(row: Any) -> RecordId:
    try:
        return RecordId(row.collection.decode(), row.partition.decode(), row.sort.decode())
    except UnicodeDecodeError:
        raise StoreAlteredError("the store was altered: it holds a name that is no text") from None


def _at(record_id: RecordId) -> dict[str, bytes]:
    return {
        "of_collection": record_id.collection.encode(),
        "of_partition": record_id.partition.encode(),
        "of_sort": record_id.sort.encode(),
    }
