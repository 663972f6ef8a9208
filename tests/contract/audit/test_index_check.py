"""Whatever is altered in the database of audit is found, and named, by comparing it with the log."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from craton.audit.v1 import resources_pb2 as pb

from services.audit.adapters.sql_index import UNCHECKED, SqlIndex
from services.audit.adapters.sql_purge import SqlPurge
from services.audit.adapters.tables import (
    DATA_KEYS,
    ENTRIES,
    HEADS,
    METADATA,
    PURGED_ACCOUNTS,
    PURGED_KEYS,
    RESOURCES,
    SPOOLS,
)
from services.audit.domain.index_check import purge_names
from services.audit.domain.purged import PURGED, keys_name
from services.chassis.account_purge import Purge
from services.chassis.database import Database
from services.chassis.errors import DomainError
from tests.contract.audit.index_world import INCARNATION, IndexWorld, of
from tests.contract.audit.index_world import SPOOLS as SPOOL_IDS
from tests.contract.audit.test_event_store import database  # noqa: F401
from tests.unit.audit.conftest import ACCOUNT, AUDIT, AUTH, OTHER, event

CHECKED = [each for each in METADATA.sorted_tables if each.name not in UNCHECKED]
COLUMNS = [
    (table, column)
    for table in CHECKED
    for column in table.columns
    if f"{table.name}.{column.name}" not in UNCHECKED
]
NAMED_OTHERWISE = {
    "entries.sequence": ("entries", "is gone"),
    "resources.resource": ("resources", "missing"),
    "resources.sequence": ("resources", "missing"),
    "data_keys.key_id": ("data_keys", "is not what kms made"),
    "data_keys.account_id": ("data_keys", "is not what kms made"),
    "data_keys.wrapped": ("data_keys", "is not what kms made"),
    "heads.head_id": ("heads", "is gone"),
    "purged_accounts.account_id": ("purged_accounts", "is none that the log has an event of"),
    "purged_accounts.incarnation": ("purged_accounts", "is none that the log has an event of"),
    "purged_accounts.purge_id": ("purged_accounts", "is none that the log has an event of"),
    "purged_keys.key_id": ("purged_keys", "are not those that the log names"),
    # Seen from an entry: what has come in this spool was recorded by somebody else.
    "spools.workload": ("entries", "spool_id"),
}
PLAIN = {
    ENTRIES: (ENTRIES.c.account_id == ACCOUNT,),
    RESOURCES: (RESOURCES.c.account_id == ACCOUNT,),
    DATA_KEYS: (DATA_KEYS.c.account_id == ACCOUNT,),
}
"""Whose row is altered, where it matters."""


LOOSELY_TYPED = pytest.mark.parametrize("database", ["SQLite"], indirect=True)
"""A column of PostgreSQL holds what it is declared to hold, and nothing else."""


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> IndexWorld:  # noqa: F811
    made = IndexWorld(database, tmp_path)
    await made.fill()
    await made.purged()
    return made


def other(column: sa.Column[Any], value: Any) -> Any:
    """Return another value that the column could hold."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, bytes):
        return bytes((value[0] ^ 1,)) + value[1:]
    if isinstance(value, int):
        return value + 1_000_000_000
    return value[:-1] + ("0" if value[-1:] != "0" else "1") if value else "x"


async def named(world: IndexWorld) -> set[tuple[str, str]]:
    """Tables with columns, or with what is wrong, that a check names."""
    return {
        (found.table, what)
        for found in await world.findings()
        for what in (found.columns or (found.problem,))
    }


def test_a_table_that_somebody_adds_is_checked_or_says_why_not() -> None:
    columns = {f"{table.name}.{each.name}" for table in METADATA.sorted_tables for each in table.columns}
    assert set(UNCHECKED) <= {each.name for each in METADATA.sorted_tables} | columns
    assert all(UNCHECKED.values())
    assert {each.name for each in CHECKED} == {
        "data_keys", "entries", "heads", "purged_accounts", "purged_keys", "resources", "spools",
    }  # fmt: skip


async def test_what_nobody_altered_has_no_difference(world: IndexWorld) -> None:
    scan = world.log.scan()
    found = []
    while not scan.done:
        found += await scan.step()
    assert found == []
    assert list(await scan.structure()) == []
    assert scan.walk.reached == scan.size == world.log.log.size > 40
    assert scan.walk.purged == 13


async def test_every_altered_column_is_named(world: IndexWorld) -> None:
    """One after the other, in one world: a new column is tried without anybody thinking of it."""
    for table, column in COLUMNS:
        row = await world.row(table, *PLAIN.get(table, ()))
        changed = {**row, column.name: other(column, row[column.name])}
        await world.write(sa.update(table).where(of(table, row)).values(changed))
        name = f"{table.name}.{column.name}"
        assert NAMED_OTHERWISE.get(name, (table.name, column.name)) in await named(world), name
        await world.write(sa.update(table).where(of(table, changed)).values(row))
    assert await world.findings() == []
    assert len(COLUMNS) > 30


def of_another_class(column: sa.Column[Any]) -> str:
    """SQL for a value that the column cannot have, and that SQLite holds in it all the same."""
    if isinstance(column.type, sa.String):
        return "CAST(X'c0ff' AS TEXT)" if column.name in ("event_name", "workload") else "X'00ff'"
    return "'a text'"


@LOOSELY_TYPED
async def test_a_value_that_a_column_cannot_have_is_named_and_hides_nothing(world: IndexWorld) -> None:
    """Reading it must not fail, or one such value would end every check at its place."""
    await world.write(sa.update(ENTRIES).where(ENTRIES.c.sequence == 20).values(request_id="another"))
    tried = 0
    for table, column in COLUMNS:
        if column.primary_key and isinstance(column.type, sa.Integer) and len(table.primary_key.columns) == 1:
            # A row's own number: here SQLite itself takes nothing else.
            continue
        row = await world.row(table, *PLAIN.get(table, ()))
        async with world.intruder() as connection:
            number = connection.execute(
                sa.select(sa.literal_column("rowid")).select_from(table).where(of(table, row))
            ).scalar_one()
            here = sa.update(table).where(sa.literal_column("rowid") == number)
            value = sa.literal_column(of_another_class(column))
            connection.execute(here.values({column.name: value}))
        found = await world.findings()
        assert len(found) > 1 or found[0].columns != ("request_id",), column
        assert 20 in {each.sequence for each in found if "request_id" in each.columns}, column
        assert not any("cannot be compared" in each.problem for each in found), (column, found)
        async with world.intruder() as connection:
            connection.execute(here.values({column.name: row[column.name]}))
        tried += 1
    assert tried > 25


async def test_a_comparison_that_fails_is_a_finding_and_not_the_end(
    world: IndexWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.fill(600)
    await world.write(sa.update(ENTRIES).where(ENTRIES.c.sequence == 511).values(event_name="Another"))
    rows = SqlIndex.rows

    async def failing(self: SqlIndex, first: int, limit: int) -> Any:
        if first == 0:
            raise TypeError("a value that nobody thought of")
        return await rows(self, first, limit)

    monkeypatch.setattr(SqlIndex, "rows", failing)
    found = await world.findings()
    assert [(each.row, each.problem) for each in found[:1]] == [
        ("entries 0 to 255", "cannot be compared: TypeError")
    ]
    assert 511 in {each.sequence for each in found}


async def test_rows_that_are_gone_are_named(world: IndexWorld) -> None:
    for table in CHECKED:
        row = await world.row(table, *PLAIN.get(table, ()))
        await world.write(sa.delete(table).where(of(table, row)))
        assert table.name in {found.table for found in await world.findings()}, table.name
        await world.write(sa.insert(table).values(row))
    assert await world.findings() == []


async def test_rows_that_somebody_adds_are_named(world: IndexWorld) -> None:
    added: set[sa.Table] = set()
    for table, changes in (
        (ENTRIES, {"sequence": -1, "event_id": b"x" * 16, "position": 10**9}),
        (RESOURCES, {"resource": "arn:aws:kms:us-east-1:123456789012:key/forged"}),
        (RESOURCES, {"sequence": 10**9}),
        (DATA_KEYS, {"key_id": b"x" * 16}),
        (HEADS, {"head_id": 2}),
        (SPOOLS, {"spool_id": "ef" * 16}),
        (PURGED_ACCOUNTS, {"account_id": ACCOUNT}),
        (PURGED_KEYS, {"key_id": b"x" * 16}),
    ):
        row = {**await world.row(table, *PLAIN.get(table, ())), **changes}
        await world.write(sa.insert(table).values(row))
        assert table.name in {found.table for found in await world.findings()}, changes
        await world.write(sa.delete(table).where(of(table, row)))
        added.add(table)
    assert added == set(CHECKED)
    assert await world.findings() == []


async def test_an_entry_that_somebody_adds_is_in_the_log_and_does_not_open(world: IndexWorld) -> None:
    size = world.log.log.size
    row = await world.row(ENTRIES, ENTRIES.c.account_id == ACCOUNT)
    forged = {"sequence": size, "event_id": b"x" * 16, "position": 10**6, "leaf": b"\x02" + bytes(200)}
    await world.write(sa.insert(ENTRIES).values({**row, **forged}))
    assert await world.log.log.extend() == 1
    assert ("data_keys", "is gone") in await named(world)


@pytest.mark.parametrize("columns", [("leaf",), ("position",), ("event_name", "record"), ()])
async def test_rows_that_were_swapped_are_named(world: IndexWorld, columns: tuple[str, ...]) -> None:
    one = await world.row(ENTRIES, ENTRIES.c.sequence == 3)
    two = await world.row(ENTRIES, ENTRIES.c.sequence == 6)
    names = columns or tuple(name for name in one if name != "sequence")
    unique = {"event_id": b"y" * 16, "position": 10**6}
    blank = {name: value for name, value in unique.items() if name in names}
    statements = [sa.update(ENTRIES).where(of(ENTRIES, one)).values(blank)] if blank else []
    statements.append(sa.update(ENTRIES).where(of(ENTRIES, two)).values({name: one[name] for name in names}))
    statements.append(sa.update(ENTRIES).where(of(ENTRIES, one)).values({name: two[name] for name in names}))
    if columns == ("event_name", "record"):
        statements.append(sa.update(ENTRIES).where(of(ENTRIES, one)).values(event_name="Swapped"))
    await world.write(*statements)
    found = {each.sequence for each in await world.findings()}
    assert 3 in found
    assert columns[:1] == ("event_name",) or 6 in found


async def test_every_difference_is_named_not_the_first_one_alone(world: IndexWorld) -> None:
    await world.write(
        sa.update(ENTRIES).where(ENTRIES.c.sequence.in_((0, 9))).values(request_id="another", read_only=True),
        sa.delete(ENTRIES).where(ENTRIES.c.sequence == 12),
        sa.delete(RESOURCES).where(RESOURCES.c.sequence == 15),
    )
    found = await world.findings()
    assert [(each.sequence, each.columns or each.problem) for each in found] == [
        (0, ("request_id", "read_only")),
        (9, ("request_id", "read_only")),
        (12, "is gone"),
        (15, ("missing",)),
    ]
    ids = {row["sequence"]: row["event_id"] for row in [await world.row(ENTRIES, ENTRIES.c.sequence == 0)]}
    assert found[0].event_id.replace("-", "") == ids[0].hex()
    assert str(found[0]).endswith("differs from the log: request_id, read_only")


async def test_an_event_cannot_be_hidden_as_a_purged_one(world: IndexWorld) -> None:
    """With its data key the event says what it was; without one, no purge in the log has taken the key."""
    texts = ("principal_arn", "event_name", "request_id", "event_source", "user_name", "access_key")
    hidden = {"account_id": PURGED, "read_only": False, "record": False, **dict.fromkeys(texts, "")}
    await world.write(
        sa.delete(RESOURCES).where(RESOURCES.c.account_id == ACCOUNT),
        sa.update(ENTRIES).where(ENTRIES.c.account_id == ACCOUNT).values(hidden),
    )
    assert ("entries", "account_id") in await named(world)
    key = await world.row(DATA_KEYS, DATA_KEYS.c.account_id == ACCOUNT)
    await world.write(sa.delete(DATA_KEYS).where(of(DATA_KEYS, key)))
    found = await named(world)
    assert ("data_keys", "is gone") in found
    await world.write(sa.insert(PURGED_KEYS).values(key_id=key["key_id"]))
    assert ("purged_keys", "are not those that the log names") in await named(world)


async def test_an_account_that_goes_on_is_not_silenced(world: IndexWorld) -> None:
    """A row that says that it never went on would have audit discard its events."""
    await world.write(sa.update(PURGED_ACCOUNTS).values(until_us=None))
    assert ("purged_accounts", "until_us") in await named(world)


async def test_a_second_purge_leaves_no_difference(world: IndexWorld) -> None:
    await world.purged(ACCOUNT, go_on=False)
    assert await world.findings() == []
    await world.take_in([event(1_000, OTHER)])
    assert await world.findings() == []


async def test_the_log_may_be_of_several_tiles(world: IndexWorld) -> None:
    await world.fill(600)
    assert await world.findings() == []
    await world.write(sa.update(ENTRIES).where(ENTRIES.c.sequence == 511).values(event_name="Another"))
    assert [each.sequence for each in await world.findings()] == [511]
    # A pass that begins behind the first tile knows nothing of spools, and is silent about them.
    scan, found = world.log.scan(from_part=0.5), []
    while not scan.done:
        found += await scan.step()
    assert [each.sequence for each in found] == [511]


async def test_a_key_whose_id_is_none_is_named_and_stops_nothing(world: IndexWorld) -> None:
    """It says that it is the newest of its account. SQLite holds numbers and texts, too, before all bytes."""
    sqlite = world.dialect == "sqlite"
    key_ids = ["5", "'sixteen of these'", "X''", "X'00'"] if sqlite else [r"'\x'::bytea", r"'\x00'::bytea"]
    key = await world.row(DATA_KEYS, *PLAIN[DATA_KEYS])
    for key_id in key_ids:
        forged = {**key, "key_id": sa.literal_column(key_id), "created_us": 10**17}
        await world.write(sa.insert(DATA_KEYS).values(forged))
    found = [each for each in await world.findings() if "created_us" not in each.columns]
    assert [each.table for each in found] == ["data_keys"] * len(key_ids)
    world.service.keys.forget(ACCOUNT)
    await world.take_in([event(1_001, ACCOUNT)])
    # Nor does it hold up the purge, which removes it.
    await world.purged(ACCOUNT, go_on=False)
    assert await world.findings() == []


@LOOSELY_TYPED
async def test_a_key_that_was_made_at_no_time_is_named_and_stops_nothing(world: IndexWorld) -> None:
    key = await world.row(DATA_KEYS, *PLAIN[DATA_KEYS])
    for number, time in enumerate(("'soon'", "X'00'")):
        forged = {"key_id": bytes([number]) * 16, "wrapped": b"", "created_us": sa.literal_column(time)}
        await world.write(sa.insert(DATA_KEYS).values({**key, **forged}))
    assert {each.table for each in await world.findings()} == {"data_keys"}
    world.service.keys.forget(ACCOUNT)
    await world.take_in([event(1_001, ACCOUNT)])


@LOOSELY_TYPED
async def test_a_resource_of_half_an_entry_is_named(world: IndexWorld) -> None:
    row = await world.row(RESOURCES, RESOURCES.c.sequence == 6)
    for sequence in (6.5, world.log.log.size - 0.5, -0.5):
        async with world.intruder() as connection:
            connection.execute(sa.insert(RESOURCES).values({**row, "resource": "x", "sequence": sequence}))
        assert "resources" in {each.table for each in await world.findings()}, sequence
        await world.write(sa.delete(RESOURCES).where(RESOURCES.c.resource == "x"))
    # Also one that is an event's but for its number.
    await world.write(sa.update(RESOURCES).where(of(RESOURCES, row)).values(sequence=6.5))
    assert {(each.sequence, each.columns) for each in await world.findings()} == {(6, ("missing", "added"))}


async def test_a_purge_that_has_ended_hides_nothing(world: IndexWorld) -> None:
    """A row that says that it goes on would excuse rows of which nobody can say what they must be."""
    forged = {"account_id": OTHER, "event_name": "Forged", "principal_arn": "arn:forged", "record": True}
    await world.write(
        sa.update(PURGED_ACCOUNTS).values(finished=False),
        sa.update(ENTRIES).where(ENTRIES.c.account_id == PURGED).values(forged),
    )
    assert await named(world) == {("purged_accounts", "finished")}
    await world.write(sa.update(PURGED_ACCOUNTS).values(finished=True))
    assert ("entries", "event_name") in await named(world)


async def test_a_purge_that_goes_on_excuses_what_it_has_not_come_to(world: IndexWorld) -> None:
    """Its rows are as they were, without their keys; id, time and place are still compared."""
    purge, store = Purge("p-2", ACCOUNT, INCARNATION), SqlPurge(world.database)
    names = purge_names(ACCOUNT, INCARNATION, purge.purge_id)
    await world.take_in([world.said("PurgeAccount", names, pb.EVENT_PHASE_INTENT)], AUDIT)
    await store.begin(purge)
    await world.take_in([world.said("PurgeAccount", (*names, keys_name(await store.purged_keys())))], AUDIT)
    assert not (await store.empty(purge, 2)).finished
    assert await world.findings() == []
    row = await world.row(ENTRIES, ENTRIES.c.account_id == ACCOUNT)
    resource = await world.row(RESOURCES, RESOURCES.c.sequence == row["sequence"])
    for table, one, changes in (
        (ENTRIES, row, {"event_id": b"x" * 16}),
        (ENTRIES, row, {"time_us": 1}),
        (RESOURCES, resource, {"time_us": 1}),
        (RESOURCES, resource, {"account_id": OTHER}),
        (RESOURCES, resource, {"resource_type": "AWS::S3::Object"}),
    ):
        await world.write(sa.update(table).where(of(table, one)).values(changes))
        assert (table.name, *changes) in await named(world), changes
        await world.write(sa.update(table).where(of(table, {**one, **changes})).values(one))
    progress = await world.purge.purge(purge)
    await world.take_in([world.said("PurgeAccount", (*names, *progress.named))], AUDIT)
    assert await world.findings() == []


async def test_a_spool_that_is_renamed_everywhere_takes_nothing_in(world: IndexWorld) -> None:
    """Nothing vouches for its name; see UNCHECKED."""
    held, renamed, kept = SPOOL_IDS[AUTH], {"spool_id": "ee" * 16}, event(1_001, ACCOUNT)
    await world.take_in([kept])
    await world.write(sa.update(SPOOLS).where(SPOOLS.c.spool_id == held).values(renamed))
    assert ("spools", "is gone") in await named(world)
    await world.write(sa.update(ENTRIES).where(ENTRIES.c.spool_id == held).values(renamed))
    assert await world.findings() == []
    size = world.log.log.size
    with pytest.raises(DomainError, match="leaves a gap"):
        await world.take_in([event(1_002, ACCOUNT)])
    with pytest.raises(DomainError, match="an event id is held already"):
        await world.service.ingestor.append(AUTH, held, 0, [kept])
    assert world.log.log.size == size
