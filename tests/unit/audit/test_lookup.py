"""Lookups: own events only, in order, page by page, and damage is never passed over."""

import asyncio
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.audit.adapters.tables import DATA_KEYS, ENTRIES, RESOURCES
from services.audit.domain.query import Query
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from tests.unit.audit.conftest import ACCOUNT, AUTH, EDGE, OTHER, by_operator, by_principal, event

SPOOL = "ab" * 16
START = 1_772_366_400_000_000
"""Time of event 0, microseconds."""


async def find(service, call, query=None, size=1000, token=""):
    return await service.lookup.find(call, query or Query(), size, token)


@pytest.fixture
async def filled(service):
    """Ten events of each account and of the installation, interleaved in time."""
    events = [
        event(number * 3 + offset, account)
        for number in range(10)
        for offset, account in enumerate((ACCOUNT, OTHER, ""))
    ]
    await service.ingestor.append(AUTH, SPOOL, 0, events)
    service.events = events
    return service


async def test_a_principal_sees_its_account_newest_first(filled):
    found = await find(filled, by_principal())
    expected = [event for event in reversed(filled.events) if event.account_id == ACCOUNT]
    assert list(found.events) == expected
    assert found.next_page_token == ""


async def test_an_operator_sees_everything(filled):
    assert list((await find(filled, by_operator())).events) == filled.events[::-1]
    one = await find(filled, by_operator(), Query(account_id=OTHER))
    assert {event.account_id for event in one.events} == {OTHER}


async def test_a_principal_cannot_ask_about_another_account(filled):
    with pytest.raises(DomainError) as refusal:
        await find(filled, by_principal(), Query(account_id=OTHER))
    assert refusal.value.reason_name == "ACCESS_DENIED"


async def test_the_policy_decides(filled):
    filled.authorization.allowed.clear()
    with pytest.raises(DomainError) as refusal:
        await find(filled, by_principal())
    assert refusal.value.reason_name == "ACCESS_DENIED"


async def test_a_service_without_a_principal_sees_nothing(filled):
    with pytest.raises(DomainError) as refusal:
        await find(filled, CallContext("/m", "r", "c", EDGE))
    assert refusal.value.reason_name == "MISSING_CREDENTIALS"


async def test_pages_join_to_the_whole(filled):
    whole = list((await find(filled, by_operator())).events)
    for size in (1, 4, 7, 29, 30, 31):
        joined, token, pages = [], "", 0
        while pages == 0 or token:
            page = await find(filled, by_operator(), size=size, token=token)
            assert len(page.events) <= size
            joined += page.events
            token = page.next_page_token
            pages += 1
        assert joined == whole
        assert pages == -(-30 // size)


async def test_the_keys_of_a_page_are_opened_side_by_side(service):
    """Each hour has a key of its own: a page of old events would wait for kms once for each."""
    for number in range(40):
        await service.ingestor.append(AUTH, SPOOL, number, [event(number)])
        service.clock.advance(3_600)
    service.restart()
    opening, most, one_by_one = 0, 0, service.kms.open

    async def counted(key):
        nonlocal opening, most
        opening, most = opening + 1, max(most, opening + 1)
        await asyncio.sleep(0.001)
        opening -= 1
        return await one_by_one(key)

    service.kms.open = counted
    assert len((await find(service, by_operator())).events) == 40
    # And never so many that nobody else is answered.
    assert 8 <= most <= 16
    service.kms.down = True
    with pytest.raises(DomainError) as refusal:
        await find(service, by_operator())
    assert refusal.value.reason_name == "DEPENDENCY_UNAVAILABLE"


async def test_events_that_arrive_between_pages_do_not_disturb(filled):
    first = await find(filled, by_operator(), size=10)
    await filled.ingestor.append(AUTH, SPOOL, 30, [event(100), event(101)])
    second = await find(filled, by_operator(), size=20, token=first.next_page_token)
    assert [*first.events, *second.events] == filled.events[::-1]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (Query(request_id="request-6"), [6]),
        (
            Query(event_name="CreateUser", start_us=1_772_366_412_000_000, end_us=1_772_366_418_000_000),
            [15, 12],
        ),
        (Query(resource=f"arn:aws:iam::{ACCOUNT}:user/u9"), [9]),
        (Query(principal_arn=f"arn:aws:iam::{ACCOUNT}:user/alice", end_us=START + 4_000_000), [3, 0]),
        (Query(event_name="DeleteUser"), []),
        (Query(principal_arn=f"arn:aws:iam::{OTHER}:user/alice"), []),
        (Query(resource=f"arn:aws:iam::{OTHER}:user/u1"), []),
    ],
)
async def test_attributes_select(filled, query, numbers):
    found = await find(filled, by_principal(), query)
    assert [event.call_id for event in found.events] == [f"call-{number}" for number in numbers]


async def test_the_default_page_holds_fifty(service):
    await service.ingestor.append(AUTH, SPOOL, 0, [event(number) for number in range(60)])
    found = await find(service, by_principal(), size=0)
    assert len(found.events) == 50
    assert found.next_page_token


async def change(service, statement):
    await service.database.run(lambda connection: connection.execute(statement))


@pytest.mark.parametrize(
    "values",
    [
        {"principal_arn": "arn:aws:iam::123456789012:user/mallory"},
        {"event_name": "GetUser"},
        {"request_id": "request-0"},
        {"event_id": bytes(16)},
        {"leaf": b"\x01" + bytes(200)},
        {"leaf": b""},
    ],
    ids=["principal", "name", "request", "id", "leaf", "empty"],
)
async def test_a_changed_row_is_an_error_not_an_omission(filled, values):
    await change(filled, sa.update(ENTRIES).where(ENTRIES.c.position == 3).values(**values))
    with pytest.raises(DomainError) as refusal:
        await find(filled, by_operator())
    assert refusal.value.reason_name == "INTERNAL"
    assert refusal.value.metadata["sequence"] == "3"
    # The leaf that was altered does not say which event it was; the row does.
    assert refusal.value.metadata["event_id"] in (filled.events[3].event_id, str(UUID(bytes=bytes(16))))
    assert "craton audit fsck" in refusal.value.message


@pytest.mark.parametrize(
    ("values", "query"),
    [
        ({"resource": "forged"}, Query(resource="forged")),
        ({"resource_type": "AWS::KMS::Key"}, Query(account_id=ACCOUNT, resource_type="AWS::KMS::Key")),
        ({"time_us": 1}, Query(resource=f"arn:aws:iam::{ACCOUNT}:user/u3", end_us=START)),
    ],
    ids=["resource", "type", "time"],
)
async def test_what_an_event_does_not_say_is_no_answer(filled, values, query):
    """Resources have rows of their own, which are not read with the entry: the event is asked."""
    await change(filled, sa.update(RESOURCES).where(RESOURCES.c.sequence == 3).values(**values))
    with pytest.raises(DomainError) as refusal:
        await find(filled, by_operator(), query)
    assert refusal.value.metadata == {"sequence": "3", "event_id": filled.events[3].event_id}


async def test_swapped_leaves_are_noticed(filled):
    def swap(connection):
        rows = connection.execute(
            sa.select(ENTRIES.c.position, ENTRIES.c.leaf).where(ENTRIES.c.position.in_((0, 3)))
        )
        leaves = {position: leaf for position, leaf in rows}  # noqa: C416 - rows are no pairs for dict()
        for position, other in ((0, 3), (3, 0)):
            connection.execute(
                sa.update(ENTRIES).where(ENTRIES.c.position == position).values(leaf=leaves[other])
            )

    await filled.database.run(swap)
    with pytest.raises(DomainError) as refusal:
        await find(filled, by_principal())
    assert refusal.value.reason_name == "INTERNAL"


async def test_a_row_moved_to_another_account_does_not_open(filled):
    await change(filled, sa.update(ENTRIES).where(ENTRIES.c.position == 0).values(account_id=OTHER))
    with pytest.raises(DomainError):
        await find(filled, by_principal(OTHER))


async def test_without_its_data_key_an_event_cannot_be_read(filled):
    await change(filled, sa.delete(DATA_KEYS).where(DATA_KEYS.c.account_id == OTHER))
    filled.restart()
    with pytest.raises(DomainError):
        await find(filled, by_principal(OTHER))
    assert len((await find(filled, by_principal())).events) == 10


async def test_a_wrapped_key_does_not_serve_another_account(filled):
    stolen = sa.select(DATA_KEYS.c.wrapped).where(DATA_KEYS.c.account_id == OTHER).scalar_subquery()
    await change(filled, sa.update(DATA_KEYS).where(DATA_KEYS.c.account_id == ACCOUNT).values(wrapped=stolen))
    filled.restart()
    with pytest.raises(DomainError):
        await find(filled, by_principal())
