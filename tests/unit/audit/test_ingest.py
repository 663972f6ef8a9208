"""Taking in: only honest events, sealed under their account's key, nothing while kms is away."""

import pytest
import sqlalchemy as sa
from craton.audit.v1 import resources_pb2 as pb

from services.audit.adapters.tables import DATA_KEYS, ENTRIES
from services.audit.domain.entry import searchable
from services.audit.domain.query import Place, Query
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from tests.unit.audit.conftest import ACCOUNT, AUTH, OTHER, event

SPOOL = "ab" * 16


async def rows(service, table):
    return await service.database.read(lambda connection: connection.execute(sa.select(table)).all())


async def test_bodies_are_sealed_and_names_are_not(service):
    made = event(1, error_reason="CANARYREASON")
    assert await service.ingestor.append(AUTH, SPOOL, 0, [made]) == 1
    (row,) = await rows(service, ENTRIES)
    assert row.principal_arn == made.principal.arn
    assert row.event_name == "CreateUser"
    assert b"CANARYREASON" not in row.leaf
    assert b"iam.amazonaws.com" not in row.leaf


async def test_a_copy_is_sealed_for_the_account_that_it_is_for(service):
    """It names a principal of another account; only that it is a copy makes that honest."""
    own = event(1, shared_event_id="joined")
    copy = event(1, shared_event_id="joined")
    copy.account_id = OTHER
    copy.principal.ClearField("arn")
    await service.ingestor.append(AUTH, SPOOL, 0, [own, copy])
    accounts = [row.account_id for row in await rows(service, ENTRIES)]
    assert accounts == [ACCOUNT, OTHER]
    assert {row.account_id for row in await rows(service, DATA_KEYS)} == {ACCOUNT, OTHER}
    call = CallContext("/m", "r", "c", WorkloadId("craton.local", "operator", "admin"))
    for account, expected in ((ACCOUNT, own), (OTHER, copy)):
        found = await service.lookup.find(call, Query(account_id=account), 10, "")
        assert list(found.events) == [expected]


async def test_accounts_have_keys_of_their_own_and_one_an_hour(service):
    await service.ingestor.append(AUTH, SPOOL, 0, [event(1), event(2, OTHER), event(3, "")])
    await service.ingestor.append(AUTH, SPOOL, 3, [event(4), event(5, OTHER)])
    assert {row.account_id for row in await rows(service, DATA_KEYS)} == {ACCOUNT, OTHER, ""}
    assert service.kms.generated == 3
    service.clock.advance(3_601)
    await service.ingestor.append(AUTH, SPOOL, 5, [event(6)])
    assert service.kms.generated == 4


async def test_keys_are_asked_for_by_every_batch_and_every_reading(service):
    """How long an opened key stays in memory is the key service's to say: nothing is kept beside it."""
    await service.ingestor.append(AUTH, SPOOL, 0, [event(1), event(2)])
    assert (service.kms.generated, service.kms.opened) == (1, 1)
    await service.ingestor.append(AUTH, SPOOL, 2, [event(3)])
    call = CallContext("/m", "r", "c", WorkloadId("craton.local", "operator", "admin"))
    await service.lookup.find(call, Query(), 10, "")
    assert (service.kms.generated, service.kms.opened) == (1, 5)
    service.restart()
    await service.ingestor.append(AUTH, SPOOL, 3, [event(4)])
    assert service.kms.generated == 1
    service.kms.down = True
    for call_of in (
        service.ingestor.append(AUTH, SPOOL, 4, [event(5)]),
        service.lookup.find(call, Query(), 1, ""),
    ):
        with pytest.raises(DomainError):
            await call_of


async def test_without_kms_nothing_is_taken_and_nothing_lost(service):
    service.kms.down = True
    with pytest.raises(DomainError) as refusal:
        await service.ingestor.append(AUTH, SPOOL, 0, [event(1)])
    assert refusal.value.reason_name == "DEPENDENCY_UNAVAILABLE"
    assert await rows(service, ENTRIES) == []
    service.kms.down = False
    assert await service.ingestor.append(AUTH, SPOOL, 0, [event(1)]) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"recorder": "kms"},
        {"recorder": ""},
        {"event_id": "not-a-uuid"},
        {"event_id": "../../../../etc/passwd"},
        {"phase": pb.EVENT_PHASE_UNSPECIFIED},
        {"account_id": OTHER},
        {"account_id": "12"},
        {"event_name": "x" * 257},
        {"request_id": "x" * 65},
        {"resources": ["x" * 2049]},
        {"error_reason": "x" * 300_000},
    ],
    ids=lambda changes: f"{next(iter(changes))}-{str(next(iter(changes.values())))[:12]}",
)
async def test_an_event_that_no_honest_recorder_writes_is_refused(service, changes):
    with pytest.raises(DomainError) as refusal:
        await service.ingestor.append(AUTH, SPOOL, 0, [event(1), event(2, **changes)])
    assert refusal.value.reason_name == "INVALID_FIELD"
    assert await rows(service, ENTRIES) == []


async def test_a_pool_records_under_its_kind(service):
    pool = WorkloadId("craton.local", "pool", "craton")
    assert await service.ingestor.append(pool, SPOOL, 0, [event(1, "", recorder="pool-craton")]) == 1
    with pytest.raises(DomainError):
        await service.ingestor.append(pool, SPOOL, 1, [event(2, "", recorder="craton")])


@pytest.mark.parametrize("name", ["a\0b", "\U0001f98a" * 2048], ids=["NUL", "long"])
async def test_a_name_that_no_index_holds_is_found_all_the_same(service, name):
    made = event(1, resources=[name, "plain"])
    assert await service.ingestor.append(AUTH, SPOOL, 0, [made]) == 1
    operator = CallContext("/m", "r", "c", WorkloadId("craton.local", "operator", "admin"))
    found = await service.lookup.find(operator, Query(resource=searchable(name)), 10, "")
    assert found.events == [made]


def test_ordinary_names_are_indexed_as_they_are():
    for name in ("", "arn:aws:bedrock:us-east-1::foundation-model/m", "x" * 2048, "\u00e9" * 1024):
        assert searchable(name) == name
    assert len({searchable("\U0001f98a" * 600), searchable("\U0001f98a" * 601)}) == 2


@pytest.mark.parametrize("number", [2**63, -(2**63), 10**30])
def test_a_forged_page_token_names_no_number_that_a_store_refuses(number):
    query = Query()
    for place in (Place(number, 1), Place(1, number)):
        with pytest.raises(DomainError):
            Place.of_token(place.token(query), query)
    assert Place.of_token(Place(2**62, 5).token(query), query) == Place(2**62, 5)
