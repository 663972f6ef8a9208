"""What every EventStore must do, run against each store there is."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

import services.audit
from services.audit.adapters.questions import indexed_by_account
from services.audit.adapters.sql_events import SqlEventStore
from services.audit.adapters.sql_keys import SqlDataKeyStore
from services.audit.domain.entry import Index, searchable
from services.audit.domain.query import Place, Query
from services.audit.ports import Batch, DataKey, SealedEntry
from services.chassis.database import Database
from services.chassis.errors import DomainError
from tests.fakes.databases import KINDS, empty_database, make_schema, replica

REVISIONS = Path(services.audit.__file__).parent / "adapters" / "migrations"
SPOOL = "ab" * 16


@pytest.fixture(params=KINDS)
async def database(request, tmp_path) -> AsyncIterator[Database]:
    opened = Database(empty_database(request.param, tmp_path))
    make_schema(opened, REVISIONS)
    yield opened
    await opened.close()


@pytest.fixture
def store(database) -> SqlEventStore:
    return SqlEventStore(database)


def entry(number: int, time_us: int | None = None, account: str = "123456789012", **changes) -> SealedEntry:
    values = {
        "event_id": number.to_bytes(16, "big"),
        "time_us": number if time_us is None else time_us,
        "account_id": account,
        "principal_arn": f"arn:aws:iam::{account}:user/alice",
        "event_name": "CreateUser",
        "request_id": f"request-{number}",
        "resources": (f"resource-{number}", "shared"),
    }
    return SealedEntry(Index(**{**values, **changes}), b"leaf %d" % number)


RECORD_QUESTIONS = [
    Query(account_id="123456789012", event_source="kms.amazonaws.com", records=True),
    Query(account_id="123456789012", user_name="alice", records=True),
    Query(account_id="123456789012", access_key="AKIA", records=True),
    Query(account_id="123456789012", read_only=False, records=True),
    Query(account_id="123456789012", resource_type="AWS::KMS::Key", records=True),
]


def batch(first: int, entries, spool: str = SPOOL, workload: str = "service/auth") -> Batch:
    return Batch(spool, workload, first, entries)


async def leaves(store, query=None, after=None, limit=1000) -> list[bytes]:
    return [row.leaf for row in await store.find(query or Query(), after, limit)]


async def test_appends_and_says_how_far(store):
    assert await store.append(batch(0, [entry(0), entry(1)])) == 2
    assert await store.append(batch(2, [entry(2)])) == 3
    assert await leaves(store) == [b"leaf 2", b"leaf 1", b"leaf 0"]


async def test_a_batch_that_comes_again_changes_nothing(store):
    entries = [entry(number) for number in range(5)]
    for _ in range(3):
        assert await store.append(batch(0, entries)) == 5
    assert len(await leaves(store)) == 5


async def test_an_overlapping_batch_adds_what_is_new(store):
    entries = [entry(number) for number in range(8)]
    await store.append(batch(0, entries[:5]))
    assert await store.append(batch(3, entries[3:])) == 8
    assert await store.append(batch(1, entries[1:3])) == 8
    assert len(await leaves(store)) == 8


async def test_a_gap_names_the_position_it_wants(store):
    await store.append(batch(0, [entry(0)]))
    with pytest.raises(DomainError) as refusal:
        await store.append(batch(2, [entry(2)]))
    assert refusal.value.metadata == {"expected_position": "1"}
    with pytest.raises(DomainError) as refusal:
        await store.append(batch(7, [entry(9)], spool="cd" * 16))
    assert refusal.value.metadata == {"expected_position": "0"}


async def test_a_held_position_with_another_event_is_refused(store):
    await store.append(batch(0, [entry(0), entry(1)]))
    with pytest.raises(DomainError) as refusal:
        await store.append(batch(0, [entry(0), entry(99), entry(2)]))
    assert refusal.value.reason_name == "RESOURCE_STATE"
    assert len(await leaves(store)) == 2


async def test_a_spool_belongs_to_one_workload(store):
    await store.append(batch(0, [entry(0)]))
    with pytest.raises(DomainError) as refusal:
        await store.append(batch(1, [entry(1)], workload="service/kms"))
    assert refusal.value.reason_name == "ACCESS_DENIED"


async def test_an_event_id_is_held_once(store):
    await store.append(batch(0, [entry(0)]))
    with pytest.raises(DomainError) as refusal:
        await store.append(batch(0, [entry(1), entry(0)], spool="cd" * 16))
    assert refusal.value.reason_name == "INVALID_FIELD"
    # All or none.
    assert await leaves(store) == [b"leaf 0"]


async def test_concurrent_copies_of_a_batch_are_held_once(store):
    entries = [entry(number) for number in range(20)]
    reached = await asyncio.gather(*(store.append(batch(0, entries)) for _ in range(4)))
    assert reached == [20] * 4
    assert len(await leaves(store)) == 20


async def test_equal_times_are_in_the_order_of_arrival(store):
    await store.append(batch(0, [entry(number, time_us=5) for number in range(6)]))
    assert await leaves(store) == [b"leaf %d" % number for number in (5, 4, 3, 2, 1, 0)]
    rows = await store.find(Query(), None, 3)
    after = Place(5, rows[-1].sequence)
    assert await leaves(store, after=after) == [b"leaf 2", b"leaf 1", b"leaf 0"]


async def test_time_range_is_half_open(store):
    await store.append(batch(0, [entry(number) for number in range(10)]))
    assert await leaves(store, Query(start_us=3, end_us=5)) == [b"leaf 4", b"leaf 3"]


async def test_attributes_combine(store):
    entries = [entry(n, account="123456789012" if n % 2 else "210987654321") for n in range(10)]
    await store.append(batch(0, entries))
    query = Query(account_id="123456789012", resource="shared", event_name="CreateUser", start_us=4)
    assert await leaves(store, query) == [b"leaf 9", b"leaf 7", b"leaf 5"]
    assert await leaves(store, Query(account_id="123456789012", request_id="request-2")) == []


async def test_sql_in_an_attribute_is_text(store):
    await store.append(batch(0, [entry(0)]))
    assert await leaves(store, Query(event_name="' OR 1=1 --")) == []


def incompressible(first: int, last: int) -> str:
    """2,048 random characters: what an index cannot make shorter."""
    return "".join(map(chr, random.Random(7).choices(range(first, last), k=2048)))


@pytest.mark.parametrize(
    "name",
    ["a\0b", incompressible(0x1F300, 0x1F600), incompressible(0x21, 0x7F)],
    ids=["NUL", "longest in bytes", "longest"],
)
async def test_no_name_that_a_client_chooses_is_refused(store, name):
    assert await store.append(batch(0, [entry(0, resources=(searchable(name), "other"))])) == 1
    assert await leaves(store, Query(resource=searchable(name))) == [b"leaf 0"]


async def test_records_are_found_by_their_attributes(store):
    key, alias = "arn:aws:kms:us-east-1:123456789012:key/1", "arn:aws:kms:us-east-1:123456789012:alias/a"
    mine = {
        "event_source": "kms.amazonaws.com",
        "user_name": "alice",
        "access_key": "AKIA1",
        "read_only": True,
        "record": True,
        "resources": (key, alias, f"{key}2"),
    }
    entries = [entry(0, **mine), entry(1), entry(2, **{**mine, "record": False})]
    others = {"user_name": "bob", "access_key": "AKIA2", "event_source": "iam.amazonaws.com"}
    entries.append(entry(3, **{**mine, **others, "read_only": False, "resources": ()}))
    await store.append(batch(0, entries))
    for question, found in (
        (Query(records=True), [3, 0]),
        (Query(records=True, user_name="alice"), [0]),
        (Query(records=True, user_name="Alice"), []),
        (Query(records=True, access_key="AKIA2"), [3]),
        (Query(records=True, event_source="kms.amazonaws.com"), [0]),
        (Query(records=True, read_only=True), [0]),
        (Query(records=True, read_only=False), [3]),
        (Query(records=True, resource=key), [0]),
        # It names two keys, and is one event.
        (Query(records=True, resource_type="AWS::KMS::Key"), [0]),
        (Query(records=True, resource_type="AWS::KMS::Alias"), [0]),
        (Query(records=True, resource_type="AWS::IAM::User"), []),
        (Query(records=True, event_id=entries[3].index.event_id), [3]),
        (Query(records=True, event_id=entries[2].index.event_id), []),
        (Query(user_name="alice"), [2, 0]),
    ):
        assert await leaves(store, question) == [b"leaf %d" % number for number in found], question


async def test_entries_survive_a_restart(database):
    for number in range(3):
        async with replica(database) as again:
            again.migrate(REVISIONS)
            assert await SqlEventStore(again).append(batch(number, [entry(number)])) == number + 1
    assert len(await leaves(SqlEventStore(database))) == 3


async def test_replicas_take_in_many_spools_at_once(store, database):
    """Each batch is sent to both replicas, as after an answer that was lost."""
    spools = [f"{number:032x}" for number in range(4)]
    async with replica(database) as another:
        stores = (store, SqlEventStore(another))
        for step in range(5):
            reached = await asyncio.gather(
                *(
                    each.append(
                        batch(step * 3, [entry((spool * 5 + step) * 3 + n) for n in range(3)], spools[spool])
                    )
                    for spool in range(4)
                    for each in stores
                )
            )
            assert reached == [step * 3 + 3] * 8
    found = await store.find(Query(), None, 1000)
    assert len({row.event_id for row in found}) == len(found) == 60
    assert len(await leaves(store, Query(resource="shared"))) == 60


async def test_answers_from_all_accounts_are_in_order_and_join_to_the_whole(store):
    """An index that has the account before the time is asked account by account."""
    accounts = ("", "100000000001", "100000000002", "999999999999")
    of = {number: accounts[number * 7 % 4] for number in range(40)}
    mine = {"record": True, "user_name": "alice", "resources": ("shared", "arn:aws:kms:r:1:key/k")}
    # Three of one time, and their order is that of their arrival.
    entries = [entry(number, number // 3, of[number], **mine) for number in of]
    entries.append(entry(40, 99, accounts[1], event_name="DeleteUser", resources=()))
    await store.append(batch(0, entries))
    expected = [b"leaf %d" % number for number in reversed(range(40))]
    for question in (
        Query(event_name="CreateUser"),
        Query(resource="shared"),
        Query(resource_type="AWS::KMS::Key", records=True),
        Query(user_name="alice", records=True),
    ):
        assert indexed_by_account(question)
        assert await leaves(store, question) == expected
        joined, after = [], None
        while page := await store.find(question, after, 7):
            joined += [row.leaf for row in page]
            after = Place(page[-1].time_us, page[-1].sequence)
        assert joined == expected
        within = [b"leaf %d" % number for number in of if 3 <= number // 3 < 9][::-1]
        ranged = replace(question, start_us=3, end_us=9)
        assert await leaves(store, ranged) == within
        assert await leaves(store, ranged, Place(8, 25), 5) == within[2:7]
        # A page that was ended by another question than this one's range.
        assert await leaves(store, ranged, Place(50, 0)) == within
    assert await leaves(store, Query(event_name="Never")) == []


async def test_a_resource_and_who_used_it_are_asked_for_together(store):
    """Both must match, whichever index the page is read from."""
    key, other = "arn:aws:kms:r:1:key/k", "arn:aws:kms:r:1:key/other"
    alice, bob = "arn:aws:iam::123456789012:user/alice", "arn:aws:iam::123456789012:user/bob"
    used = [(alice, key), (bob, key), (alice, other), (alice, key), (alice, "named")]
    await store.append(
        batch(
            0,
            [
                entry(number, number, principal_arn=who, resources=(what,), record=True)
                for number, (who, what) in enumerate(used)
            ],
        )
    )
    for account_id in (None, "123456789012"):
        question = Query(account_id=account_id, principal_arn=alice, resource=key)
        assert await leaves(store, question) == [b"leaf 3", b"leaf 0"]
        assert await leaves(store, question, Place(3, 3)) == [b"leaf 0"]
        typed = replace(question, resource="", resource_type="AWS::KMS::Key", records=True)
        assert await leaves(store, typed) == [b"leaf 3", b"leaf 2", b"leaf 0"]
    assert await leaves(store, Query(account_id="999999999999", principal_arn=alice, resource=key)) == []
    assert await leaves(store, Query(request_id="request-1", resource=key)) == [b"leaf 1"]
    assert await leaves(store, Query(request_id="request-1", resource=other)) == []


async def test_questions_are_answered_from_an_index(store, database):
    """No question reads the whole log: a page costs the same at any size."""
    questions = [
        Query(),
        Query(account_id="123456789012"),
        Query(principal_arn="arn"),
        Query(account_id="123456789012", event_name="CreateUser"),
        Query(resource="shared"),
        Query(account_id="123456789012", resource="shared"),
        Query(account_id="123456789012", request_id="request-1"),
        Query(account_id="123456789012", records=True),
        Query(account_id="123456789012", event_id=b"1" * 16, records=True),
        Query(account_id="123456789012", principal_arn="arn", end_us=9),
        Query(account_id="123456789012", principal_arn="arn", resource="shared"),
        Query(account_id="123456789012", principal_arn="arn", resource_type="AWS::KMS::Key", records=True),
        Query(principal_arn="arn", resource="shared"),
        Query(account_id="123456789012", request_id="request-1", resource="shared"),
        *RECORD_QUESTIONS,
        # Of all accounts: asked for one after the other.
        *(replace(each, account_id=None) for each in RECORD_QUESTIONS),
        Query(event_name="CreateUser"),
        Query(event_name="CreateUser", start_us=1, end_us=9),
    ]
    # An empty table is read as a whole by a planner that may, however good the indexes are.
    postgresql = database.engine.dialect.name == "postgresql"
    prepare, explain = (
        ("SET LOCAL enable_seqscan = off", "EXPLAIN") if postgresql else ("", "EXPLAIN QUERY PLAN")
    )

    def plans(connection):
        if prepare:
            connection.exec_driver_sql(prepare)
        for question, statement, parameters in executed:
            steps = connection.exec_driver_sql(f"{explain} {statement}", parameters)
            yield question, [row[-1].strip(" ->") for row in steps]

    executed, question = [], None

    def note(_connection, _cursor, statement, parameters, *_):
        if statement.startswith("SELECT"):
            executed.append((question, statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    for question in questions:
        await store.find(question, None, 50)
        await store.find(question, Place(5, 5), 50)
    sa.event.remove(database.engine, "before_cursor_execute", note)
    assert {asked for asked, _, _ in executed} == set(questions)
    for question, plan in await database.read(lambda connection: list(plans(connection))):
        assert plan
        # Which index an empty table is read by says nothing at PostgreSQL.
        if question in RECORD_QUESTIONS and not postgresql:
            assert any("INDEX records_by_" in step or "resources_by_type" in step for step in plan), plan
        if (question.principal_arn or question.request_id) and not postgresql:
            # Not through all that an account has.
            assert any("entries_by_principal" in step or "entries_by_request" in step for step in plan), plan
        assert not any(
            step.startswith("Seq Scan") or (step.startswith("SCAN") and "INDEX" not in step) for step in plan
        ), (question, plan)
        # Few events have one request id; anything else that is sorted is all that matches.
        assert question.request_id or not any("B-TREE" in step for step in plan), (question, plan)


async def test_data_keys(database):
    keys = SqlDataKeyStore(database)
    assert await keys.newest("123456789012") is None
    old, new = DataKey(b"o" * 16, "123456789012", b"1", 1), DataKey(b"n" * 16, "123456789012", b"2", 2)
    other = DataKey(b"x" * 16, "", b"3", 3)
    for key in (new, old, other):
        await keys.add(key)
    assert await keys.newest("123456789012") == new
    assert await keys.newest("") == other
    assert await keys.get(b"o" * 16) == old
    assert await keys.get(b"?" * 16) is None
