"""Key material: making it, encoding it, and loading it for use.

Symmetric and HMAC material are the bare bytes. Key pairs are kept as PKCS#8 (RFC 5208) and their public
halves as SubjectPublicKeyInfo (RFC 5280), both in DER.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.domain.specs import KeySpec

PrivateKey = RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey
PublicKey = RSAPublicKey | ec.EllipticCurvePublicKey | Ed25519PublicKey

_CURVES: Mapping[KeySpec, type[ec.EllipticCurve]] = {
    KeySpec.ECC_NIST_P256: ec.SECP256R1,
    KeySpec.ECC_NIST_P384: ec.SECP384R1,
    KeySpec.ECC_NIST_P521: ec.SECP521R1,
    KeySpec.ECC_SECG_P256K1: ec.SECP256K1,
}
_PUBLIC_EXPONENT = 65_537
_MIN_EXPONENT, _MAX_EXPONENT = 1 << 16, 1 << 256
"""Between these lies a public exponent, both excluded (FIPS 186-5, appendix A.1.1)."""


class MaterialError(Exception):
    """The bytes are not material of the spec. The message quotes nothing of them."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a key version is made of."""

    secret: SecretBytes
    """Bare bytes, or PKCS#8 in DER."""
    public_key: bytes = b""
    """SubjectPublicKeyInfo in DER; empty where there is no public half."""


def generate(spec: KeySpec, randomness: Randomness) -> Material:
    """Make material of a spec.

    Symmetric and HMAC material comes from `randomness`. Key pairs come from `cryptography`'s generators,
    which draw from OpenSSL's own generator: it notices a fork and reseeds from the kernel. RSA_4096 takes
    seconds of one core.
    """
    if not spec.asymmetric:
        return Material(SecretBytes(randomness.token_bytes(spec.material_size)))
    key: PrivateKey
    if spec.rsa_bits:
        key = generate_private_key(_PUBLIC_EXPONENT, spec.rsa_bits)
    elif spec in _CURVES:
        key = ec.generate_private_key(_CURVES[spec]())
    else:
        key = Ed25519PrivateKey.generate()
    return _encoded(key)


def parse(spec: KeySpec, secret: SecretBytes) -> Material:
    """Check material from outside, and return it in the one form in which it is kept.

    Key pairs are read from PKCS#8 (RFC 5208) in DER, with curves by name alone, and are checked for
    consistency: the primes of RSA, the public point on the curve and of the private key. Raises
    MaterialError.
    """
    if not spec.asymmetric:
        if len(secret) != spec.material_size:
            raise MaterialError(f"{spec.value} takes {spec.material_size} bytes")
        return Material(SecretBytes(secret.reveal()))
    key = _of_spec(spec, _read_private(spec, secret, checked=True))
    if not _is_pkcs8(secret.reveal()):
        raise _wrong_form(spec)
    return _encoded(key)


def load_private_key(spec: KeySpec, secret: SecretBytes) -> PrivateKey:
    """Load the private key out of material that `generate` or `parse` returned; it may be used by any thread.

    RSA keys are not checked again, which would cost more than a signature: what `generate` made is right,
    what `parse` returned was checked, and the store returns nothing else. Raises MaterialError.
    """
    return _of_spec(spec, _read_private(spec, secret, checked=False))


def load_public_key(spec: KeySpec, encoded: bytes) -> PublicKey:
    """Load a public key from SubjectPublicKeyInfo in DER. Raises MaterialError unless it is of the spec."""
    try:
        key = load_der_public_key(encoded)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise MaterialError(f"it must be a public key of {spec.value} in DER") from None
    if spec.rsa_bits and isinstance(key, RSAPublicKey) and key.key_size == spec.rsa_bits:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and _is_curve(spec, key.curve):
        return key
    if spec is KeySpec.ECC_NIST_EDWARDS25519 and isinstance(key, Ed25519PublicKey):
        return key
    raise MaterialError(f"it must be a public key of {spec.value} in DER")


def _read_private(spec: KeySpec, secret: SecretBytes, *, checked: bool) -> object:
    # The causes are left out everywhere: nothing promises that their texts quote no key.
    try:
        return load_der_private_key(
            secret.reveal(), password=None, unsafe_skip_rsa_key_validation=not checked
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _wrong_form(spec) from None


def _is_pkcs8(der: bytes) -> bool:
    """Tell a key that was read from its older forms, PKCS#1 and SEC 1, which the reader takes as well.

    Behind the version stands the algorithm, a SEQUENCE (RFC 5208, section 5), in them a number or bytes.
    """
    version = 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)
    return der[version : version + 2] == b"\x02\x01" and der[version + 3 : version + 4] == b"\x30"


def _wrong_form(spec: KeySpec) -> MaterialError:
    return MaterialError(f"{spec.value} takes a private key of this spec as PKCS#8 in DER")


def _of_spec(spec: KeySpec, key: object) -> PrivateKey:
    if spec.rsa_bits and isinstance(key, RSAPrivateKey) and key.key_size == spec.rsa_bits:
        if not _MIN_EXPONENT < key.public_key().public_numbers().e < _MAX_EXPONENT:
            raise MaterialError("the public exponent must lie between 2^16 and 2^256")
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and _is_curve(spec, key.curve):
        return key
    if spec is KeySpec.ECC_NIST_EDWARDS25519 and isinstance(key, Ed25519PrivateKey):
        return key
    raise _wrong_form(spec)


def _is_curve(spec: KeySpec, curve: ec.EllipticCurve) -> bool:
    return spec in _CURVES and isinstance(curve, _CURVES[spec])


def _encoded(key: PrivateKey) -> Material:
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Material(SecretBytes(private), public)
