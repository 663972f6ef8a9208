"""The contract of the store of purges, and what is left of an account when auth's part is done."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import services.auth.wiring  # noqa: F401 - names every adapter, and so defines every table
from services.auth.adapters.account_removal import KEPT, PRINCIPALS, RESOURCES
from services.auth.adapters.sql_directory import SqlDirectory
from services.auth.adapters.sql_purges import SqlPurges
from services.auth.adapters.tables import METADATA
from services.auth.domain.pages import PageRequest
from services.auth.domain.purges import AccountPurge, Deed, Profile, PurgeState, requested
from services.auth.domain.records import Account
from services.chassis.database import Database
from services.chassis.errors import DomainError
from tests.fakes.databases import replica

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ONE, TWO = "210987654321", "310987654321"


def asked(number: int = 1, account_id: str = ONE, *, keep: bool = False) -> AccountPurge:
    deed = Deed("operator/admin", NOW + timedelta(seconds=number), f"event-{number}")
    return requested(f"purge-{number}", account_id, "i1", Profile.DEVELOPMENT, keep=keep, deed=deed)


@pytest.fixture
async def store(database: Database) -> SqlPurges:
    """A store of two accounts."""
    for account_id in (ONE, TWO):
        await SqlDirectory(database).create_account(Account(account_id, "i1", "some", NOW), None, None)
    return SqlPurges(database)


def invented(table: sa.Table, column: Any, account_id: str) -> Any:
    """A value for one column of an account's one row."""
    for key in column.foreign_keys:
        if key.column.table is table:
            return None
        return invented(key.column.table, key.column, account_id)
    if column.name in ("account_id", "target_id"):
        return account_id
    if column.name == "entity_id":
        return invented(METADATA.tables["users"], METADATA.tables["users"].c.user_id, account_id)
    if isinstance(column.type, sa.LargeBinary):
        return f"{account_id}".encode()
    if isinstance(column.type, sa.Boolean):
        return False
    if isinstance(column.type, sa.Integer):
        return int(account_id[0])
    return f"{account_id[0]}-{column.name}"[: column.type.length or 20]


async def fill(database: Database) -> None:
    """Write a row of each account into every table that there is."""

    def work(connection: sa.Connection) -> None:
        for table in METADATA.sorted_tables:
            if table.name in ("installation", "accounts", "account_purges"):
                continue
            for account_id in (ONE, TWO):
                row = {each.name: invented(table, each, account_id) for each in table.columns}
                connection.execute(sa.insert(table).values(row))

    await database.run(work)


async def everything(database: Database) -> dict[str, list[Any]]:
    def work(connection: sa.Connection) -> dict[str, list[Any]]:
        return {
            name: [tuple(row) for row in connection.execute(sa.select(table))]
            for name, table in METADATA.tables.items()
        }

    return await database.read(work)


@pytest.mark.parametrize("keep", [False, True])
async def test_nothing_is_left_of_one_account_and_all_of_another(
    database: Database, store: SqlPurges, keep: bool
) -> None:
    await fill(database)
    before = await everything(database)
    await store.add(asked(keep=keep))
    purge, epoch = await store.close((await store.get("purge-1")).begun())
    assert epoch == await store.epoch(ONE) == 2
    purge = await store.remove(purge)
    after = await everything(database)
    gone = set(RESOURCES) if keep else {*RESOURCES, *PRINCIPALS}
    for table in {*RESOURCES, *PRINCIPALS}:
        if table not in gone:
            assert after[table.name] == before[table.name], table.name
            continue
        assert len(before[table.name]) == 2, table.name
        assert len(after[table.name]) == 1, table.name
        assert after[table.name][0] in before[table.name]
        assert any(TWO in str(value) or str(value).startswith("3-") for value in after[table.name][0])
    assert set(purge.removed["auth"].values()) == {1}
    assert len(purge.removed["auth"]) == len(gone)
    for name in {"organization_units", *KEPT} - {"accounts", "account_purges"}:
        assert after[name] == before[name], name


async def test_a_purge_is_written_and_read(store: SqlPurges) -> None:
    purge = asked()
    await store.add(purge)
    assert await store.get("purge-1") == purge
    deed = Deed("service/auth", NOW, "done")
    changed = purge.begun().removing("kms", {"keys": 2}).complete(deed).certified({"done": 3}, b"c", b"k")
    written = await store.replace(changed)
    assert await store.get("purge-1") == written
    with pytest.raises(DomainError) as refused:
        await store.get("purge-2")
    assert refused.value.reason_name == "RESOURCE_NOT_FOUND"


async def test_of_two_who_change_it_one_is_refused(database: Database, store: SqlPurges) -> None:
    await store.add(asked())
    purge = await store.get("purge-1")
    async with replica(database) as other:
        await SqlPurges(other).replace(purge.begun())
    for late in (store.replace(purge.cancel()), store.close(purge.begun()), store.remove(purge)):
        with pytest.raises(DomainError) as refused:
            await late
        assert refused.value.reason_name == "CONFLICT"
    # What was refused has had no effect.
    assert not (await SqlDirectory(database).account(ONE)).closed


async def test_an_account_has_one_open_purge(store: SqlPurges) -> None:
    await store.add(asked(1))
    with pytest.raises(DomainError) as refused:
        await store.add(asked(2))
    assert refused.value.reason_name == "RESOURCE_EXISTS"
    await store.add(asked(3, TWO))
    await store.replace((await store.get("purge-1")).cancel())
    await store.add(asked(2))


async def test_lists_and_what_is_to_do(store: SqlPurges) -> None:
    for number in range(1, 6):
        await store.add(asked(number))
        if number < 5:
            await store.replace((await store.get(f"purge-{number}")).cancel())
    await store.add(asked(6, TWO))
    page = await store.list(ONE, PageRequest(2, ""))
    found = [each.purge_id for each in page.items]
    while page.next_token:
        page = await store.list(ONE, PageRequest.parse(2, page.next_token))
        found += [each.purge_id for each in page.items]
    assert found == [f"purge-{number}" for number in (5, 4, 3, 2, 1)]
    assert len((await store.list("", PageRequest(100, ""))).items) == 6
    due = NOW + timedelta(seconds=5)
    assert {each.purge_id for each in await store.to_do(due)} == {"purge-5"}
    begun = await store.replace((await store.get("purge-6")).begun())
    assert {each.purge_id for each in await store.to_do(NOW)} == {"purge-6"}
    assert begun.state is PurgeState.PURGING
