"""Specs and usages of keys and the algorithms that they permit, all by AWS's names.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html

What AWS has and kms has not: SM2 (China Regions only), ML_DSA_* and ML_KEM_* are no specs here, and
ED25519_PH_SHA_512 is no algorithm of ECC_NIST_EDWARDS25519, because `cryptography` offers no Ed25519ph.
"""

import enum
from collections.abc import Mapping


class KeyUsage(enum.Enum):
    """What a key is for; it never changes."""

    # Members are singletons. Python's own hashes their names, which shows where every request asks a table.
    __hash__ = object.__hash__

    ENCRYPT_DECRYPT = "ENCRYPT_DECRYPT"
    SIGN_VERIFY = "SIGN_VERIFY"
    GENERATE_VERIFY_MAC = "GENERATE_VERIFY_MAC"
    KEY_AGREEMENT = "KEY_AGREEMENT"


class Algorithm(enum.Enum):
    """What an operation does with a key. AWS has four lists of them, one for each usage."""

    __hash__ = object.__hash__

    SYMMETRIC_DEFAULT = "SYMMETRIC_DEFAULT"
    RSAES_OAEP_SHA_1 = "RSAES_OAEP_SHA_1"
    RSAES_OAEP_SHA_256 = "RSAES_OAEP_SHA_256"
    RSASSA_PKCS1_V1_5_SHA_256 = "RSASSA_PKCS1_V1_5_SHA_256"
    RSASSA_PKCS1_V1_5_SHA_384 = "RSASSA_PKCS1_V1_5_SHA_384"
    RSASSA_PKCS1_V1_5_SHA_512 = "RSASSA_PKCS1_V1_5_SHA_512"
    RSASSA_PSS_SHA_256 = "RSASSA_PSS_SHA_256"
    RSASSA_PSS_SHA_384 = "RSASSA_PSS_SHA_384"
    RSASSA_PSS_SHA_512 = "RSASSA_PSS_SHA_512"
    ECDSA_SHA_256 = "ECDSA_SHA_256"
    ECDSA_SHA_384 = "ECDSA_SHA_384"
    ECDSA_SHA_512 = "ECDSA_SHA_512"
    ED25519_SHA_512 = "ED25519_SHA_512"
    HMAC_SHA_224 = "HMAC_SHA_224"
    HMAC_SHA_256 = "HMAC_SHA_256"
    HMAC_SHA_384 = "HMAC_SHA_384"
    HMAC_SHA_512 = "HMAC_SHA_512"
    ECDH = "ECDH"


class KeySpec(enum.Enum):
    """The kind of a key's material."""

    __hash__ = object.__hash__

    SYMMETRIC_DEFAULT = "SYMMETRIC_DEFAULT"
    RSA_2048 = "RSA_2048"
    RSA_3072 = "RSA_3072"
    RSA_4096 = "RSA_4096"
    ECC_NIST_P256 = "ECC_NIST_P256"
    ECC_NIST_P384 = "ECC_NIST_P384"
    ECC_NIST_P521 = "ECC_NIST_P521"
    ECC_SECG_P256K1 = "ECC_SECG_P256K1"
    ECC_NIST_EDWARDS25519 = "ECC_NIST_EDWARDS25519"
    HMAC_224 = "HMAC_224"
    HMAC_256 = "HMAC_256"
    HMAC_384 = "HMAC_384"
    HMAC_512 = "HMAC_512"

    def __init__(self, name: str) -> None:
        """Take the name apart once: every request asks."""
        self.rsa_bits = int(name.removeprefix("RSA_")) if name.startswith("RSA_") else 0
        """Bits of the modulus; 0 for every spec that is not RSA."""
        self.asymmetric = self.rsa_bits > 0 or name.startswith("ECC_")
        """True for key pairs, which have a public half."""

    @property
    def usages(self) -> tuple[KeyUsage, ...]:
        """Usages that a key of this spec can be created for; it then has one of them."""
        return tuple(_ALGORITHMS[self])

    @property
    def default_usage(self) -> KeyUsage | None:
        """Usage of a key that is created without one. None where AWS requires it, even if there is one alone.

        AWS: https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html, KeyUsage
        """
        return KeyUsage.ENCRYPT_DECRYPT if self is KeySpec.SYMMETRIC_DEFAULT else None

    @property
    def data_key_pair(self) -> bool:
        """True when GenerateDataKeyPair makes pairs of this spec."""
        return self.asymmetric

    @property
    def importable(self) -> bool:
        """True when keys of this spec can have the origin EXTERNAL: all that kms has."""
        return True

    @property
    def rotatable(self) -> bool:
        """True when the material can be renewed, regularly or on demand."""
        return self is KeySpec.SYMMETRIC_DEFAULT

    @property
    def material_size(self) -> int:
        """Bytes of the material of symmetric and HMAC keys; 0 for key pairs, whose encoding varies.

        HMAC keys are as long as their digests (RFC 2104, section 3), made here or imported. AWS:
        https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-conceptual.html
        """
        return _MATERIAL_SIZES.get(self, 0)

    def algorithms(self, usage: KeyUsage) -> tuple[Algorithm, ...]:
        """Return the algorithms of a usage, in the order of DescribeKey; none for a usage it cannot have."""
        return _ALGORITHMS[self].get(usage, ())


_MATERIAL_SIZES: Mapping[KeySpec, int] = {
    KeySpec.SYMMETRIC_DEFAULT: 32,
    KeySpec.HMAC_224: 28,
    KeySpec.HMAC_256: 32,
    KeySpec.HMAC_384: 48,
    KeySpec.HMAC_512: 64,
}

_RSA: Mapping[KeyUsage, tuple[Algorithm, ...]] = {
    KeyUsage.ENCRYPT_DECRYPT: (Algorithm.RSAES_OAEP_SHA_1, Algorithm.RSAES_OAEP_SHA_256),
    KeyUsage.SIGN_VERIFY: (
        Algorithm.RSASSA_PKCS1_V1_5_SHA_256,
        Algorithm.RSASSA_PKCS1_V1_5_SHA_384,
        Algorithm.RSASSA_PKCS1_V1_5_SHA_512,
        Algorithm.RSASSA_PSS_SHA_256,
        Algorithm.RSASSA_PSS_SHA_384,
        Algorithm.RSASSA_PSS_SHA_512,
    ),
}


def _nist_curve(ecdsa: Algorithm) -> Mapping[KeyUsage, tuple[Algorithm, ...]]:
    return {KeyUsage.SIGN_VERIFY: (ecdsa,), KeyUsage.KEY_AGREEMENT: (Algorithm.ECDH,)}


_ALGORITHMS: Mapping[KeySpec, Mapping[KeyUsage, tuple[Algorithm, ...]]] = {
    KeySpec.SYMMETRIC_DEFAULT: {KeyUsage.ENCRYPT_DECRYPT: (Algorithm.SYMMETRIC_DEFAULT,)},
    KeySpec.RSA_2048: _RSA,
    KeySpec.RSA_3072: _RSA,
    KeySpec.RSA_4096: _RSA,
    KeySpec.ECC_NIST_P256: _nist_curve(Algorithm.ECDSA_SHA_256),
    KeySpec.ECC_NIST_P384: _nist_curve(Algorithm.ECDSA_SHA_384),
    KeySpec.ECC_NIST_P521: _nist_curve(Algorithm.ECDSA_SHA_512),
    KeySpec.ECC_SECG_P256K1: {KeyUsage.SIGN_VERIFY: (Algorithm.ECDSA_SHA_256,)},
    KeySpec.ECC_NIST_EDWARDS25519: {KeyUsage.SIGN_VERIFY: (Algorithm.ED25519_SHA_512,)},
    KeySpec.HMAC_224: {KeyUsage.GENERATE_VERIFY_MAC: (Algorithm.HMAC_SHA_224,)},
    KeySpec.HMAC_256: {KeyUsage.GENERATE_VERIFY_MAC: (Algorithm.HMAC_SHA_256,)},
    KeySpec.HMAC_384: {KeyUsage.GENERATE_VERIFY_MAC: (Algorithm.HMAC_SHA_384,)},
    KeySpec.HMAC_512: {KeyUsage.GENERATE_VERIFY_MAC: (Algorithm.HMAC_SHA_512,)},
}
