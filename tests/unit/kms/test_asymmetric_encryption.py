"""RSAES-OAEP: another library opens ours and we open its, and nothing but the original opens."""

from collections.abc import Callable

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from Crypto.Cipher import PKCS1_OAEP, PKCS1_v1_5
from Crypto.Hash import SHA1, SHA256
from Crypto.PublicKey import RSA

from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.kms.domain.asymmetric_encryption import decrypt, encrypt, max_plaintext_size
from services.kms.domain.imports import WrappingAlgorithm
from services.kms.domain.material import Material, load_private_key, load_public_key
from services.kms.domain.specs import Algorithm, KeySpec, KeyUsage
from tests.fakes.material_owner import MaterialOwner

MaterialOf = Callable[[KeySpec], Material]
RSA_SPECS = [each for each in KeySpec if each.rsa_bits]
ALGORITHMS = KeySpec.RSA_2048.algorithms(KeyUsage.ENCRYPT_DECRYPT)
HASHES = {Algorithm.RSAES_OAEP_SHA_1: SHA1, Algorithm.RSAES_OAEP_SHA_256: SHA256}


def reason_of(call: Callable[..., object], *arguments: object) -> tuple[int, str]:
    with pytest.raises(DomainError) as caught:
        call(*arguments)
    assert caught.value.__cause__ is None
    return caught.value.reason, caught.value.message


def test_bounds_of_plaintexts_are_those_of_aws() -> None:
    """AWS: Encrypt, Plaintext."""
    found = {
        (spec.rsa_bits, each.value[-5:]): max_plaintext_size(spec, each)
        for spec in RSA_SPECS
        for each in ALGORITHMS
    }
    assert found == {
        (2048, "SHA_1"): 214,
        (2048, "A_256"): 190,
        (3072, "SHA_1"): 342,
        (3072, "A_256"): 318,
        (4096, "SHA_1"): 470,
        (4096, "A_256"): 446,
    }


@pytest.mark.parametrize("spec", RSA_SPECS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_another_library_agrees_in_both_directions(
    spec: KeySpec, algorithm: Algorithm, material_of: MaterialOf
) -> None:
    made = material_of(spec)
    private, public = load_private_key(spec, made.secret), load_public_key(spec, made.public_key)
    bound = max_plaintext_size(spec, algorithm)
    for plaintext in (b"x", bytes(range(32)), bytes(bound)):
        ours = encrypt(spec, public, algorithm, SecretBytes(plaintext))
        assert len(ours) == spec.rsa_bits // 8
        other = PKCS1_OAEP.new(RSA.import_key(made.secret.reveal()), HASHES[algorithm])
        assert other.decrypt(ours) == plaintext
        theirs = PKCS1_OAEP.new(RSA.import_key(made.public_key), HASHES[algorithm]).encrypt(plaintext)
        assert decrypt(spec, private, algorithm, theirs).reveal() == plaintext
    assert reason_of(encrypt, spec, public, algorithm, SecretBytes(bytes(bound + 1))) == (
        ErrorReason.ERROR_REASON_INVALID_FIELD,
        f"Algorithm {algorithm.value} and key spec {spec.value} cannot encrypt data larger than {bound} "
        "bytes.",
    )


def test_every_flipped_bit_and_truncation_is_refused_with_the_same_words(material_of: MaterialOf) -> None:
    spec, algorithm = KeySpec.RSA_2048, Algorithm.RSAES_OAEP_SHA_256
    made = material_of(spec)
    private = load_private_key(spec, made.secret)
    sealed = encrypt(spec, load_public_key(spec, made.public_key), algorithm, SecretBytes(b"plain"))
    changed = [sealed[:length] for length in range(len(sealed))] + [sealed + b"\0", b"\0" + sealed]
    for bit in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[bit // 8] ^= 1 << bit % 8
        changed.append(bytes(flipped))
    answers = {reason_of(decrypt, spec, private, algorithm, each) for each in changed}
    assert {reason for reason, _ in answers} == {ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT}
    assert len(answers) == 1
    assert decrypt(spec, private, algorithm, sealed).reveal() == b"plain"


def test_other_hashes_labels_paddings_and_keys_do_not_open(
    material_of: MaterialOf, owner: MaterialOwner
) -> None:
    spec, algorithm = KeySpec.RSA_2048, Algorithm.RSAES_OAEP_SHA_256
    made = material_of(spec)
    private, public = load_private_key(spec, made.secret), RSA.import_key(made.public_key)
    another = owner.parameters(KeySpec.HMAC_256, WrappingAlgorithm.RSAES_OAEP_SHA_256).public_key
    wrong = [
        PKCS1_OAEP.new(public, SHA1).encrypt(b"m"),
        PKCS1_OAEP.new(public, SHA256, label=b"label").encrypt(b"m"),
        PKCS1_v1_5.new(public).encrypt(b"m"),
        PKCS1_OAEP.new(RSA.import_key(another), SHA256).encrypt(b"m"),
        (public.n - 1).to_bytes(256, "big"),
        public.n.to_bytes(256, "big"),
        bytes(256),
        b"\xff" * 256,
    ]
    for each in wrong:
        reason, _ = reason_of(decrypt, spec, private, algorithm, each)
        assert reason == ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT


def test_other_algorithms_and_keys_are_refused(material_of: MaterialOf) -> None:
    for spec in (KeySpec.RSA_2048, KeySpec.ECC_NIST_P256, KeySpec.ECC_NIST_EDWARDS25519):
        made = material_of(spec)
        private, public = load_private_key(spec, made.secret), load_public_key(spec, made.public_key)
        for algorithm in set(Algorithm) - set(spec.algorithms(KeyUsage.ENCRYPT_DECRYPT)):
            for call, key, given in ((encrypt, public, SecretBytes(b"m")), (decrypt, private, b"c")):
                reason, _ = reason_of(call, spec, key, algorithm, given)
                assert reason == ErrorReason.ERROR_REASON_INVALID_KEY_USAGE
    # A symmetric key has an algorithm of encryption, but none of this module's.
    symmetric, default = KeySpec.SYMMETRIC_DEFAULT, Algorithm.SYMMETRIC_DEFAULT
    public = load_public_key(KeySpec.RSA_2048, material_of(KeySpec.RSA_2048).public_key)
    assert reason_of(encrypt, symmetric, public, default, SecretBytes(b"m"))[0] == (
        ErrorReason.ERROR_REASON_INVALID_KEY_USAGE
    )
