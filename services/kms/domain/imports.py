"""Importing key material: a wrapping key for 24 hours, its token, and what comes back wrapped under it.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html

The private half of a wrapping key lies nowhere but inside its token, sealed under a key of the service. The
token is bound to the key that it was made for, and says itself how material is wrapped and until when.
Whoever recorded token and wrapped material can open neither without that sealing key: it MUST be one that
dies with the deleted key, or it would keep what deletion destroys.
"""

import enum
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding

from services.chassis.errors import DomainError
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.domain.asymmetric_encryption import oaep
from services.kms.domain.ciphertext import Ciphertext
from services.kms.domain.envelope import decrypt, encrypt
from services.kms.domain.material import Material, MaterialError, generate, load_private_key, parse
from services.kms.domain.specs import KeySpec
from services.kms.errors import (
    expired_import_token,
    incorrect_material,
    invalid_ciphertext,
    invalid_field,
    invalid_import_token,
    unsupported_wrapping,
)

VALIDITY = timedelta(hours=24)
"""How long a token can be used."""

_TOKEN_VERSION = 0
"""Stands where ciphertexts of keys name a version, from 1: a token never passes for one of them."""
_EXPIRY_SIZE = 8
_AES_KEY_SIZE = 32


class WrappingAlgorithm(enum.Enum):
    """How material is encrypted under the wrapping key, by AWS's names."""

    RSAES_OAEP_SHA_1 = "RSAES_OAEP_SHA_1"
    RSAES_OAEP_SHA_256 = "RSAES_OAEP_SHA_256"
    RSA_AES_KEY_WRAP_SHA_1 = "RSA_AES_KEY_WRAP_SHA_1"
    RSA_AES_KEY_WRAP_SHA_256 = "RSA_AES_KEY_WRAP_SHA_256"

    @property
    def wraps_through_aes(self) -> bool:
        """True when RSA encrypts an AES-256 key, and AES-KWP (RFC 5649) under that key the material."""
        return self.value.startswith("RSA_AES_KEY_WRAP_")

    @property
    def digest(self) -> type[SHA1 | SHA256]:
        """The hash of OAEP and its mask."""
        return SHA1 if self.value.endswith("SHA_1") else SHA256


@dataclass(frozen=True, slots=True)
class Destination:
    """The key that material is imported into. A token made for one opens for no other."""

    key_name: str
    incarnation: str
    """As in Key."""
    spec: KeySpec


@dataclass(frozen=True, slots=True)
class ImportParameters:
    """What the owner of the material is given."""

    token: bytes
    public_key: bytes
    """SubjectPublicKeyInfo in DER."""
    expires: datetime


def parse_wrapping(name: str) -> WrappingAlgorithm:
    """Return the algorithm of a name. Raises DomainError(INVALID_FIELD)."""
    try:
        return WrappingAlgorithm(name)
    except ValueError:
        names = ", ".join(each.value for each in WrappingAlgorithm)
        raise invalid_field("wrapping_algorithm", f"must be one of {names}") from None


def make_import_parameters(
    destination: Destination,
    algorithm: WrappingAlgorithm,
    wrapping_spec: KeySpec,
    sealing_key: SecretBytes,
    now: datetime,
    randomness: Randomness,
) -> ImportParameters:
    """Make a wrapping key of an RSA spec, and the token that holds its private half.

    Takes as long as making an RSA key: for 4,096 bits some seconds of one core. Raises
    DomainError(UNSUPPORTED_OPERATION) when material of the destination does not fit the algorithm, and
    INVALID_FIELD when the wrapping spec is none of RSA.
    """
    if not wrapping_spec.rsa_bits:
        raise invalid_field("wrapping_key_spec", "must be RSA_2048, RSA_3072 or RSA_4096")
    if not _fits(destination.spec, algorithm, wrapping_spec):
        raise unsupported_wrapping(algorithm.value, wrapping_spec.value, destination.spec.value)
    # Whole seconds: the caller is told the very moment that the token holds.
    expires = (now + VALIDITY).astimezone(UTC).replace(microsecond=0)
    pair = generate(wrapping_spec, randomness)
    content = _Content(int(expires.timestamp()), algorithm, wrapping_spec, pair.secret)
    token = encrypt(
        sealing_key,
        destination.key_name,
        _TOKEN_VERSION,
        SecretBytes(content.encode()),
        _binding(destination),
        randomness,
    )
    return ImportParameters(token, pair.public_key, expires)


def import_material(
    destination: Destination,
    token: bytes,
    encrypted_material: bytes,
    sealing_key: SecretBytes,
    now: datetime,
) -> Material:
    """Open the token and with it the material, and check that it is what the destination takes.

    Raises DomainError: INVALID_IMPORT_TOKEN for a token that was not made for this destination under this
    sealing key, EXPIRED_IMPORT_TOKEN, INVALID_CIPHERTEXT for what was not wrapped under the token's key by
    its algorithm, INCORRECT_KEY_MATERIAL for what is no material of the destination's spec.
    """
    content = _open_token(destination, token, sealing_key)
    if now.timestamp() >= content.expires:
        raise expired_import_token()
    secret = _unwrap(content, encrypted_material)
    try:
        return parse(destination.spec, secret)
    except MaterialError as error:
        raise incorrect_material(str(error)) from None


def material_id(destination: Destination, material: Material, naming_key: SecretBytes) -> str:
    """Return 64 hex digits: the same for the same material of the same key, and nothing else about it.

    HMAC-SHA-256 under `naming_key`, so that material its owner chose badly cannot be guessed from it.
    """
    computation = HMAC(naming_key.reveal(), SHA256())
    parts = (
        b"craton-kms material id v1",
        destination.key_name.encode(),
        destination.incarnation.encode(),
        destination.spec.value.encode(),
    )
    computation.update(b"".join(len(part).to_bytes(2, "big") + part for part in parts))
    computation.update(material.secret.reveal())
    return computation.finalize().hex()


@dataclass(frozen=True, slots=True)
class _Content:
    """What a token seals."""

    expires: int
    """Seconds since 1970."""
    algorithm: WrappingAlgorithm
    wrapping_spec: KeySpec
    private_key: SecretBytes

    def encode(self) -> bytes:
        names = (self.algorithm.value.encode(), self.wrapping_spec.value.encode())
        return (
            self.expires.to_bytes(_EXPIRY_SIZE, "big")
            + b"".join(len(name).to_bytes(1, "big") + name for name in names)
            + self.private_key.reveal()
        )

    @classmethod
    def decode(cls, encoded: bytes) -> "_Content":
        """Read what `encode` wrote: the seal says that it did."""
        at, names = _EXPIRY_SIZE, []
        for _ in range(2):
            end = at + 1 + encoded[at]
            names.append(encoded[at + 1 : end].decode("ascii"))
            at = end
        expires = int.from_bytes(encoded[:_EXPIRY_SIZE], "big")
        return cls(expires, WrappingAlgorithm(names[0]), KeySpec(names[1]), SecretBytes(encoded[at:]))


def _fits(spec: KeySpec, algorithm: WrappingAlgorithm, wrapping_spec: KeySpec) -> bool:
    """AWS: the private keys of RSA, and of P-521 under RSA_2048, are too long for OAEP alone.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html, WrappingAlgorithm
    """
    if algorithm.wraps_through_aes:
        return True
    long = spec is KeySpec.ECC_NIST_P521 and wrapping_spec is KeySpec.RSA_2048
    return not spec.rsa_bits and not long


def _binding(destination: Destination) -> dict[str, str]:
    return {
        "purpose": "craton-kms import token",
        "incarnation": destination.incarnation,
        "spec": destination.spec.value,
    }


def _open_token(destination: Destination, token: bytes, sealing_key: SecretBytes) -> _Content:
    try:
        sealed = Ciphertext.parse(token)
        header = sealed.header
        if (header.key_name, header.key_version) != (destination.key_name, _TOKEN_VERSION):
            raise invalid_import_token()
        return _Content.decode(decrypt(sealing_key, sealed, _binding(destination)).reveal())
    except DomainError:
        raise invalid_import_token() from None


def _unwrap(content: _Content, encrypted: bytes) -> SecretBytes:
    key = load_private_key(content.wrapping_spec, content.private_key)
    if not isinstance(key, RSAPrivateKey):
        raise invalid_import_token()
    padding = oaep(content.algorithm.digest())
    try:
        if not content.algorithm.wraps_through_aes:
            return SecretBytes(key.decrypt(encrypted, padding))
        size = content.wrapping_spec.rsa_bits // 8
        wrapping = SecretBytes(key.decrypt(encrypted[:size], padding))
        if len(wrapping) != _AES_KEY_SIZE:
            raise invalid_ciphertext()
        return SecretBytes(aes_key_unwrap_with_padding(wrapping.reveal(), encrypted[size:]))
    except (ValueError, InvalidUnwrap):
        raise invalid_ciphertext() from None
