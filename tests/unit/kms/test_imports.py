"""Imports: a token opens for its key and its time alone, and only material that fits comes in."""

import secrets
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from Crypto.Cipher import AES, PKCS1_OAEP, PKCS1_v1_5
from Crypto.Hash import SHA1, SHA256
from Crypto.PublicKey import RSA
from cryptography.hazmat.primitives.serialization import load_der_public_key

from services.chassis.errors import DomainError
from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.domain.ciphertext import Ciphertext
from services.kms.domain.envelope import encrypt
from services.kms.domain.imports import (
    Destination,
    WrappingAlgorithm,
    import_material,
    make_import_parameters,
    material_id,
    parse_wrapping,
)
from services.kms.domain.material import Material
from services.kms.domain.specs import KeySpec
from tests.fakes.material_owner import (
    KEY_NAME,
    NOW,
    SEALING_KEY,
    MaterialOwner,
    destination,
    wrap,
    wrapping_algorithms,
)

MaterialOf = Callable[[KeySpec], Material]
OAEP = WrappingAlgorithm.RSAES_OAEP_SHA_256
AES_WRAP = WrappingAlgorithm.RSA_AES_KEY_WRAP_SHA_256
SYMMETRIC = KeySpec.SYMMETRIC_DEFAULT
CANARY = bytes.fromhex("c0ffee5ec2e7") * 6
MAX_TOKEN = 6144
"""Bytes of an import token and of wrapped material that AWS's model takes."""


def reason_of(call: Callable[..., object], *arguments: object) -> int:
    with pytest.raises(DomainError) as caught:
        call(*arguments)
    assert caught.value.__cause__ is None
    return caught.value.reason


def parameters_for(
    spec: KeySpec, algorithm: WrappingAlgorithm, wrapping_spec: KeySpec = KeySpec.RSA_2048
) -> object:
    return make_import_parameters(
        destination(spec), algorithm, wrapping_spec, SEALING_KEY, NOW, SystemRandomness()
    )


@pytest.mark.parametrize("spec", KeySpec)
def test_material_comes_in_by_every_algorithm(
    spec: KeySpec, owner: MaterialOwner, material_of: MaterialOf
) -> None:
    made = material_of(spec)
    # Every algorithm with a spec of each kind; the campaign kms-vectors draws from all of them for all.
    each_kind = (SYMMETRIC, KeySpec.ECC_NIST_P256, KeySpec.RSA_2048)
    for algorithm in wrapping_algorithms(spec)[None if spec in each_kind else -1 :]:
        assert owner.bring(spec, made.secret.reveal(), algorithm) == made


@pytest.mark.parametrize("algorithm", [OAEP, AES_WRAP])
def test_longer_wrapping_keys(algorithm: WrappingAlgorithm, material_of: MaterialOf) -> None:
    spec = KeySpec.ECC_NIST_P521
    parameters = make_import_parameters(
        destination(spec), algorithm, KeySpec.RSA_3072, SEALING_KEY, NOW, SystemRandomness()
    )
    assert load_der_public_key(parameters.public_key).key_size == 3072
    assert len(parameters.token) <= MAX_TOKEN
    wrapped = wrap(algorithm, parameters.public_key, material_of(spec).secret.reveal())
    found = import_material(destination(spec), parameters.token, wrapped, SEALING_KEY, NOW)
    assert found == material_of(spec)


def test_what_does_not_fit_is_refused_before_a_key_is_made() -> None:
    """AWS: GetParametersForImport, WrappingAlgorithm."""
    unsupported = ErrorReason.ERROR_REASON_UNSUPPORTED_OPERATION
    for algorithm in (OAEP, WrappingAlgorithm.RSAES_OAEP_SHA_1):
        for spec in (KeySpec.RSA_2048, KeySpec.RSA_4096, KeySpec.ECC_NIST_P521):
            assert reason_of(parameters_for, spec, algorithm) == unsupported
        assert reason_of(parameters_for, KeySpec.RSA_2048, algorithm, KeySpec.RSA_4096) == unsupported
    for wrong in (SYMMETRIC, KeySpec.ECC_NIST_P256, KeySpec.HMAC_512):
        found = reason_of(parameters_for, SYMMETRIC, OAEP, wrong)
        assert found == ErrorReason.ERROR_REASON_INVALID_FIELD


def test_names_of_algorithms() -> None:
    assert parse_wrapping("RSAES_OAEP_SHA_256") is OAEP
    for wrong in ("", "RSAES_PKCS1_V1_5", "SM2PKE", "rsaes_oaep_sha_256"):
        assert reason_of(parse_wrapping, wrong) == ErrorReason.ERROR_REASON_INVALID_FIELD


def test_a_token_is_good_for_24_hours(owner: MaterialOwner) -> None:
    parameters = owner.parameters(SYMMETRIC, OAEP)
    assert parameters.expires == NOW + timedelta(hours=24)
    wrapped = wrap(OAEP, parameters.public_key, bytes(32))

    def at(moment: datetime) -> Material:
        return import_material(destination(SYMMETRIC), parameters.token, wrapped, SEALING_KEY, moment)

    assert at(parameters.expires - timedelta(microseconds=1)).secret.reveal() == bytes(32)
    for late in (timedelta(), timedelta(seconds=1), timedelta(days=400)):
        assert reason_of(at, parameters.expires + late) == ErrorReason.ERROR_REASON_EXPIRED_IMPORT_TOKEN
    odd = make_import_parameters(
        destination(SYMMETRIC),
        OAEP,
        KeySpec.RSA_2048,
        SEALING_KEY,
        datetime(2026, 1, 1, 0, 0, 0, 999_999, UTC),
        SystemRandomness(),
    )
    assert odd.expires == NOW + timedelta(hours=24)


def test_a_token_opens_for_its_own_key_alone(owner: MaterialOwner) -> None:
    parameters = owner.parameters(SYMMETRIC, OAEP)
    wrapped = wrap(OAEP, parameters.public_key, bytes(32))
    own = destination(SYMMETRIC)
    for other in (
        replace(own, key_name=KEY_NAME[:-1] + "2"),
        replace(own, incarnation="another"),
        replace(own, spec=KeySpec.HMAC_256),
        Destination("", "", SYMMETRIC),
    ):
        found = reason_of(import_material, other, parameters.token, wrapped, SEALING_KEY, NOW)
        assert found == ErrorReason.ERROR_REASON_INVALID_IMPORT_TOKEN
    foreign = SecretBytes(secrets.token_bytes(32))
    found = reason_of(import_material, own, parameters.token, wrapped, foreign, NOW)
    assert found == ErrorReason.ERROR_REASON_INVALID_IMPORT_TOKEN


def test_every_changed_byte_and_truncation_of_a_token_is_refused(owner: MaterialOwner) -> None:
    token = owner.parameters(SYMMETRIC, OAEP).token
    changed = [token[:length] for length in range(len(token))] + [token + b"\0"]
    for at in range(len(token)):
        flipped = bytearray(token)
        flipped[at] ^= 1 << secrets.randbelow(8)
        changed.append(bytes(flipped))
    for each in changed:
        found = reason_of(import_material, destination(SYMMETRIC), each, b"w", SEALING_KEY, NOW)
        assert found == ErrorReason.ERROR_REASON_INVALID_IMPORT_TOKEN


def test_a_ciphertext_of_the_sealing_key_is_no_token(owner: MaterialOwner) -> None:
    """Whoever got a ciphertext under that key with a context of their choice has no token."""
    for version in (0, 1):
        context = {"purpose": "craton-kms import token", "incarnation": "incarnation", "spec": "HMAC_256"}
        blob = encrypt(SEALING_KEY, KEY_NAME, version, SecretBytes(b"x" * 64), context, SystemRandomness())
        found = reason_of(import_material, destination(SYMMETRIC), blob, b"w", SEALING_KEY, NOW)
        assert found == ErrorReason.ERROR_REASON_INVALID_IMPORT_TOKEN
    assert Ciphertext.parse(owner.parameters(SYMMETRIC, OAEP).token).header.key_version == 0


@pytest.mark.parametrize("algorithm", [OAEP, AES_WRAP])
def test_every_changed_byte_and_truncation_of_wrapped_material_is_refused(
    algorithm: WrappingAlgorithm, owner: MaterialOwner
) -> None:
    parameters = owner.parameters(SYMMETRIC, algorithm)
    wrapped = wrap(algorithm, parameters.public_key, bytes(32))
    changed = [wrapped[:length] for length in range(0, len(wrapped), 3)] + [
        wrapped + b"\0",
        wrapped + bytes(8),
    ]
    for at in range(len(wrapped)):
        flipped = bytearray(wrapped)
        flipped[at] ^= 1 << secrets.randbelow(8)
        changed.append(bytes(flipped))
    for each in changed:
        found = reason_of(import_material, destination(SYMMETRIC), parameters.token, each, SEALING_KEY, NOW)
        assert found == ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT


def test_material_wrapped_otherwise_is_refused(owner: MaterialOwner) -> None:
    """By another algorithm than the token's, under another key, or with a short AES key in between."""
    for token_algorithm in WrappingAlgorithm:
        parameters = owner.parameters(SYMMETRIC, token_algorithm)
        key = RSA.import_key(parameters.public_key)
        digest = SHA1 if token_algorithm.value.endswith("SHA_1") else SHA256
        wrong = [
            wrap(each, parameters.public_key, bytes(32))
            for each in WrappingAlgorithm
            if each is not token_algorithm
        ]
        wrong.append(PKCS1_v1_5.new(key).encrypt(bytes(32)))
        wrong.append(wrap(token_algorithm, owner.parameters(KeySpec.HMAC_256, OAEP).public_key, bytes(32)))
        if token_algorithm.wraps_through_aes:
            for size in (16, 24):
                head = PKCS1_OAEP.new(key, digest).encrypt(bytes(size))
                wrong.append(head + AES.new(bytes(size), AES.MODE_KWP).seal(bytes(32)))
            head = PKCS1_OAEP.new(key, digest).encrypt(bytes(32))
            wrong.append(head + AES.new(bytes(32), AES.MODE_KW).seal(bytes(32)))
            wrong.append(head)
        for each in wrong:
            found = reason_of(
                import_material, destination(SYMMETRIC), parameters.token, each, SEALING_KEY, NOW
            )
            assert found == ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT


@pytest.mark.parametrize(
    "spec", [KeySpec.SYMMETRIC_DEFAULT, KeySpec.HMAC_224, KeySpec.ECC_NIST_P256, KeySpec.RSA_2048]
)
def test_material_that_the_key_does_not_take_is_refused(
    spec: KeySpec, owner: MaterialOwner, material_of: MaterialOf
) -> None:
    algorithm = wrapping_algorithms(spec)[-1]
    wrong = [b"x", bytes(16), bytes(33), bytes(64), material_of(KeySpec.ECC_NIST_P384).secret.reveal()]
    wrong.append(material_of(KeySpec.ECC_SECG_P256K1).secret.reveal())
    for each in wrong:
        with pytest.raises(DomainError) as caught:
            owner.bring(spec, each, algorithm)
        assert caught.value.reason == ErrorReason.ERROR_REASON_INCORRECT_KEY_MATERIAL
        assert caught.value.message.startswith("The key material is not right: ")
        assert each.hex() not in caught.value.message


@pytest.mark.parametrize("algorithm", WrappingAlgorithm)
def test_refusals_do_not_quote_material(algorithm: WrappingAlgorithm, owner: MaterialOwner) -> None:
    """Not even where somebody prints the local variables of every frame of the service."""
    with pytest.raises(DomainError) as caught:
        owner.bring(SYMMETRIC, CANARY, algorithm)
    text = f"{caught.value!r} {caught.value} {caught.value.metadata}"
    error: BaseException | None = caught.value
    frames = 0
    while error is not None:
        for frame, _line in traceback.walk_tb(error.__traceback__):
            if "/services/" in frame.f_code.co_filename:
                frames += 1
                text += "".join(repr(value) for value in frame.f_locals.values())
        error = error.__context__
    assert frames >= 2
    assert CANARY.hex() not in text
    assert str(CANARY)[2:-1] not in text


def test_parameters_differ_every_time(owner: MaterialOwner) -> None:
    first, second = (
        make_import_parameters(
            destination(SYMMETRIC), OAEP, KeySpec.RSA_2048, SEALING_KEY, NOW, SystemRandomness()
        )
        for _ in range(2)
    )
    assert first.public_key != second.public_key
    assert first.token != second.token
    # The halves belong together: the token of one does not open what the other's key wrapped.
    wrapped = wrap(OAEP, first.public_key, bytes(32))
    found = reason_of(import_material, destination(SYMMETRIC), second.token, wrapped, SEALING_KEY, NOW)
    assert found == ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT


def test_an_id_is_the_same_for_the_same_material_of_the_same_key_alone() -> None:
    own, naming = destination(SYMMETRIC), SecretBytes(b"n" * 32)
    material = Material(SecretBytes(bytes(32)))
    found = material_id(own, material, naming)
    assert found == material_id(own, Material(SecretBytes(bytes(32))), naming)
    assert len(bytes.fromhex(found)) == 32
    assert found == found.lower()
    others = {
        material_id(own, Material(SecretBytes(bytes(31) + b"\1")), naming),
        material_id(replace(own, key_name=KEY_NAME + "0"), material, naming),
        material_id(replace(own, incarnation="x"), material, naming),
        material_id(replace(own, spec=KeySpec.HMAC_256), material, naming),
        material_id(own, material, SecretBytes(b"m" * 32)),
    }
    assert len(others | {found}) == 6
