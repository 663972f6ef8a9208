"""Proofs for customers: of their own events, and of what every account may see."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from craton.audit.v1 import resources_pb2 as pb

from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from tests.fakes.log_signer import InMemoryLogSigner
from tests.unit.audit.conftest import AUTH, EDGE, OTHER, Service, by_principal, event
from tests.unit.audit.log_world import OPERATOR, SPOOL, TRUST, World

KMS = WorkloadId("craton.local", "service", "kms")


@pytest.fixture
async def world(service: Service, tmp_path: Path) -> AsyncIterator[World]:
    return World(service, tmp_path / "log", InMemoryLogSigner())


async def refusal(world: World, call: CallContext, event_id: str) -> tuple[str, str, Any]:
    with pytest.raises(DomainError) as refused:
        await world.proofs.event(call, bytes.fromhex(event_id.replace("-", "")))
    return refused.value.reason_name, refused.value.message, refused.value.metadata


async def test_a_customer_proves_its_own_events_and_others_are_not_there(world: World) -> None:
    [mine] = await world.take_in(1)
    [other] = await world.take_in(1, OTHER)
    [late] = await world.take_in(1, "")
    await world.log.extend()
    [uncovered] = await world.take_in(1, OTHER)
    found = await world.proofs.event(by_principal(), bytes.fromhex(mine.event_id.replace("-", "")))
    assert pb.Event.FromString(found.event) == mine
    found.verify(TRUST)
    nowhere = await refusal(world, by_principal(), event().event_id)
    assert nowhere[0] == "RESOURCE_NOT_FOUND"
    # Neither in the log, nor on its way, nor the installation's: said in the same words.
    for there in (other, late, uncovered):
        assert await refusal(world, by_principal(), there.event_id) == nowhere
    await world.proofs.permit(by_principal())
    world.service.authorization.allowed.clear()
    assert (await refusal(world, by_principal(), mine.event_id))[0] == "ACCESS_DENIED"
    with pytest.raises(DomainError) as refused:
        await world.proofs.permit(by_principal())
    assert refused.value.reason_name == "ACCESS_DENIED"
    # Edge's own certificate lets nobody see anything.
    with pytest.raises(DomainError) as refused:
        await world.proofs.permit(CallContext("/m", "r", "c", EDGE))
    assert refused.value.reason_name == "MISSING_CREDENTIALS"
    await world.proofs.permit(OPERATOR)


async def test_a_log_without_a_checkpoint_says_so(world: World) -> None:
    [mine] = await world.take_in(1)
    said = await refusal(world, by_principal(), mine.event_id)
    assert said[:2] == (
        "RESOURCE_STATE",
        "The log has no checkpoint yet; the first one comes within seconds.",
    )
    await world.log.extend()
    [late] = await world.take_in(1)
    assert "will cover it" in (await refusal(world, by_principal(), late.event_id))[1]


async def test_certificates_of_receipt_keys_are_everybodys(world: World) -> None:
    """A receipt is not complete without the event that publishes its key, which no account has."""
    said = {
        "recorder": "kms",
        "event_name": "CertifyReceiptKey",
        "status_code": "OK",
        "statement_sha256": b"d" * 32,
    }
    others: list[dict[str, Any]] = [
        {"event_name": "CertifyTrailKey"},
        {"statement_sha256": b""},
        {"status_code": "INTERNAL"},
        {"phase": pb.EVENT_PHASE_INTENT},
    ]
    made = [event(number, "", **(said | each)) for number, each in enumerate([{}, *others])]
    theirs = [event(7, OTHER, **said)]
    await world.service.ingestor.append(KMS, "cd" * 16, 0, made + theirs)
    # Whoever ships an event is its recorder: nobody else can publish a certificate.
    theirs.append(event(8, "", **(said | {"recorder": "auth"})))
    await world.service.ingestor.append(AUTH, SPOOL, 0, theirs[-1:])
    await world.log.extend()
    found = await world.proofs.event(by_principal(), bytes.fromhex(made[0].event_id.replace("-", "")))
    assert pb.Event.FromString(found.event) == made[0]
    nowhere = await refusal(world, by_principal(), event().event_id)
    for each in (*made[1:], *theirs):
        assert await refusal(world, by_principal(), each.event_id) == nowhere
    # What fails, or takes time, would say that there is something: others are not even opened.
    world.service.kms.down = True
    world.service.restart()
    world.restart()
    assert await refusal(world, by_principal(), made[1].event_id) == nowhere
    assert await refusal(world, by_principal(), theirs[0].event_id) == nowhere
    assert (await refusal(world, by_principal(), made[0].event_id))[0] == "DEPENDENCY_UNAVAILABLE"
    world.service.authorization.allowed.clear()
    assert (await refusal(world, by_principal(), made[0].event_id))[0] == "ACCESS_DENIED"
