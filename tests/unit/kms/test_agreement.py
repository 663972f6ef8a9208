"""ECDH: both sides and another library come to the same secret, and strange public keys are refused."""

from collections.abc import Callable

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason
from Crypto.Protocol.DH import key_agreement
from Crypto.PublicKey import ECC

from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.kms.domain.agreement import derive_shared_secret
from services.kms.domain.material import Material, load_private_key
from services.kms.domain.specs import Algorithm, KeySpec

NIST = {KeySpec.ECC_NIST_P256: "P-256", KeySpec.ECC_NIST_P384: "P-384", KeySpec.ECC_NIST_P521: "P-521"}
SIZES = {KeySpec.ECC_NIST_P256: 32, KeySpec.ECC_NIST_P384: 48, KeySpec.ECC_NIST_P521: 66}
"""Bytes of a coordinate."""
MaterialOf = Callable[[KeySpec], Material]


def derive(spec: KeySpec, made: Material, peer: bytes, algorithm: Algorithm = Algorithm.ECDH) -> bytes:
    return derive_shared_secret(spec, load_private_key(spec, made.secret), algorithm, peer).reveal()


def refused(spec: KeySpec, made: Material, peer: bytes, algorithm: Algorithm = Algorithm.ECDH) -> int:
    with pytest.raises(DomainError) as caught:
        derive(spec, made, peer, algorithm)
    assert caught.value.__cause__ is None
    return caught.value.reason


@pytest.mark.parametrize("spec", NIST)
def test_another_library_agrees_from_both_sides(spec: KeySpec, material_of: MaterialOf) -> None:
    made = material_of(spec)
    for _ in range(8):  # A secret that begins with a zero byte keeps it; one in 256 does.
        theirs = ECC.generate(curve=NIST[spec])
        ours = derive(spec, made, theirs.public_key().export_key(format="DER", compress=False))
        assert ours == key_agreement(
            kdf=lambda secret: secret, static_priv=theirs, static_pub=ECC.import_key(made.public_key)
        )
        private = theirs.export_key(format="DER", use_pkcs8=True)
        from_their_side = Material(SecretBytes(private))
        assert derive(spec, from_their_side, made.public_key) == ours
        assert len(ours) == SIZES[spec]


@pytest.mark.parametrize("spec", NIST)
def test_public_keys_of_other_specs_are_refused(spec: KeySpec, material_of: MaterialOf) -> None:
    for other in KeySpec:
        if other is not spec:
            public = material_of(other).public_key
            assert refused(spec, material_of(spec), public) == ErrorReason.ERROR_REASON_INVALID_FIELD


@pytest.mark.parametrize("spec", NIST)
def test_what_is_no_point_of_the_curve_is_refused(spec: KeySpec, material_of: MaterialOf) -> None:
    made = material_of(spec)
    public = made.public_key
    size = SIZES[spec]
    head = public[: -2 * size]
    wrong = [
        head + bytes(2 * size),  # (0, 0)
        head + b"\xff" * (2 * size),  # beyond the field
        head + public[-2 * size : -size] + bytes(size),
        public[:-1] + bytes([public[-1] ^ 1]),
        public[: -2 * size - 1] + b"\0",  # the point at infinity, under a length that is not its own
        public[:-1],
        public + b"\0",
        made.secret.reveal(),
        b"\x30\x00",
    ]
    for each in wrong:
        assert refused(spec, made, each) == ErrorReason.ERROR_REASON_INVALID_FIELD


def test_a_point_in_the_hybrid_form_is_refused(material_of: MaterialOf) -> None:
    """RFC 5480, section 2.2: it must not be used. A library may read it as the point that it is."""
    made = material_of(KeySpec.ECC_NIST_P256)
    private = load_private_key(KeySpec.ECC_NIST_P256, made.secret)
    point = len(made.public_key) - 65
    assert made.public_key[point] == 4
    for form in (6 | made.public_key[-1] & 1, 7 ^ (made.public_key[-1] & 1)):
        hybrid = made.public_key[:point] + bytes([form]) + made.public_key[point + 1 :]
        with pytest.raises(DomainError) as refused:
            derive_shared_secret(KeySpec.ECC_NIST_P256, private, Algorithm.ECDH, hybrid)
        assert refused.value.reason == ErrorReason.ERROR_REASON_INVALID_FIELD


def test_specs_without_agreement_are_refused(material_of: MaterialOf) -> None:
    for spec in (KeySpec.ECC_SECG_P256K1, KeySpec.ECC_NIST_EDWARDS25519, KeySpec.RSA_2048):
        made = material_of(spec)
        assert refused(spec, made, made.public_key) == ErrorReason.ERROR_REASON_INVALID_KEY_USAGE
    made = material_of(KeySpec.ECC_NIST_P256)
    reason = refused(KeySpec.ECC_NIST_P256, made, made.public_key, Algorithm.ECDSA_SHA_256)
    assert reason == ErrorReason.ERROR_REASON_INVALID_KEY_USAGE
