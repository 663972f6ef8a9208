"""Encrypting, data keys, signatures and codes under keys of every kind."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.kms.domain.asymmetric_encryption import oaep
from services.kms.domain.ciphertext import MAX_CONTEXT_SIZE
from services.kms.domain.keys import KeyState
from services.kms.domain.names import AliasName
from services.kms.domain.specs import KeySpec, KeyUsage
from services.kms.operations.encryption import Asked
from services.kms.operations.key_admin import NewKey
from services.kms.operations.signing import AskedOf
from tests.unit.kms.world import PARENT, World, call, opened

SECRET = SecretBytes(b"attack at dawn")


@pytest.fixture
async def world(tmp_path: Path) -> World:
    return await opened(tmp_path)


def reason(error: pytest.ExceptionInfo[DomainError]) -> str:
    return error.value.reason_name


async def test_what_is_encrypted_opens_under_its_context_alone(world: World) -> None:
    key = await world.key()
    blob, used = await world.encryption.encrypt(call(), Asked(str(key.name), {"tenant": "a"}), SECRET)
    opened_text, again = await world.encryption.decrypt(call(), blob, Asked("", {"tenant": "a"}))
    assert (opened_text.reveal(), again) == (b"attack at dawn", used)
    for context in ({}, {"tenant": "b"}, {"tenant": "a", "more": "x"}):
        with pytest.raises(DomainError) as refused:
            await world.encryption.decrypt(call(), blob, Asked("", context))
        assert reason(refused) == "INVALID_CIPHERTEXT"


async def test_a_ciphertext_of_another_key_is_told_apart(world: World) -> None:
    key, other = await world.key(), await world.key()
    blob, _ = await world.encryption.encrypt(call(), Asked(str(key.name), {}), SECRET)
    with pytest.raises(DomainError) as refused:
        await world.encryption.decrypt(call(), blob, Asked(str(other.name), {}))
    assert reason(refused) == "INCORRECT_KEY"
    unknown = str(other.name).replace(other.name.key_id, "11111111-2222-3333-4444-555555555555")
    for text in (unknown, f"{other.name.parent}/aliases/nobody", f"{other.name.parent}/aliases/aws/bedrock"):
        with pytest.raises(DomainError) as refused:
            await world.encryption.decrypt(call(), blob, Asked(text, {}))
        assert reason(refused) == "RESOURCE_NOT_FOUND"


async def test_what_was_encrypted_before_a_renewal_opens_after_it(world: World) -> None:
    key = await world.key()
    blobs = []
    for _ in range(3):
        blobs.append((await world.encryption.encrypt(call(), Asked(str(key.name), {}), SECRET))[0])
        await world.rotation.rotate(call(), key.name)
    for blob in blobs:
        plaintext, _ = await world.encryption.decrypt(call(), blob, Asked("", {}))
        assert plaintext.reveal() == b"attack at dawn"
    page, current = await world.rotation.list(call(), key.name, 0, "", include_first=True)
    assert [each.number for each in page.items] == [1, 2, 3, 4]
    assert current.primary_version == 4
    assert len({each.material_id for each in page.items}) == 4


async def test_re_encrypting_shows_nothing_and_asks_for_both_keys(world: World) -> None:
    first, second = await world.key(), await world.key()
    blob, _ = await world.encryption.encrypt(call(), Asked(str(first.name), {"a": "1"}), SECRET)
    world.access.asked.clear()
    again, before, after = await world.encryption.re_encrypt(
        call(), blob, Asked("", {"a": "1"}), Asked(str(second.name), {"b": "2"})
    )
    assert (before.key, after.key) == (first, second)
    asked = {action: (resource, facts.same_key) for action, resource, facts in world.access.asked}
    assert asked == {
        "kms:ReEncryptFrom": (str(first.name), False),
        "kms:ReEncryptTo": (str(second.name), False),
    }
    plaintext, _ = await world.encryption.decrypt(call(), again, Asked("", {"b": "2"}))
    assert plaintext.reveal() == b"attack at dawn"


@pytest.mark.parametrize("size", [0, 1, 16, 64, 1024])
async def test_data_keys_come_in_both_forms(world: World, size: int) -> None:
    key = await world.key()
    made = await world.encryption.generate_data_key(call(), Asked(str(key.name), {"p": "x"}), size)
    assert len(made.plaintext) == (size or 32)
    plaintext, _ = await world.encryption.decrypt(call(), made.ciphertext, Asked("", {"p": "x"}))
    assert plaintext == made.plaintext


async def test_a_disabled_key_does_nothing(world: World) -> None:
    key = await world.key()
    blob, _ = await world.encryption.encrypt(call(), Asked(str(key.name), {}), SECRET)
    assert (await world.admin.disable(call(), key.name)).state is KeyState.DISABLED
    assert world.revocations.revoked == [key.name]
    for attempt in (
        world.encryption.encrypt(call(), Asked(str(key.name), {}), SECRET),
        world.encryption.decrypt(call(), blob, Asked("", {})),
        world.encryption.generate_data_key(call(), Asked(str(key.name), {}), 32),
    ):
        with pytest.raises(DomainError) as refused:
            await attempt
        assert reason(refused) == "KEY_DISABLED"


async def test_a_dry_run_does_nothing_but_decide(world: World) -> None:
    key = await world.key()
    with pytest.raises(DomainError) as passed:
        await world.encryption.encrypt(call(), Asked(str(key.name), {}, dry_run=True), SECRET)
    assert reason(passed) == "DRY_RUN"
    world.access.denied.add("kms:Encrypt")
    with pytest.raises(DomainError) as refused:
        await world.encryption.encrypt(call(), Asked(str(key.name), {}, dry_run=True), SECRET)
    assert reason(refused) == "ACCESS_DENIED"


async def test_a_dry_run_refuses_what_the_operation_would(world: World) -> None:
    """AWS: https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html"""
    key = await world.key()
    rsa, signs, codes, agrees = [
        await world.admin.create(call(), PARENT, NewKey(spec=spec, usage=usage))
        for spec, usage in (
            (KeySpec.RSA_2048, KeyUsage.ENCRYPT_DECRYPT),
            (KeySpec.ECC_NIST_P256, KeyUsage.SIGN_VERIFY),
            (KeySpec.HMAC_256, KeyUsage.GENERATE_VERIFY_MAC),
            (KeySpec.ECC_NIST_P256, KeyUsage.KEY_AGREEMENT),
        )
    ]
    encryption, signing = world.encryption, world.signing
    blob, _ = await encryption.encrypt(call(), Asked(str(key.name), {"a": "b"}), SECRET)
    wrong, right = (Asked("", {"a": each}, dry_run=True) for each in "cb")
    there = Asked(str(key.name), {}, dry_run=True)
    sealed = Asked(str(rsa.name), {}, "RSAES_OAEP_SHA_256", dry_run=True)
    signed = AskedOf(str(signs.name), "ECDSA_SHA_256", dry_run=True)
    digest = AskedOf(str(signs.name), "ECDSA_SHA_256", "DIGEST", dry_run=True)
    coded = AskedOf(str(codes.name), "HMAC_SHA_256", dry_run=True)
    agreed = AskedOf(str(agrees.name), "ECDH", dry_run=True)
    peer, _ = await signing.public_key(call(), str(agrees.name), ())
    long = Asked(str(key.name), {"a": "b" * MAX_CONTEXT_SIZE}, dry_run=True)
    attempts: list[tuple[Any, str]] = [
        (encryption.generate_data_key(call(), long, 32), "INVALID_FIELD"),
        (encryption.generate_data_key(call(), there, 32), "DRY_RUN"),
        (encryption.generate_data_key_pair(call(), long, KeySpec.ECC_NIST_P256), "INVALID_FIELD"),
        (encryption.generate_data_key_pair(call(), there, KeySpec.ECC_NIST_P256), "DRY_RUN"),
        (encryption.decrypt(call(), blob, wrong), "INVALID_CIPHERTEXT"),
        (encryption.decrypt(call(), blob, right), "DRY_RUN"),
        (encryption.re_encrypt(call(), blob, wrong, there), "INVALID_CIPHERTEXT"),
        (encryption.re_encrypt(call(), blob, right, there), "DRY_RUN"),
        (encryption.encrypt(call(), sealed, SecretBytes(bytes(191))), "INVALID_FIELD"),
        (encryption.encrypt(call(), sealed, SecretBytes(bytes(190))), "DRY_RUN"),
        (signing.sign(call(), digest, bytes(31)), "INVALID_FIELD"),
        (signing.sign(call(), digest, bytes(32)), "DRY_RUN"),
        (signing.verify(call(), signed, b"message", b"signature"), "INVALID_SIGNATURE"),
        (signing.verify_mac(call(), coded, b"message", bytes(32)), "INVALID_MAC"),
        (signing.generate_mac(call(), coded, b"message"), "DRY_RUN"),
        (signing.derive_shared_secret(call(), agreed, b"junk"), "INVALID_FIELD"),
        (signing.derive_shared_secret(call(), agreed, peer), "DRY_RUN"),
    ]
    for attempt, wanted in attempts:
        with pytest.raises(DomainError) as refused:
            await attempt
        assert reason(refused) == wanted


async def test_nothing_encrypted_elsewhere_is_no_plaintext(world: World) -> None:
    key = await world.admin.create(
        call(), PARENT, NewKey(spec=KeySpec.RSA_2048, usage=KeyUsage.ENCRYPT_DECRYPT)
    )
    public, _ = await world.signing.public_key(call(), str(key.name), ())
    loaded = load_der_public_key(public)
    assert isinstance(loaded, RSAPublicKey)
    for plaintext in (b"", b"x"):
        blob = loaded.encrypt(plaintext, oaep(SHA256()))
        opened = world.encryption.decrypt(call(), blob, Asked(str(key.name), {}, "RSAES_OAEP_SHA_256"))
        if plaintext:
            assert (await opened)[0].reveal() == plaintext
        else:
            with pytest.raises(DomainError) as refused:
                await opened
            assert reason(refused) == "INVALID_CIPHERTEXT"


async def test_an_rsa_key_encrypts_without_naming_itself(world: World) -> None:
    wanted = NewKey(spec=KeySpec.RSA_2048, usage=KeyUsage.ENCRYPT_DECRYPT)
    key = await world.admin.create(call(), PARENT, wanted)
    asked = Asked(str(key.name), {}, "RSAES_OAEP_SHA_256")
    blob, _ = await world.encryption.encrypt(call(), asked, SECRET)
    assert len(blob) == 256
    plaintext, _ = await world.encryption.decrypt(call(), blob, asked)
    assert plaintext.reveal() == b"attack at dawn"
    for wrong, why in (
        (Asked("", {}, "RSAES_OAEP_SHA_256"), "INVALID_FIELD"),
        (Asked(str(key.name), {}), "INVALID_CIPHERTEXT"),
        (Asked(str(key.name), {}, "RSAES_OAEP_SHA_1"), "INVALID_CIPHERTEXT"),
        (Asked(str(key.name), {"a": "b"}, "RSAES_OAEP_SHA_256"), "INVALID_FIELD"),
    ):
        with pytest.raises(DomainError) as refused:
            await world.encryption.decrypt(call(), blob, wrong)
        assert reason(refused) == why


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [
        (KeySpec.ECC_NIST_P256, "ECDSA_SHA_256"),
        (KeySpec.ECC_NIST_P521, "ECDSA_SHA_512"),
        (KeySpec.ECC_SECG_P256K1, "ECDSA_SHA_256"),
        (KeySpec.ECC_NIST_EDWARDS25519, "ED25519_SHA_512"),
    ],
)
async def test_signatures_verify_and_wrong_ones_raise(world: World, spec: KeySpec, algorithm: str) -> None:
    key = await world.admin.create(call(), PARENT, NewKey(spec=spec, usage=KeyUsage.SIGN_VERIFY))
    asked = AskedOf(str(key.name), algorithm)
    signature, _ = await world.signing.sign(call(), asked, b"message")
    await world.signing.verify(call(), asked, b"message", signature)
    with pytest.raises(DomainError) as refused:
        await world.signing.verify(call(), asked, b"massage", signature)
    assert reason(refused) == "INVALID_SIGNATURE"
    with pytest.raises(DomainError) as unfit:
        await world.encryption.encrypt(call(), Asked(str(key.name), {}), SECRET)
    assert reason(unfit) == "INVALID_KEY_USAGE"
    public_key, _ = await world.signing.public_key(call(), str(key.name), ())
    assert public_key.startswith(b"\x30")


async def test_codes_verify_and_wrong_ones_raise(world: World) -> None:
    wanted = NewKey(spec=KeySpec.HMAC_384, usage=KeyUsage.GENERATE_VERIFY_MAC)
    key = await world.admin.create(call(), PARENT, wanted)
    asked = AskedOf(str(key.name), "HMAC_SHA_384")
    mac, _ = await world.signing.generate_mac(call(), asked, b"message")
    assert len(mac) == 48
    await world.signing.verify_mac(call(), asked, b"message", mac)
    with pytest.raises(DomainError) as refused:
        await world.signing.verify_mac(call(), asked, b"message", mac[:-1])
    assert reason(refused) == "INVALID_MAC"
    with pytest.raises(DomainError) as none:
        await world.signing.public_key(call(), str(key.name), ())
    assert reason(none) == "UNSUPPORTED_OPERATION"


async def test_two_keys_agree(world: World) -> None:
    wanted = NewKey(spec=KeySpec.ECC_NIST_P384, usage=KeyUsage.KEY_AGREEMENT)
    mine, yours = [await world.admin.create(call(), PARENT, wanted) for _ in range(2)]
    shared = []
    for own, other in ((mine, yours), (yours, mine)):
        peer, _ = await world.signing.public_key(call(), str(other.name), ())
        secret, _ = await world.signing.derive_shared_secret(call(), AskedOf(str(own.name), "ECDH"), peer)
        shared.append(secret.reveal())
    assert shared[0] == shared[1]
    assert len(shared[0]) == 48


async def test_key_pairs_are_made_and_their_private_keys_open(world: World) -> None:
    key = await world.key()
    pair = await world.encryption.generate_data_key_pair(
        call(), Asked(str(key.name), {}), KeySpec.ECC_NIST_P256
    )
    plaintext, _ = await world.encryption.decrypt(call(), pair.ciphertext, Asked("", {}))
    assert plaintext == pair.private_key


async def test_aliases_name_keys_and_conditions_see_them(world: World) -> None:
    first, second = await world.key(), await world.key()
    name = AliasName(PARENT, "team/reports")
    await world.aliases.create(call(), name, first.name)
    blob, used = await world.encryption.encrypt(call(), Asked(str(name), {}), SECRET)
    assert used.key == first
    assert world.access.asked[-1][2].alias == name
    await world.aliases.update(call(), name, second.name)
    _, after = await world.encryption.encrypt(call(), Asked(str(name), {}), SECRET)
    assert after.key == second
    plaintext, _ = await world.encryption.decrypt(call(), blob, Asked(str(first.name), {}))
    assert plaintext.reveal() == b"attack at dawn"
    await world.aliases.delete(call(), name)
    with pytest.raises(DomainError) as gone:
        await world.encryption.encrypt(call(), Asked(str(name), {}), SECRET)
    assert reason(gone) == "RESOURCE_NOT_FOUND"
