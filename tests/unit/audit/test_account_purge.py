"""The events of a purged account: nobody reads or finds them, and the log is as whole as before."""

import pytest
import sqlalchemy as sa
from craton.audit.v1 import resources_pb2 as pb

from services.audit.adapters.sql_events import SqlEventStore
from services.audit.adapters.sql_purge import SqlPurge
from services.audit.adapters.tables import DATA_KEYS, ENTRIES, RESOURCES
from services.audit.domain.purged import FINISHED
from services.audit.domain.query import Query
from services.audit.operations.account_purge import AccountPurge
from services.chassis.account_purge import Purge
from services.chassis.errors import DomainError
from tests.unit.audit.conftest import ACCOUNT, AUTH, OTHER, by_operator, by_principal, event

SPOOL = "ab" * 16
OLD, NEW = "0" * 32, "1" * 32
PURGE = Purge("p", ACCOUNT, OLD)


def purge_of(service) -> AccountPurge:
    store = SqlPurge(service.database)
    return AccountPurge(store, SqlEventStore(service.database), service.keys, service.clock)


def own(number: int, incarnation: str = OLD, account: str = ACCOUNT) -> pb.Event:
    made = event(number, account)
    made.principal.account_incarnation = incarnation
    return made


async def rows(service, table):
    return await service.database.read(lambda connection: connection.execute(sa.select(table)).all())


async def found(service, account: str | None = None, call=None) -> list[pb.Event]:
    return list((await service.lookup.find(call or by_operator(), Query(account_id=account), 50, "")).events)


async def test_nothing_can_be_read_or_found_and_all_leaves_are_there(service):
    events = [own(1), own(2, account=OTHER), own(3), event(4, "")]
    await service.ingestor.append(AUTH, SPOOL, 0, events)
    before = {row.sequence: row.leaf for row in await rows(service, ENTRIES)}
    progress = await purge_of(service).purge(PURGE)
    assert progress.finished
    assert progress.removed == {"events": 2, "data keys": 1, "trails": 0}
    after = await rows(service, ENTRIES)
    assert {row.sequence: row.leaf for row in after} == before
    emptied = [row for row in after if row.sequence in (0, 2)]
    for row in emptied:
        assert row.account_id == "purged"
        texts = (row.principal_arn, row.event_name, row.request_id, row.user_name, row.access_key)
        assert (*texts, row.event_source, row.record) == ("", "", "", "", "", "", False)
    assert {row.account_id for row in await rows(service, RESOURCES)} == {OTHER, ""}
    assert {row.account_id for row in await rows(service, DATA_KEYS)} == {OTHER, ""}
    assert await found(service, ACCOUNT) == []
    assert await found(service) == [events[3], events[1]]
    assert await found(service, call=by_principal()) == []


async def test_of_what_is_late_the_log_has_that_it_was(service):
    await service.ingestor.append(AUTH, SPOOL, 0, [own(1)])
    purge = purge_of(service)
    await purge.purge(PURGE)
    generated = service.kms.generated
    copy = event(2, shared_event_id="joined")
    copy.principal.ClearField("arn")
    assert await service.ingestor.append(AUTH, SPOOL, 1, [own(3), copy, own(4, account=OTHER)]) == 4
    assert [row.account_id for row in await rows(service, ENTRIES)] == ["purged", "", "", OTHER]
    assert {row.account_id for row in await rows(service, DATA_KEYS)} == {"", OTHER}
    assert service.kms.generated == generated + 2
    left = [each for each in await found(service) if not each.account_id]
    # In their places stands that they were, and nothing of what they said.
    assert [(each.event_name, each.recorder) for each in left] == [("DiscardEvent", "auth")] * 2
    assert ACCOUNT not in str(left)
    assert await found(service, ACCOUNT) == []


async def test_another_incarnation_has_a_log_of_its_own(service):
    await service.ingestor.append(AUTH, SPOOL, 0, [own(1)])
    purge = purge_of(service)
    await purge.purge(PURGE)
    service.clock.advance(60)
    await purge.proceed(ACCOUNT, OLD)
    # The events of this suite are of 12:00:00 and seconds after.
    fresh, late, copy = own(200, NEW), own(201, OLD), event(202, shared_event_id="joined")
    early = event(2, shared_event_id="joined")
    await service.ingestor.append(AUTH, SPOOL, 1, [fresh, late, copy, early])
    assert await found(service, ACCOUNT) == [copy, fresh]
    # A repeated call does not touch it.
    assert (await purge_of(service).purge(PURGE)).removed["events"] == 1
    assert await found(service, ACCOUNT) == [copy, fresh]
    # Nor does a repeated beginning: it was when it was.
    service.clock.advance(600)
    await purge.proceed(ACCOUNT, OLD)
    (noted,) = await SqlEventStore(service.database).purged({ACCOUNT})
    assert noted.until_us == 1_772_366_400_000_000 + 60_000_000


async def test_a_key_that_ended_in_kms_is_replaced(service):
    """Another replica has it in memory; its row went with the account, and its key in kms as well."""
    await service.ingestor.append(AUTH, SPOOL, 0, [event(1)])
    stored = service.keys._current[ACCOUNT]
    service.kms.__init__()
    await service.ingestor.append(AUTH, SPOOL, 1, [event(2)])
    assert service.keys._current[ACCOUNT] != stored
    newest = await SqlEventStore(service.database).rows(1, 1)
    assert (await service.lookup.event(newest[0])).request_id == "request-2"


async def test_an_account_with_many_events_takes_several_calls(service, monkeypatch):
    monkeypatch.setattr("services.audit.operations.account_purge._AT_ONCE", 2)
    await service.ingestor.append(AUTH, SPOOL, 0, [own(number) for number in range(5)])
    # Two steps of two entries would take longer than a call may.
    monkeypatch.setattr(service.clock, "boottime", (0.6 * each for each in range(100)).__next__)
    purge, seen = purge_of(service), []
    while not seen or not seen[-1].finished:
        seen.append(await purge.purge(PURGE))
    assert [each.removed["events"] for each in seen] == [2, 4, 5]
    assert [FINISHED in each.named for each in seen] == [False, False, True]
    assert await found(service, ACCOUNT) == []


async def test_indexes_are_those_of_the_log(service):
    events = [own(1), own(2)]
    await service.ingestor.append(AUTH, SPOOL, 0, events)
    ids = [bytes.fromhex(each.event_id.replace("-", "")) for each in events]
    purge = purge_of(service)
    assert await purge.indexes([*ids, bytes(16)]) == {ids[0]: 0, ids[1]: 1}


@pytest.mark.parametrize("incarnation", [OLD, NEW])
async def test_a_trail_of_a_late_call_is_refused(service, incarnation):
    from services.audit.adapters.sql_trails import SqlTrailStore
    from services.audit.domain.trail import Settings, Target, Trail, TrailName

    await purge_of(service).purge(PURGE)
    store = SqlTrailStore(service.database)
    trail = Trail("t", TrailName(ACCOUNT, "us-east-1", "mine"), Settings(Target("bucket", "")), 0)
    if incarnation == NEW:
        await store.create(trail, NEW)
        return
    with pytest.raises(DomainError) as refused:
        await store.create(trail, OLD)
    assert refused.value.reason_name == "RESOURCE_STATE"
