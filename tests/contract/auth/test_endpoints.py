"""The contract of the store of VPC endpoints, held against every adapter."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.auth.adapters.sql_directory import SqlDirectory
from services.auth.adapters.sql_endpoints import SqlEndpoints
from services.auth.domain.endpoints import EndpointPolicy, VpcEndpoint
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import Account
from services.auth.ports.endpoints import EndpointStore
from services.chassis.database import Database
from services.chassis.errors import DomainError
from tests.fakes.databases import KINDS, empty_database, make_schema

REVISIONS = Path(__file__).parents[3] / "services" / "auth" / "adapters" / "migrations"
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ONE, TWO = "111111111111", "222222222222"
REGION = "us-east-1"


def endpoint(number: int = 1, account_id: str = ONE, listener: str = "private", **other: Any) -> VpcEndpoint:
    made = VpcEndpoint(
        endpoint_id=f"vpce-{number:017x}",
        account_id=account_id,
        region=REGION,
        listener=listener,
        vpc_id="vpc-0000000000000001f",
        services=frozenset({"bedrock", "sts"}),
        allowed_accounts=frozenset({"*"}),
        policy=EndpointPolicy.read(""),
        created_at=NOW,
    )
    return replace(made, **other)


async def reason(call: Awaitable[Any]) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.reason_name


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EndpointStore]:
    database = Database(empty_database(request.param, tmp_path))
    make_schema(database, REVISIONS)
    directory = SqlDirectory(database)
    for account_id in (ONE, TWO):
        await directory.create_account(Account(account_id, "i", "name", NOW), None, None)
    yield SqlEndpoints(database)
    await database.close()


async def test_a_listener_is_one_accounts(store: EndpointStore) -> None:
    await store.assign("private", ONE)
    await store.assign("private", ONE)
    assert await reason(store.assign("private", TWO)) == "RESOURCE_EXISTS"
    assert await reason(store.assign("other", "333333333333")) == "RESOURCE_NOT_FOUND"
    assert await store.assignments() == {"private": (ONE, "")}
    await store.create_endpoint(endpoint())
    assert await store.assignments() == {"private": (ONE, endpoint().endpoint_id)}


async def test_an_endpoint_stands_on_a_listener_of_its_account(store: EndpointStore) -> None:
    assert await reason(store.create_endpoint(endpoint())) == "ACCESS_DENIED"
    await store.assign("private", TWO)
    assert await reason(store.create_endpoint(endpoint())) == "ACCESS_DENIED"
    await store.create_endpoint(endpoint(account_id=TWO))
    assert await reason(store.create_endpoint(endpoint(2, TWO))) == "RESOURCE_EXISTS"
    found = await store.on_listener("private")
    assert found is not None
    assert found.endpoint == endpoint(account_id=TWO)
    assert await store.on_listener("other") is None


async def test_what_is_stored_is_returned(store: EndpointStore) -> None:
    await store.assign("private", ONE)
    made = endpoint(request_key="AIDA:once")
    epoch = await store.create_endpoint(made)
    assert await store.endpoint(ONE, REGION, made.endpoint_id) == made
    assert await store.endpoint_of_request("AIDA:once") == made
    assert await store.endpoint_of_request("AIDA:twice") is None
    active = await store.active(made.endpoint_id)
    assert active is not None
    assert (active.endpoint, active.epoch) == (made, epoch)
    assert await store.active("vpce-none") is None
    for wrong in ((TWO, REGION), (ONE, "eu-west-1")):
        assert await reason(store.endpoint(*wrong, made.endpoint_id)) == "RESOURCE_NOT_FOUND"
        assert await reason(store.delete_endpoint(*wrong, made.endpoint_id)) == "RESOURCE_NOT_FOUND"
        change = store.change_endpoint(*wrong, made.endpoint_id, lambda found: found)
        assert await reason(change) == "RESOURCE_NOT_FOUND"


async def test_endpoints_are_listed_by_pages(store: EndpointStore) -> None:
    for number in range(1, 6):
        await store.assign(f"l{number}", ONE)
        await store.create_endpoint(endpoint(number, listener=f"l{number}"))
    await store.assign("elsewhere", ONE)
    await store.create_endpoint(endpoint(9, listener="elsewhere", region="eu-west-1"))
    seen, token = [], ""
    while True:
        page = await store.endpoints(ONE, REGION, PageRequest.parse(2, token))
        seen += [each.endpoint_id for each in page.items]
        token = page.next_token
        if not token:
            break
    assert seen == [endpoint(number).endpoint_id for number in range(1, 6)]
    assert (await store.endpoints(TWO, REGION, PageRequest.parse(2, ""))).items == ()


async def test_every_change_has_a_later_epoch(store: EndpointStore) -> None:
    await store.assign("private", ONE)
    made = endpoint()
    epochs = [await store.create_endpoint(made)]
    narrower = EndpointPolicy('{"written": 1}', '{"evaluated": 1}')

    def change(found: VpcEndpoint) -> VpcEndpoint:
        return replace(found, policy=narrower, services=frozenset({"iam"}), allowed_accounts=frozenset({TWO}))

    changed, epoch = await store.change_endpoint(ONE, REGION, made.endpoint_id, change)
    epochs.append(epoch)
    assert changed == change(made)
    assert await store.endpoint(ONE, REGION, made.endpoint_id) == changed
    epochs.append(await store.delete_endpoint(ONE, REGION, made.endpoint_id))
    assert await store.active(made.endpoint_id) is None
    assert await store.on_listener("private") is None
    epochs.append(await store.create_endpoint(endpoint(2)))
    released = await store.release("private")
    assert released is not None
    assert released[0] == ONE
    epochs.append(released[1])
    assert epochs == sorted(set(epochs))
    assert await store.release("private") is None
    assert await store.active(endpoint(2).endpoint_id) is None
    assert await store.assignments() == {}


async def test_a_change_that_is_refused_changes_nothing(store: EndpointStore) -> None:
    await store.assign("private", ONE)
    await store.create_endpoint(endpoint())

    def refuse(_found: VpcEndpoint) -> VpcEndpoint:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.change_endpoint(ONE, REGION, endpoint().endpoint_id, refuse)
    found = await store.active(endpoint().endpoint_id)
    assert found is not None
    assert found.endpoint == endpoint()
