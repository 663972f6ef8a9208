"""Whoever can write the database of the key service: everything that can be done to it is noticed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.secret import SecretBytes
from services.kms.adapters.sql_records import SqlRecords
from services.kms.ports import RecordChange, RecordId, StoreAlteredError
from tests.fakes.clock import ManualClock
from tests.fakes.databases import KINDS, empty_database
from tests.fakes.kms_stores import Attacker, Stores, delete, put

Rows = dict[RecordId, tuple[bytes, bytes]]
Alteration = Callable[[Rows, Rows], None]
A, B, C = (RecordId("keys", "p", name) for name in "abc")
OTHER = RecordId("keys", "q", "a")
GONE = RecordId("keys", "p", "bb")
"""Was removed before the attack; its row is known to the attacker."""


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request.param, tmp_path)


@pytest.fixture
async def stores(url: str) -> AsyncIterator[Stores]:
    stores = Stores(url, ManualClock())
    yield stores
    await stores.close()


@pytest.fixture
def attacker(url: str, stores: Stores) -> Iterator[Attacker]:
    attacker = Attacker(url)
    yield attacker
    attacker.close()


def edit_body(rows: Rows, _old: Rows) -> None:
    body, tag = rows[B]
    rows[B] = (body[:-1] + bytes([body[-1] ^ 1]), tag)


def edit_tag(rows: Rows, _old: Rows) -> None:
    body, tag = rows[B]
    rows[B] = (body, bytes([tag[0] ^ 1]) + tag[1:])


def truncate(rows: Rows, _old: Rows) -> None:
    rows[B] = (rows[B][0][:20], rows[B][1])


def empty(rows: Rows, _old: Rows) -> None:
    rows[B] = (b"", b"")


def swap(rows: Rows, _old: Rows) -> None:
    rows[A], rows[B] = rows[B], rows[A]


def copy_over(rows: Rows, _old: Rows) -> None:
    rows[B] = rows[OTHER]


def remove(rows: Rows, _old: Rows) -> None:
    del rows[B]


def put_back(rows: Rows, old: Rows) -> None:
    rows[B] = old[B]


def rename(rows: Rows, _old: Rows) -> None:
    rows[RecordId("keys", "p", "b2")] = rows.pop(B)


def add(rows: Rows, _old: Rows) -> None:
    rows[RecordId("keys", "p", "d")] = rows[A]


def bring_back(rows: Rows, old: Rows) -> None:
    rows[GONE] = old[GONE]


CHANGING_B = [edit_body, edit_tag, truncate, empty, swap, copy_over, remove, put_back, rename]
ADDING = [add, bring_back]


async def history(stores: Stores, attacker: Attacker) -> tuple[SqlRecords, Rows, bytes]:
    """Give the store a past; return it open, with its rows and head of an earlier moment."""
    records = await stores.open(first_boot=True)
    await put(records, A, B, C, OTHER, GONE, body=b"first")
    old = attacker.rows(), attacker.head()
    await put(records, B, body=b"second")
    await delete(records, GONE)
    return records, *old


@pytest.mark.parametrize("alter", CHANGING_B)
async def test_a_changed_row_is_refused_where_it_is_used(
    stores: Stores, attacker: Attacker, alter: Alteration
) -> None:
    records, old, _ = await history(stores, attacker)
    assert (await records.get(B)).body == b"second"  # type: ignore[union-attr]
    stores.clock.advance(1.01)  # type: ignore[attr-defined]
    genuine = attacker.rows()
    attacker.change(lambda rows: alter(rows, old))
    with pytest.raises(StoreAlteredError):
        await records.get(B)
    with pytest.raises(StoreAlteredError):
        await records.list("keys", "p")
    with pytest.raises(StoreAlteredError):
        await records.change(lambda change: change.get(B))
    with pytest.raises(StoreAlteredError):
        await put(records, B)
    # It stays refused when the attacker undoes the work; what was never touched goes on.
    attacker.write(genuine)
    with pytest.raises(StoreAlteredError):
        await records.get(B)
    assert (await records.get(OTHER)).body == b"first"  # type: ignore[union-attr]


@pytest.mark.parametrize("alter", CHANGING_B)
async def test_a_change_does_not_heal_a_changed_row(
    stores: Stores, attacker: Attacker, alter: Alteration
) -> None:
    records, old, _ = await history(stores, attacker)
    attacker.change(lambda rows: alter(rows, old))
    if alter not in (edit_body, truncate):
        with pytest.raises(StoreAlteredError):
            await put(records, B, body=b"third")
        return
    # A write does not read the body that it replaces: what stands there now is genuine, and the old one gone.
    await put(records, B, body=b"third")
    assert (await records.get(B)).body == b"third"  # type: ignore[union-attr]


@pytest.mark.parametrize("alter", ADDING)
async def test_an_added_row_is_not_believed(stores: Stores, attacker: Attacker, alter: Alteration) -> None:
    records, old, _ = await history(stores, attacker)
    attacker.change(lambda rows: alter(rows, old))
    for record_id in (RecordId("keys", "p", "d"), GONE):
        assert await records.get(record_id) is None
        assert await records.change(lambda change, place=record_id: change.get(place)) is None
    with pytest.raises(StoreAlteredError):
        await records.list("keys", "p")
    with pytest.raises(StoreAlteredError):
        await records.list("keys", "p", "a", 1)
    assert [each.id for each in await records.list("keys", "q")] == [OTHER]


async def test_a_removed_row_is_missed_by_the_page_that_it_belongs_to(
    stores: Stores, attacker: Attacker
) -> None:
    records, _, _ = await history(stores, attacker)
    attacker.change(lambda rows: remove(rows, rows))
    assert [each.id for each in await records.list("keys", "p", "", 1)] == [A]
    assert [each.id for each in await records.list("keys", "p", "b")] == [C]
    with pytest.raises(StoreAlteredError):
        await records.list("keys", "p", "a", 1)


@pytest.mark.parametrize("alter", [*CHANGING_B, *ADDING])
async def test_a_changed_store_is_not_opened(stores: Stores, attacker: Attacker, alter: Alteration) -> None:
    _, old, _ = await history(stores, attacker)
    await stores.close()
    genuine = attacker.rows()
    attacker.change(lambda rows: alter(rows, old))
    with pytest.raises(StoreAlteredError):
        await stores.open()
    # Nor when somebody says that it was restored: that is about its age, not about its content.
    with pytest.raises(StoreAlteredError):
        await stores.open(restored=True)
    attacker.write(genuine)
    assert (await (await stores.open()).get(B)).body == b"second"  # type: ignore[union-attr]


@pytest.mark.parametrize("alter", [*CHANGING_B, *ADDING])
async def test_the_scrub_finds_what_nobody_uses(
    stores: Stores, attacker: Attacker, alter: Alteration
) -> None:
    records, old, _ = await history(stores, attacker)
    genuine = attacker.rows()
    attacker.change(lambda rows: alter(rows, old))
    store = records._opened()
    await store.scrub(lambda: asyncio.sleep(0))
    attacker.write(genuine)
    with pytest.raises(StoreAlteredError):
        await records.list("keys", "p")
    if alter in CHANGING_B:
        with pytest.raises(StoreAlteredError):
            await records.get(B)


async def test_the_scrub_goes_through_all_pieces_while_others_write(
    stores: Stores, attacker: Attacker
) -> None:
    records = await stores.open(first_boot=True)
    many = [RecordId("keys", f"p{number % 7}", f"{number:04d}") for number in range(450)]
    await put(records, *many)
    for number in range(0, 450, 50):
        at = many[number]
        attacker.change(lambda rows, at=at: rows.update({at: (b"\x01" * 60, rows[at][1])}))  # type: ignore[misc]

    async def write() -> None:
        for number in range(30):
            await put(records, RecordId("keys", "busy", f"{number}"))
            await delete(records, many[number + 1])

    writing = asyncio.create_task(write())
    await records._opened().scrub(lambda: asyncio.sleep(0.001))
    await writing
    await records._opened().scrub(lambda: asyncio.sleep(0))
    for number in range(450):
        if number % 50 == 0:
            with pytest.raises(StoreAlteredError):
                await records.get(many[number])
        elif number > 30:
            assert await records.get(many[number]) is not None


@pytest.mark.parametrize("use", ["get", "list", "change", "nothing"])
async def test_the_whole_store_put_back_while_it_is_open(
    stores: Stores, attacker: Attacker, use: str
) -> None:
    records, old, old_head = await history(stores, attacker)
    attacker.write(old, old_head)
    if use == "nothing":
        # The watch looks after it.
        with pytest.raises(StoreAlteredError):
            await asyncio.wait_for(records.failed(), 10)
    else:
        uses = {
            "get": lambda: records.get(B),
            "list": lambda: records.list("keys", "p"),
            "change": lambda: put(records, A),
        }
        with pytest.raises(StoreAlteredError):
            await uses[use]()
        await asyncio.wait_for(asyncio.gather(records.failed(), return_exceptions=True), 1)
    # From now on nothing is answered, whatever stands in the database.
    for attempt in (records.get(A), records.list("keys", "q"), put(records, OTHER)):
        with pytest.raises(StoreAlteredError):
            await attempt


async def test_the_whole_store_put_back_while_it_is_closed(stores: Stores, attacker: Attacker) -> None:
    _, old, old_head = await history(stores, attacker)
    await stores.close()
    new, new_head = attacker.rows(), attacker.head()
    attacker.write(old, old_head)
    with pytest.raises(StoreAlteredError):
        await stores.open()
    attacker.write(new, new_head)
    assert (await (await stores.open()).get(B)).body == b"second"  # type: ignore[union-attr]


async def test_a_fork_of_the_newest_epoch_is_refused(stores: Stores, attacker: Attacker) -> None:
    """A copy that went on by itself, out of reach of the anchor, to an epoch that was anchored elsewhere."""
    records, _, _ = await history(stores, attacker)
    await stores.close()
    fork = attacker.rows(), attacker.head()
    records = await stores.open()
    await put(records, A, body=b"anchored")
    await stores.close()
    newest = stores.anchor.states.copy()
    attacker.write(*fork)
    stores.anchor.states.clear()
    records = await stores.open(restored=True)
    await put(records, A, body=b"forked")
    epoch = records.epoch
    await stores.close()
    stores.anchor.states = newest
    assert {each.epoch for each in newest.values()} == {epoch}
    with pytest.raises(StoreAlteredError):
        await stores.open()


async def test_old_rows_under_the_new_head(stores: Stores, attacker: Attacker) -> None:
    _, old, old_head = await history(stores, attacker)
    await stores.close()
    new, new_head = attacker.rows(), attacker.head()
    for rows, head in ((old, new_head), (new, old_head), ({}, new_head), (new, new_head[:-1] + b"\x00")):
        attacker.write(rows, head)
        with pytest.raises(StoreAlteredError):
            await stores.open()


async def test_an_emptied_store_is_no_new_store(stores: Stores, attacker: Attacker) -> None:
    await history(stores, attacker)
    await stores.close()
    attacker.write({}, b"")
    with pytest.raises(StoreAlteredError):
        await stores.open()


async def test_another_store_key_opens_nothing(stores: Stores, attacker: Attacker) -> None:
    await history(stores, attacker)
    await stores.close()
    with pytest.raises(StoreAlteredError):
        await stores.open(store_key=SecretBytes(b"?" * 32))


async def test_a_lost_anchor_is_no_new_store(stores: Stores, attacker: Attacker) -> None:
    await history(stores, attacker)
    await stores.close()
    stores.anchor.states.clear()
    with pytest.raises(StoreAlteredError):
        await stores.open()


async def test_a_restored_store_goes_on_when_an_operator_says_so(stores: Stores, attacker: Attacker) -> None:
    records, old, old_head = await history(stores, attacker)
    lost = records.epoch
    await stores.close()
    attacker.write(old, old_head)
    records = await stores.open(restored=True)
    assert (await records.get(B)).body == b"first"  # type: ignore[union-attr]
    assert records.epoch > lost
    await put(records, A, body=b"after")
    await stores.close()
    # From then on it is a store like any other, and nothing needs to be said.
    assert (await (await stores.open()).get(A)).body == b"after"  # type: ignore[union-attr]


async def test_nothing_readable_stands_in_the_database(stores: Stores, attacker: Attacker) -> None:
    records = await stores.open(first_boot=True)
    canary = b"canary-51f0c3-body"
    for _ in range(3):
        await put(records, A, B, body=canary)
    stored = attacker.rows()
    assert all(canary not in body for body, _ in stored.values())
    assert stored[A][0] != stored[B][0]
    before = stored[A][0]
    await put(records, A, body=canary)
    assert attacker.rows()[A][0] != before


async def test_what_was_verified_is_used_for_a_second(stores: Stores, attacker: Attacker) -> None:
    records, old, _ = await history(stores, attacker)
    await records.get(B)
    attacker.change(lambda rows: remove(rows, old))
    stores.clock.advance(0.99)  # type: ignore[attr-defined]
    assert (await records.get(B)).body == b"second"  # type: ignore[union-attr]
    stores.clock.advance(0.02)  # type: ignore[attr-defined]
    with pytest.raises(StoreAlteredError):
        await records.get(B)


@pytest.mark.parametrize("alter", [*CHANGING_B, *ADDING])
async def test_a_listing_that_was_verified_is_used_for_a_second(
    stores: Stores, attacker: Attacker, alter: Alteration
) -> None:
    records, old, _ = await history(stores, attacker)
    listed = [each.body for each in await records.list("keys", "p")]
    attacker.change(lambda rows: alter(rows, old))
    stores.clock.advance(0.99)  # type: ignore[attr-defined]
    assert (
        [each.body for each in await records.list("keys", "p")] == listed == [b"first", b"second", b"first"]
    )
    stores.clock.advance(0.02)  # type: ignore[attr-defined]
    with pytest.raises(StoreAlteredError):
        await records.list("keys", "p")


async def test_a_listing_shows_every_change_that_returned_before(stores: Stores) -> None:
    records = await stores.open(first_boot=True)
    assert not await records.list("keys", "p")
    await put(records, A, body=b"first")
    assert [each.body for each in await records.list("keys", "p")] == [b"first"]
    await put(records, A, OTHER, body=b"second")
    assert [each.body for each in await records.list("keys", "p")] == [b"second"]
    await delete(records, A)
    assert not await records.list("keys", "p")


async def test_a_record_in_constant_use_is_read_again_meanwhile(stores: Stores, attacker: Attacker) -> None:
    records, old, _ = await history(stores, attacker)
    await records.get(B)
    attacker.change(lambda rows: remove(rows, old))
    stores.clock.advance(0.6)  # type: ignore[attr-defined]
    assert (await records.get(B)).body == b"second"  # type: ignore[union-attr]

    async def used() -> None:
        # The clock of the store stands still: it is refused before its second is over.
        async with asyncio.timeout(20):
            while await records.get(B):
                await asyncio.sleep(0.01)

    with pytest.raises(StoreAlteredError):
        await used()


async def test_one_altered_record_of_a_batch_is_refused_alone(stores: Stores, attacker: Attacker) -> None:
    records, old, _ = await history(stores, attacker)
    stores.clock.advance(1.01)  # type: ignore[attr-defined]
    attacker.change(lambda rows: edit_body(rows, old))
    found = await asyncio.gather(*(records.get(each) for each in (A, B, C, OTHER)), return_exceptions=True)
    assert isinstance(found[1], StoreAlteredError)
    assert [each.body for each in found if not isinstance(each, BaseException)] == [b"first"] * 3  # type: ignore[union-attr]


NAMES = [RecordId("keys", partition, sort) for partition in ("p", "q") for sort in ("a", "b", "c")]
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("remove"), st.sampled_from(NAMES)),
        st.tuples(st.just("copy"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
        st.tuples(st.just("put back"), st.sampled_from(NAMES), st.integers(0, 3)),
        st.tuples(st.just("flip"), st.sampled_from(NAMES), st.integers(0, 2**16)),
        st.tuples(st.just("rename"), st.sampled_from(NAMES), st.text(min_size=1, max_size=2)),
    ),
    min_size=1,
    max_size=6,
)


def perform(rows: Rows, past: list[Rows], operations: list[tuple[object, ...]]) -> None:
    for operation in operations:
        match operation:
            case ("remove", RecordId() as place):
                rows.pop(place, None)
            case ("copy", RecordId() as source, RecordId() as place) if source in rows:
                rows[place] = rows[source]
            case ("put back", RecordId() as place, int(moment)) if place in past[moment]:
                rows[place] = past[moment][place]
            case ("flip", RecordId() as place, int(bit)) if place in rows and rows[place][0]:
                body, tag = rows[place]
                at = bit // 8 % len(body)
                rows[place] = (body[:at] + bytes([body[at] ^ 1 << bit % 8]) + body[at + 1 :], tag)
            case ("rename", RecordId() as place, str(name)) if place in rows:
                rows[RecordId(place.collection, place.partition, name)] = rows.pop(place)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS, head=st.integers(0, 4))
async def test_any_work_on_the_rows_that_changes_them_is_refused(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[object, ...]], head: int
) -> None:
    """Rows of all of the store's past, in any mixture and under any head: refused, but for the newest."""
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/kms.sqlite"
    stores, attacker = Stores(url), Attacker(url)
    try:
        records = await stores.open(first_boot=True)
        past, heads = [], []
        for number in range(4):
            await put(records, *NAMES[number % 2 :: 2], body=b"%d" % number)
            if number == 2:
                await delete(records, NAMES[0])
            past.append(attacker.rows())
            heads.append(attacker.head())
        genuine = attacker.rows()
        altered = dict(genuine)
        perform(altered, past, operations)
        changed = altered != genuine
        attacker.write(altered)

        def read_all(change: RecordChange) -> None:
            for partition in ("p", "q"):
                change.list("keys", partition)
            for place in NAMES:
                change.get(place)

        if changed:
            # The scrub sees what stands in partitions that nobody knows of.
            await records._opened().scrub(lambda: asyncio.sleep(0))
            assert records._opened()._refused
        else:
            await records.change(read_all)
        await stores.close()
        attacker.write(altered, heads[head] if head < len(heads) else None)
        if changed or head < len(heads) - 1:
            with pytest.raises(StoreAlteredError):
                await stores.open()
        elif head == len(heads):
            await stores.open()
    finally:
        await stores.close()
        attacker.close()
