"""Signatures: another library takes ours and we take its, and nothing but the original verifies."""

import hashlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from Crypto.Hash import SHA256, SHA384, SHA512
from Crypto.PublicKey import ECC, RSA
from Crypto.Signature import DSS, eddsa, pkcs1_15, pss
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from services.chassis.errors import DomainError
from services.kms.domain.material import Material, load_private_key, load_public_key
from services.kms.domain.signing import MessageType, sign, verify
from services.kms.domain.specs import Algorithm, KeySpec, KeyUsage

MaterialOf = Callable[[KeySpec], Material]
HASHES: dict[str, ModuleType] = {"256": SHA256, "384": SHA384, "512": SHA512}
CASES = [
    (spec, algorithm)
    for spec in KeySpec
    for algorithm in spec.algorithms(KeyUsage.SIGN_VERIFY)
    # One size of RSA with every algorithm, the others with one of each padding: their code is the same.
    if spec.rsa_bits in (0, 2048) or algorithm.value.endswith("_SHA_384")
]
KNOWN_TO_BOTH = [each for each in CASES if each[0] is not KeySpec.ECC_SECG_P256K1]
"""The other library does not know secp256k1: known answers stand for it."""
MESSAGES = (b"", b"x", b"a message" * 400)


def other_scheme(key: Any, algorithm: Algorithm) -> Any:
    """Return the other library's object that signs and verifies."""
    if algorithm is Algorithm.ED25519_SHA_512:
        return eddsa.new(key, "rfc8032")
    if algorithm.value.startswith("ECDSA_"):
        return DSS.new(key, "fips-186-3", encoding="der")
    return (pss if "_PSS_" in algorithm.value else pkcs1_15).new(key)


def other_digest(algorithm: Algorithm, message: bytes) -> Any:
    if algorithm is Algorithm.ED25519_SHA_512:
        return message
    return HASHES[algorithm.value[-3:]].new(message)


def refused(*arguments: Any) -> int:
    with pytest.raises(DomainError) as caught:
        verify(*arguments)
    assert caught.value.__cause__ is None
    return caught.value.reason


@pytest.mark.parametrize(("spec", "algorithm"), KNOWN_TO_BOTH, ids=lambda each: each.value)
def test_another_library_agrees_in_both_directions(
    spec: KeySpec, algorithm: Algorithm, material_of: MaterialOf
) -> None:
    made = material_of(spec)
    ours, public = load_private_key(spec, made.secret), load_public_key(spec, made.public_key)
    read = RSA.import_key if spec.rsa_bits else ECC.import_key
    for message in MESSAGES:
        signature = sign(spec, ours, algorithm, message, MessageType.RAW)
        other_scheme(read(made.public_key), algorithm).verify(other_digest(algorithm, message), signature)
        theirs = other_scheme(read(made.secret.reveal()), algorithm).sign(other_digest(algorithm, message))
        verify(spec, public, algorithm, message, MessageType.RAW, theirs)
        assert refused(spec, public, algorithm, message + b"x", MessageType.RAW, theirs)


@pytest.mark.parametrize(("spec", "algorithm"), CASES, ids=lambda each: each.value)
def test_a_digest_is_signed_as_its_message_is(
    spec: KeySpec, algorithm: Algorithm, material_of: MaterialOf
) -> None:
    made = material_of(spec)
    ours, public = load_private_key(spec, made.secret), load_public_key(spec, made.public_key)
    digest = hashlib.new(f"sha{algorithm.value[-3:]}", b"a message").digest()
    if algorithm is Algorithm.ED25519_SHA_512:
        with pytest.raises(DomainError, match="Message type DIGEST is incompatible with algorithm ED25519"):
            sign(spec, ours, algorithm, digest, MessageType.DIGEST)
        return
    signature = sign(spec, ours, algorithm, digest, MessageType.DIGEST)
    verify(spec, public, algorithm, b"a message", MessageType.RAW, signature)
    signature = sign(spec, ours, algorithm, b"a message", MessageType.RAW)
    verify(spec, public, algorithm, digest, MessageType.DIGEST, signature)
    for wrong in (b"", digest[:-1], digest + b"\0", digest[:20], b"a message"):
        with pytest.raises(DomainError, match=f"Digest is invalid length for algorithm {algorithm.value}."):
            sign(spec, ours, algorithm, wrong, MessageType.DIGEST)
        assert (
            refused(spec, public, algorithm, wrong, MessageType.DIGEST, signature)
            == ErrorReason.ERROR_REASON_INVALID_FIELD
        )


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [
        (KeySpec.ECC_NIST_P256, Algorithm.ECDSA_SHA_256),
        (KeySpec.ECC_SECG_P256K1, Algorithm.ECDSA_SHA_256),
        (KeySpec.ECC_NIST_EDWARDS25519, Algorithm.ED25519_SHA_512),
        (KeySpec.RSA_2048, Algorithm.RSASSA_PSS_SHA_256),
        (KeySpec.RSA_2048, Algorithm.RSASSA_PKCS1_V1_5_SHA_256),
    ],
    ids=lambda each: each.value,
)
def test_every_flipped_bit_and_truncation_is_refused_with_the_same_words(
    spec: KeySpec, algorithm: Algorithm, material_of: MaterialOf
) -> None:
    made = material_of(spec)
    public = load_public_key(spec, made.public_key)
    raw, message = MessageType.RAW, b"a message"
    signature = sign(spec, load_private_key(spec, made.secret), algorithm, message, raw)
    changed = [signature[:length] for length in range(len(signature))] + [
        signature + b"\0",
        b"\0" + signature,
    ]
    for bit in range(len(signature) * 8):
        flipped = bytearray(signature)
        flipped[bit // 8] ^= 1 << bit % 8
        changed.append(bytes(flipped))
    words = set()
    for each in changed:
        with pytest.raises(DomainError) as caught:
            verify(spec, public, algorithm, message, raw, each)
        assert caught.value.reason == ErrorReason.ERROR_REASON_INVALID_SIGNATURE
        words.add(caught.value.message)
    assert len(words) == 1
    verify(spec, public, algorithm, message, raw, signature)


def test_salts_are_as_long_as_the_digest_and_no_other_is_taken(material_of: MaterialOf) -> None:
    spec, algorithm = KeySpec.RSA_2048, Algorithm.RSASSA_PSS_SHA_256
    key = load_private_key(spec, material_of(spec).secret)
    assert isinstance(key, RSAPrivateKey)
    public = load_public_key(spec, material_of(spec).public_key)
    for length in (0, 20, 31, 33, padding.PSS.MAX_LENGTH):
        theirs = key.sign(b"m", padding.PSS(padding.MGF1(hashes.SHA256()), length), hashes.SHA256())
        assert (
            refused(spec, public, algorithm, b"m", MessageType.RAW, theirs)
            == ErrorReason.ERROR_REASON_INVALID_SIGNATURE
        )
    theirs = key.sign(b"m", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    verify(spec, public, algorithm, b"m", MessageType.RAW, theirs)


def test_signatures_do_not_pass_for_those_of_another_algorithm(material_of: MaterialOf) -> None:
    spec, raw = KeySpec.RSA_2048, MessageType.RAW
    key = load_private_key(spec, material_of(spec).secret)
    public = load_public_key(spec, material_of(spec).public_key)
    algorithms = spec.algorithms(KeyUsage.SIGN_VERIFY)
    for algorithm in algorithms:
        signature = sign(spec, key, algorithm, b"m", raw)
        for other in algorithms:
            if other is not algorithm:
                assert (
                    refused(spec, public, other, b"m", raw, signature)
                    == ErrorReason.ERROR_REASON_INVALID_SIGNATURE
                )


@pytest.mark.parametrize("spec", [each for each in KeySpec if each.asymmetric])
def test_algorithms_of_other_specs_are_refused(spec: KeySpec, material_of: MaterialOf) -> None:
    made = material_of(spec)
    ours, public = load_private_key(spec, made.secret), load_public_key(spec, made.public_key)
    for algorithm in set(Algorithm) - set(spec.algorithms(KeyUsage.SIGN_VERIFY)):
        with pytest.raises(DomainError) as caught:
            sign(spec, ours, algorithm, b"m", MessageType.RAW)
        assert caught.value.reason == ErrorReason.ERROR_REASON_INVALID_KEY_USAGE
        assert (
            refused(spec, public, algorithm, b"m", MessageType.RAW, b"s")
            == ErrorReason.ERROR_REASON_INVALID_KEY_USAGE
        )
