"""The key of a service's digests: made on first use, and it signs nothing else."""

import asyncio
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from services.chassis.audit.ports import Recording
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.kms.domain.names import KeyName
from services.kms.domain.specs import KeySpec, KeyUsage
from services.kms.events import EVENTS
from services.kms.operations.digest_keys import DigestPublicKey
from tests.fakes.digest_texts import SIGNATURE, digest_text
from tests.unit.kms.world import World, call, opened

AUDIT = WorkloadId("craton.local", "service", "audit")
NAME = KeyName.parse("services/audit/keys/digest")


@pytest.fixture
async def world(tmp_path: Path) -> World:
    return await opened(tmp_path)


def loaded(key: DigestPublicKey) -> RSAPublicKey:
    """Load a key, which must be encoded as RSAPublicKey."""
    public = load_der_public_key(key.der)
    assert isinstance(public, RSAPublicKey)
    assert public.public_bytes(Encoding.DER, PublicFormat.PKCS1) == key.der
    return public


async def test_what_it_signs_verifies_under_its_public_key(world: World) -> None:
    text = digest_text()
    signature = await world.digests.sign(AUDIT, text)
    public = loaded(await world.digests.public_key(AUDIT))
    assert (len(signature), public.key_size) == (256, 2048)
    public.verify(signature, text.encode(), PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        public.verify(signature, digest_text(previous=SIGNATURE).encode(), PKCS1v15(), SHA256())
    # The chain goes on, and a text that is asked for again has the signature that it had.
    after = digest_text(previous=signature.hex())
    public.verify(await world.digests.sign(AUDIT, after), after.encode(), PKCS1v15(), SHA256())
    assert await world.digests.sign(AUDIT, text) == signature


async def test_first_use_by_many_at_once_makes_one_key(world: World) -> None:
    created = world.clock.now()
    keys = await asyncio.gather(*(world.digests.public_key(AUDIT) for _ in range(4)))
    assert len(set(keys)) == 1
    world.clock.advance(3600)
    world.build()
    await world.open()
    again = await world.digests.public_key(AUDIT)
    assert (again, again.created) == (keys[0], created)
    key = await world.records.key(NAME)
    assert key is not None
    assert (key.spec, key.usage) == (KeySpec.RSA_2048, KeyUsage.SIGN_VERIFY)
    assert key.description == "Signs the digests of audit"


async def test_services_have_keys_of_their_own(world: World) -> None:
    other = WorkloadId("craton.local", "service", "training")
    assert (await world.digests.public_key(AUDIT)).der != (await world.digests.public_key(other)).der


@pytest.mark.parametrize("text", ["", "craton", f"{digest_text()}\n", digest_text().upper()])
async def test_another_text_is_refused_and_makes_no_key(world: World, text: str) -> None:
    with pytest.raises(DomainError) as refused:
        await world.digests.sign(AUDIT, text)
    assert (refused.value.reason_name, refused.value.field) == ("INVALID_FIELD", "text")
    assert await world.records.key(NAME) is None


@pytest.mark.parametrize("kind", ["operator", "pool", "provider", "witness", None])
async def test_other_workloads_have_none(world: World, kind: str | None) -> None:
    caller = None if kind is None else WorkloadId("craton.local", kind, "audit")
    for asking in (world.digests.sign(caller, digest_text()), world.digests.public_key(caller)):
        with pytest.raises(DomainError) as refused:
            await asking
        assert refused.value.reason_name == "ACCESS_DENIED"
    assert await world.records.key(NAME) is None


def test_each_signature_is_recorded_with_its_key() -> None:
    method = EVENTS["/craton.kms.v1.DigestKeyService/SignDigest"]
    assert method.recording is Recording.EFFECT
    assert method.resources(None, call(caller="service/audit")) == (str(NAME),)
    assert method.resources(None, call(caller="operator/admin")) == ()
