"""Keys that sign receipts are certified for an hour, for services, by a key that signs nothing else."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.chassis.audit.ports import Recording
from services.chassis.errors import DomainError
from services.kms.domain.names import KeyName
from services.kms.events import EVENTS
from tests.unit.kms.world import World, call, opened
from tlog.note import Note
from tlog.receipt_key import ReceiptKey
from tlog.statement import signed_text

NAME = KeyName.parse("services/kms/keys/receipt-authority")


@pytest.fixture
async def world(tmp_path: Path) -> World:
    return await opened(tmp_path)


def public_key() -> bytes:
    return Ed25519PrivateKey.generate().public_key().public_bytes_raw()


async def test_a_certificate_says_whose_key_signs_when_and_names_its_event(world: World) -> None:
    asking, key = call(caller="service/runtime"), public_key()
    note = Note.parse(await world.receipts.certify(asking, key))
    authority = await world.receipts.authority()
    assert authority.name == "craton.local/receipts"
    certificate = ReceiptKey.parse(signed_text(note, authority, "it"))
    assert (certificate.key.name, certificate.key.public_key) == ("craton.local/runtime/receipts", key)
    assert certificate.workload == "spiffe://craton.local/service/runtime"
    now = world.clock.now()
    assert certificate.not_before == now - timedelta(minutes=1)
    assert certificate.not_after - certificate.not_before == timedelta(hours=1)
    assert asking.statement is not None
    assert asking.statement.event_id == str(certificate.event_id)
    assert asking.statement.sha256 == certificate.digest


async def test_the_authority_stays_and_every_certificate_has_an_event_of_its_own(world: World) -> None:
    authority, events = await world.receipts.authority(), set()
    for _ in range(3):
        note = await world.receipts.certify(call(caller="service/runtime"), public_key())
        events.add(ReceiptKey.parse(signed_text(Note.parse(note), authority, "it")).event_id)
    assert len(events) == 3
    world.build()
    await world.open()
    assert await world.receipts.authority() == authority
    key = await world.records.key(NAME)
    assert key is not None
    assert key.description == "Certifies receipt keys as kms"


@pytest.mark.parametrize("kind", ["operator", "pool", "provider", "witness"])
async def test_other_workloads_sign_no_receipts(world: World, kind: str) -> None:
    asking = call(caller=f"{kind}/runtime")
    with pytest.raises(DomainError) as refused:
        await world.receipts.certify(asking, public_key())
    assert refused.value.reason_name == "ACCESS_DENIED"
    assert asking.statement is None
    assert await world.records.key(NAME) is None


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33)])
async def test_what_is_no_key_is_not_certified(world: World, key: bytes) -> None:
    with pytest.raises(DomainError) as refused:
        await world.receipts.certify(call(caller="service/runtime"), key)
    assert (refused.value.reason_name, refused.value.field) == ("INVALID_FIELD", "public_key")


def test_each_certificate_is_recorded_with_the_key_that_signs_it() -> None:
    method = EVENTS["/craton.kms.v1.ReceiptKeyService/CertifyReceiptKey"]
    assert method.recording is Recording.EFFECT
    assert method.resources(None, call(caller="service/runtime")) == (str(NAME),)
