"""Key agreement: ECDH on NIST's curves, whose cofactor is 1 (NIST SP 800-56A, section 5.7.1.2).

AWS: https://docs.aws.amazon.com/kms/latest/APIReference/API_DeriveSharedSecret.html
"""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.chassis.secret import SecretBytes
from services.kms.domain.material import MaterialError, PrivateKey, load_public_key
from services.kms.domain.specs import Algorithm, KeySpec, KeyUsage
from services.kms.domain.usage import require_algorithm
from services.kms.errors import incompatible_algorithm, invalid_field


def derive_shared_secret(
    spec: KeySpec, key: PrivateKey, algorithm: Algorithm, peer_public_key: bytes
) -> SecretBytes:
    """Return the raw shared secret: the x coordinate, as long as the field's elements.

    `peer_public_key` is SubjectPublicKeyInfo in DER. Raises DomainError(INVALID_FIELD) when it is of another
    curve, or its point not one of the curve's; INVALID_KEY_USAGE for specs that have no key agreement.
    """
    require_algorithm(spec, KeyUsage.KEY_AGREEMENT, algorithm)
    try:
        peer = load_public_key(spec, peer_public_key)
    except MaterialError as error:
        raise invalid_field("public_key", str(error)) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(peer, ec.EllipticCurvePublicKey):
        raise incompatible_algorithm(algorithm.value, spec.value)
    canonical = peer.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if len(canonical) == len(peer_public_key) and canonical != peer_public_key:
        # The hybrid form of a point, which the reader takes, must not be used: RFC 5480, section 2.2.
        raise invalid_field("public_key", "its point must not be in the hybrid form")
    try:
        return SecretBytes(key.exchange(ec.ECDH(), peer))
    except ValueError:
        raise invalid_field("public_key", f"it must be a point of the curve of {spec.value}") from None
