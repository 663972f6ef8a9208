"""Certificates of purged accounts: what kms signs, and anybody verifies who has its public key."""

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.chassis.dsse import EnvelopeError, key_id, verify
from tlog import strict_json
from tlog.errors import TlogError

PAYLOAD_TYPE = "application/vnd.craton.account-purge+json"


def verify_purge_certificate(envelope: bytes, public_key: bytes) -> Mapping[str, Any]:
    """Return what a certificate says that the key of these 32 bytes signed. Raises EnvelopeError."""
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
    except ValueError as error:
        raise EnvelopeError("an Ed25519 key has 32 bytes") from error
    try:
        said = strict_json.parse(verify(envelope, PAYLOAD_TYPE, {key_id(key): key}))
    except TlogError as error:
        raise EnvelopeError("what is signed is no JSON") from error
    if not isinstance(said, dict):
        raise EnvelopeError("what is signed is no certificate")
    return said
