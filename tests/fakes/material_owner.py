"""Somebody who brings key material into kms, wrapping it by another library than kms has."""

import secrets
from datetime import UTC, datetime

from Crypto.Cipher import AES, PKCS1_OAEP
from Crypto.Hash import SHA1, SHA256
from Crypto.PublicKey import RSA

from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.domain.imports import (
    Destination,
    ImportParameters,
    WrappingAlgorithm,
    import_material,
    make_import_parameters,
)
from services.kms.domain.material import Material
from services.kms.domain.specs import KeySpec

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SEALING_KEY = SecretBytes(bytes(range(32)))
KEY_NAME = "accounts/123456789012/regions/us-east-1/keys/1b9c6ef0-0000-4000-8000-000000000001"


def destination(spec: KeySpec) -> Destination:
    """Return a key of a spec that waits for its material."""
    return Destination(KEY_NAME, "incarnation", spec)


def wrap(algorithm: WrappingAlgorithm, public_key: bytes, material: bytes) -> bytes:
    """Encrypt material under a wrapping key, as AWS's guide says."""
    digest = SHA1 if algorithm.value.endswith("SHA_1") else SHA256
    oaep = PKCS1_OAEP.new(RSA.import_key(public_key), digest)
    if not algorithm.wraps_through_aes:
        return oaep.encrypt(material)
    key = secrets.token_bytes(32)
    return oaep.encrypt(key) + AES.new(key, AES.MODE_KWP).seal(material)


def wrapping_algorithms(spec: KeySpec) -> tuple[WrappingAlgorithm, ...]:
    """Return the algorithms that wrap material of a spec under RSA_2048."""
    short = not spec.rsa_bits and spec is not KeySpec.ECC_NIST_P521
    return tuple(each for each in WrappingAlgorithm if short or each.wraps_through_aes)


class MaterialOwner:
    """Keeps the parameters of an import, as an owner may for 24 hours: making them costs an RSA key."""

    def __init__(self) -> None:
        self._parameters: dict[tuple[KeySpec, WrappingAlgorithm], ImportParameters] = {}

    def parameters(self, spec: KeySpec, algorithm: WrappingAlgorithm) -> ImportParameters:
        """Return the parameters for material of a spec."""
        known = self._parameters.get((spec, algorithm))
        if known is None:
            known = make_import_parameters(
                destination(spec), algorithm, KeySpec.RSA_2048, SEALING_KEY, NOW, SystemRandomness()
            )
            self._parameters[spec, algorithm] = known
        return known

    def bring(self, spec: KeySpec, material: bytes, algorithm: WrappingAlgorithm) -> Material:
        """Wrap material and import it. Raises what `import_material` raises."""
        parameters = self.parameters(spec, algorithm)
        wrapped = wrap(algorithm, parameters.public_key, material)
        return import_material(destination(spec), parameters.token, wrapped, SEALING_KEY, NOW)
