"""Key material: what is made can be used, what is brought is checked, and none of it shows."""

import io
import logging
import pickle
import traceback
from collections.abc import Callable

import pytest
from Crypto.PublicKey import ECC, RSA
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.domain.material import (
    Material,
    MaterialError,
    generate,
    load_private_key,
    load_public_key,
    parse,
)
from services.kms.domain.specs import KeySpec

PAIRS = [each for each in KeySpec if each.asymmetric]
RAW = [each for each in KeySpec if not each.asymmetric]
MaterialOf = Callable[[KeySpec], Material]
CANARY = bytes.fromhex("c0ffee5ec2e7") * 6


@pytest.mark.parametrize("spec", RAW)
def test_symmetric_material_is_as_long_as_aws_says_and_comes_from_the_given_source(spec: KeySpec) -> None:
    class Counting:
        def token_bytes(self, count: int) -> bytes:
            return bytes(range(count))

    made = generate(spec, Counting())
    size = {"SYMMETRIC_DEFAULT": 32, "HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64}
    assert made.secret.reveal() == bytes(range(size[spec.value]))
    assert made.public_key == b""
    assert parse(spec, made.secret) == made
    for wrong in (0, 1, len(made.secret) - 1, len(made.secret) + 1, 4096):
        with pytest.raises(MaterialError, match=f"takes {len(made.secret)} bytes"):
            parse(spec, SecretBytes(bytes(wrong)))


@pytest.mark.parametrize("spec", PAIRS)
def test_pairs_are_read_by_another_library(spec: KeySpec, material_of: MaterialOf) -> None:
    made = material_of(spec)
    private, public = made.secret.reveal(), made.public_key
    if spec.rsa_bits:
        key = RSA.import_key(private)
        assert (key.size_in_bits(), key.e) == (spec.rsa_bits, 65_537)
        assert key.public_key() == RSA.import_key(public)
    elif spec is not KeySpec.ECC_SECG_P256K1:  # The other library does not know this curve.
        curve = {"ECC_NIST_EDWARDS25519": "Ed25519"}.get(spec.value, f"NIST P-{spec.value[-3:]}")
        assert ECC.import_key(private).curve == ECC.import_key(public).curve == curve
        assert ECC.import_key(private).public_key() == ECC.import_key(public)


@pytest.mark.parametrize("spec", PAIRS)
def test_pairs_are_kept_in_one_form_and_load(spec: KeySpec, material_of: MaterialOf) -> None:
    made = material_of(spec)
    assert parse(spec, made.secret) == made
    assert load_private_key(spec, made.secret).public_key() == load_public_key(spec, made.public_key)


@pytest.mark.parametrize("spec", KeySpec)
def test_material_of_one_spec_is_none_of_another(spec: KeySpec, material_of: MaterialOf) -> None:
    # Checking large RSA keys takes long: only the other sizes of RSA get to see them.
    for other in (each for each in KeySpec if spec.rsa_bits or each.rsa_bits <= 2048):
        made = material_of(other)
        if len(made.secret) == spec.material_size or other is spec:
            continue
        with pytest.raises(MaterialError) as caught:
            parse(spec, made.secret)
        assert caught.value.__cause__ is None
        if spec.asymmetric:
            with pytest.raises(MaterialError):
                load_private_key(spec, made.secret)
            with pytest.raises(MaterialError):
                load_public_key(spec, made.public_key)


def test_two_pairs_are_two() -> None:
    for spec in (KeySpec.ECC_NIST_P256, KeySpec.ECC_NIST_EDWARDS25519, KeySpec.SYMMETRIC_DEFAULT):
        assert generate(spec, SystemRandomness()) != generate(spec, SystemRandomness())


def der(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> SecretBytes:
    return SecretBytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def test_inconsistent_rsa_keys_are_refused(material_of: MaterialOf) -> None:
    key = load_private_key(KeySpec.RSA_2048, material_of(KeySpec.RSA_2048).secret)
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.private_numbers()

    def changed(**values: int) -> SecretBytes:
        names = ("p", "q", "d", "dmp1", "dmq1", "iqmp")
        parts = {name: values.get(name, getattr(numbers, name)) for name in names}
        private = rsa.RSAPrivateNumbers(**parts, public_numbers=numbers.public_numbers)
        return der(private.private_key(unsafe_skip_rsa_key_validation=True))

    parse(KeySpec.RSA_2048, changed())
    for wrong in ({"d": numbers.d + 2}, {"dmp1": numbers.dmp1 + 2}, {"iqmp": numbers.iqmp + 2}):
        with pytest.raises(MaterialError):
            parse(KeySpec.RSA_2048, changed(**wrong))


def test_small_public_exponents_are_refused() -> None:
    with pytest.raises(MaterialError, match="public exponent"):
        parse(KeySpec.RSA_2048, der(rsa.generate_private_key(3, 2048)))


def test_other_sizes_curves_and_encodings_are_refused(material_of: MaterialOf) -> None:
    pair = ec.generate_private_key(ec.SECP256R1())
    pem = pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made = material_of(KeySpec.ECC_NIST_P256).secret.reveal()
    for wrong in (b"", pem, made[:-1], made + b"\0", made[1:], CANARY):
        with pytest.raises(MaterialError):
            parse(KeySpec.ECC_NIST_P256, SecretBytes(wrong))
    for spec, key in (
        (KeySpec.ECC_NIST_P256, ec.generate_private_key(ec.SECP224R1())),
        (KeySpec.ECC_NIST_P256, ec.generate_private_key(ec.BrainpoolP256R1())),
    ):
        with pytest.raises(MaterialError):
            parse(spec, der(key))


@pytest.mark.parametrize("spec", [KeySpec.RSA_2048, KeySpec.RSA_4096, KeySpec.ECC_NIST_P256])
def test_the_older_forms_of_private_keys_are_refused(spec: KeySpec, material_of: MaterialOf) -> None:
    """PKCS#1 and RFC 5915, without PKCS#8 around them: AWS takes PKCS#8 alone."""
    pair = load_private_key(spec, material_of(spec).secret)
    traditional = pair.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    with pytest.raises(MaterialError, match="PKCS#8 in DER"):
        parse(spec, SecretBytes(traditional))
    assert parse(spec, der(pair)).secret == der(pair)


def test_a_private_key_without_its_point_gets_it() -> None:
    """The public point of RFC 5915 is optional: with and without it, the key is the same material."""
    key = ec.derive_private_key(7, ec.SECP256R1())
    whole = der(key).reveal()
    # Two lengths go down by the 70 bytes of [1] BIT STRING, and with them their own encodings stay as long.
    bare = bytes.fromhex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420")
    bare += (7).to_bytes(32, "big")
    assert whole != bare
    assert parse(KeySpec.ECC_NIST_P256, SecretBytes(bare)) == parse(KeySpec.ECC_NIST_P256, SecretBytes(whole))


def shown(values: list[object]) -> str:
    """Return all that repr, str, format, logging and tracebacks say of values."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.Logger("shown")
    logger.addHandler(handler)
    texts = [f"{value!r} {value!s} {value}" for value in values]
    for value in values:
        logger.error("%s %r", value, value)
    return " ".join(texts) + stream.getvalue()


def secrets_of(spec: KeySpec, made: Material) -> list[bytes]:
    """Return what is secret in material: its encoding carries the public half as well."""
    if not spec.asymmetric:
        return [made.secret.reveal()]
    key = load_private_key(spec, made.secret)
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        halves = [each.to_bytes(spec.rsa_bits // 16, "big") for each in (numbers.p, numbers.q)]
        return [numbers.d.to_bytes(spec.rsa_bits // 8, "big"), *halves]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return [key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8, "big")]
    return [key.private_bytes_raw()]


@pytest.mark.parametrize("spec", KeySpec)
def test_material_shows_nowhere_and_is_not_pickled(spec: KeySpec, material_of: MaterialOf) -> None:
    made = material_of(spec)
    values: list[object] = [made, made.secret]
    if spec.asymmetric:
        values.append(load_private_key(spec, made.secret))
    text = shown(values)
    for secret in secrets_of(spec, made):
        for piece in (secret, secret[:8], secret[-8:]):
            assert piece.hex() not in text
            assert str(piece)[2:-1] not in text
            assert str(int.from_bytes(piece, "big")) not in text
    for value in values:
        with pytest.raises(TypeError):
            pickle.dumps(value)


def test_tracebacks_of_refusals_do_not_quote_material() -> None:
    for spec in KeySpec:
        try:
            parse(spec, SecretBytes(CANARY))
        except MaterialError as error:
            text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
            assert CANARY.hex() not in text
            assert str(CANARY)[2:-1] not in text
        else:
            pytest.fail("36 bytes are no material of any spec")


def test_ed25519_seeds_are_kept_whole() -> None:
    key = Ed25519PrivateKey.generate()
    encoded = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    made = parse(KeySpec.ECC_NIST_EDWARDS25519, SecretBytes(encoded))
    assert made.secret.reveal()[-32:] == key.private_bytes_raw()
