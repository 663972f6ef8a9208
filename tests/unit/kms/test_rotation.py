"""Renewal by the calendar and on demand, imported material, and keys that services manage."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.kms.domain.keys import KeyManager, KeyOrigin, KeyState
from services.kms.domain.material import generate
from services.kms.domain.names import AliasName, KeyName
from services.kms.domain.specs import KeySpec, KeyUsage
from services.kms.operations.encryption import Asked
from services.kms.operations.key_admin import NewKey
from services.kms.operations.signing import AskedOf
from tests.unit.kms.world import PARENT, World, call, opened

DAY = 86_400.0
SECRET = SecretBytes(b"attack at dawn")


@pytest.fixture
async def world(tmp_path: Path) -> World:
    return await opened(tmp_path)


def reason(error: pytest.ExceptionInfo[DomainError]) -> str:
    return error.value.reason_name


async def test_a_key_is_renewed_when_its_period_is_over(world: World) -> None:
    key = await world.key()
    blob, _ = await world.encryption.encrypt(call(), Asked(str(key.name), {}), SECRET)
    await world.rotation.enable(call(), key.name, 90)
    status = await world.rotation.status(call(), key.name)
    assert (status.days, status.next) == (90, world.clock.now() + timedelta(days=90))
    world.clock.advance(90 * DAY - 1)
    assert await world.rotation.renew_due() == 0
    world.clock.advance(2)
    assert await world.rotation.renew_due() == 1
    assert await world.rotation.renew_due() == 0
    page, current = await world.rotation.list(call(), key.name, 0, "", include_first=False)
    assert [(each.number, each.on_demand) for each in page.items] == [(2, False)]
    assert current.rotate_at == world.clock.now() + timedelta(days=90)
    plaintext, _ = await world.encryption.decrypt(call(), blob, Asked("", {}))
    assert plaintext.reveal() == b"attack at dawn"


async def test_a_disabled_key_is_renewed_when_it_is_enabled_again(world: World) -> None:
    key = await world.key()
    await world.rotation.enable(call(), key.name, 90)
    await world.admin.disable(call(), key.name)
    world.clock.advance(100 * DAY)
    assert await world.rotation.renew_due() == 0
    assert (await world.rotation.status(call(), key.name)).days == 90
    await world.admin.enable(call(), key.name)
    assert await world.rotation.renew_due() == 1


@pytest.mark.parametrize("days", [89, 2561])
async def test_a_period_has_bounds(world: World, days: int) -> None:
    key = await world.key()
    with pytest.raises(DomainError) as refused:
        await world.rotation.enable(call(), key.name, days)
    assert reason(refused) == "INVALID_FIELD"


async def test_only_symmetric_keys_are_renewed(world: World) -> None:
    wanted = NewKey(spec=KeySpec.ECC_NIST_P256, usage=KeyUsage.SIGN_VERIFY)
    key = await world.admin.create(call(), PARENT, wanted)
    for attempt in (world.rotation.enable(call(), key.name, 90), world.rotation.rotate(call(), key.name)):
        with pytest.raises(DomainError) as refused:
            await attempt
        assert reason(refused) == "UNSUPPORTED_OPERATION"


async def test_renewals_on_demand_are_counted(world: World) -> None:
    key = await world.key()
    for number in range(25):
        assert (await world.rotation.rotate(call(), key.name)).primary_version == number + 2
    with pytest.raises(DomainError) as refused:
        await world.rotation.rotate(call(), key.name)
    assert reason(refused) == "QUOTA_EXCEEDED"


async def imported(world: World, spec: KeySpec, material: bytes, **more: object) -> str:
    usage = spec.default_usage or KeyUsage.SIGN_VERIFY
    wanted = NewKey(spec=spec, usage=usage, origin=KeyOrigin.EXTERNAL)
    key = await world.admin.create(call(), PARENT, wanted)
    assert key.state is KeyState.PENDING_IMPORT
    await bring(world, str(key.name), material, **more)
    return str(key.name)


async def bring(world: World, name: str, material: bytes, expires: object = None) -> str:
    parsed = KeyName.parse(name)
    made = await world.imports.parameters(call(), parsed, "RSAES_OAEP_SHA_256", KeySpec.RSA_2048)
    public = load_der_public_key(made.public_key)
    assert isinstance(public, RSAPublicKey)
    wrapped = public.encrypt(material, OAEP(MGF1(SHA256()), SHA256(), None))
    return await world.imports.import_material(call(), parsed, made.token, wrapped, expires)  # type: ignore[arg-type]


async def test_imported_material_is_used_taken_away_and_brought_again(world: World) -> None:
    material = os.urandom(32)
    name = await imported(world, KeySpec.SYMMETRIC_DEFAULT, material)
    blob, used = await world.encryption.encrypt(call(), Asked(name, {}), SECRET)
    await world.imports.delete(call(), used.key.name)
    with pytest.raises(DomainError) as refused:
        await world.encryption.decrypt(call(), blob, Asked("", {}))
    assert reason(refused) == "RESOURCE_STATE"
    with pytest.raises(DomainError) as other:
        await bring(world, name, os.urandom(32))
    assert reason(other) == "INCORRECT_KEY_MATERIAL"
    assert await bring(world, name, material) == used.material_id
    plaintext, _ = await world.encryption.decrypt(call(), blob, Asked("", {}))
    assert plaintext.reveal() == b"attack at dawn"


async def test_imported_material_expires(world: World) -> None:
    expires = world.clock.now() + timedelta(days=1)
    name = await imported(world, KeySpec.SYMMETRIC_DEFAULT, os.urandom(32), expires=expires)
    _, used = await world.encryption.encrypt(call(), Asked(name, {}), SECRET)
    assert used.key.expires_at == expires
    assert await world.imports.expire_due() == 0
    world.clock.advance(DAY + 1)
    with pytest.raises(DomainError) as late:
        await world.encryption.encrypt(call(), Asked(name, {}), SECRET)
    assert reason(late) == "RESOURCE_STATE", "expired is expired, whether or not somebody has looked"
    described = await world.admin.get(call(), name)
    assert (described.state, described.expires_at) == (KeyState.PENDING_IMPORT, None)
    assert await world.imports.expire_due() == 1
    assert await world.admin.get(call(), name) == described
    assert world.revocations.revoked[-1] == used.key.name


async def test_a_key_pair_is_gone_when_its_material_has_expired(world: World) -> None:
    material = generate(KeySpec.ECC_NIST_P256, world.random).secret.reveal()
    expires = world.clock.now() + timedelta(days=1)
    name = await imported(world, KeySpec.ECC_NIST_P256, material, expires=expires)
    public_key, _ = await world.signing.public_key(call(), name, ())
    assert public_key
    asked, parsed = AskedOf(name, "ECDSA_SHA_256"), KeyName.parse(name)
    signature, _ = await world.signing.sign(call(), asked, b"m")
    assert await world.signing.verify(call(), asked, b"m", signature)
    world.clock.advance(DAY + 1)
    for attempt in (
        world.signing.public_key(call(), name, ()),
        world.signing.sign(call(), asked, b"m"),
        world.signing.verify(call(), asked, b"m", signature),
        world.admin.enable(call(), parsed),
        world.admin.disable(call(), parsed),
    ):
        with pytest.raises(DomainError) as late:
            await attempt
        assert reason(late) == "RESOURCE_STATE"
    # Nobody has noted it so far. What is changed now notes it.
    (due,) = await world.records.due("expiry", world.clock.now(), 9)
    await world.admin.describe(call(), due, "changed")
    assert not await world.records.due("expiry", world.clock.now(), 9)
    version = await world.records.version(due, 1)
    assert version is not None
    assert version.wrapped == b""
    await bring(world, name, material)
    assert await world.signing.verify(call(), asked, b"m", signature)


async def test_a_service_has_a_key_of_its_own_in_every_account(world: World) -> None:
    name = str(AliasName(PARENT, "aws/bedrock"))
    keys = [await world.admin.get(call(), name) for _ in range(2)]
    assert keys[0] == keys[1]
    assert keys[0].manager is KeyManager.SERVICE
    assert "bedrock.us-east-1.amazonaws.com" in keys[0].policy
    for attempt in (
        world.admin.disable(call(), keys[0].name),
        world.deletion.schedule(call(), keys[0].name, 7),
        world.rotation.rotate(call(), keys[0].name),
        world.admin.tag(call(), keys[0].name, [("a", "b")]),
    ):
        with pytest.raises(DomainError) as refused:
            await attempt
        assert reason(refused) == "ACCESS_DENIED"
    with pytest.raises(DomainError) as reserved:
        await world.aliases.create(call(), AliasName(PARENT, "aws/mine"), keys[0].name)
    assert reason(reserved) == "INVALID_ALIAS_NAME"
    other = call(account="210987654321")
    with pytest.raises(DomainError) as foreign:
        await world.admin.get(other, str(AliasName(replace(PARENT, owner="999999999999"), "aws/bedrock")))
    assert reason(foreign) == "RESOURCE_NOT_FOUND"
