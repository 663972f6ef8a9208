"""DSSE: signed envelopes (https://github.com/secure-systems-lab/dsse, protocol version 1), with Ed25519."""

import base64
import hashlib
import json
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tlog import strict_json
from tlog.errors import TlogError


class EnvelopeError(ValueError):
    """The envelope is malformed, or nobody who may sign signed it."""


def key_id(key: Ed25519PublicKey) -> str:
    """Name of a key: the SHA-256 of its 32 bytes, lower-case hex."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def sign(payload: bytes, payload_type: str, key: Ed25519PrivateKey) -> bytes:
    """Return the JSON envelope of `payload` with one signature."""
    signature = key.sign(_pre_authentication_encoding(payload_type, payload))
    envelope = {
        "payloadType": payload_type,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {"keyid": key_id(key.public_key()), "sig": base64.b64encode(signature).decode()},
        ],
    }
    return json.dumps(envelope, indent=1).encode()


def verify(envelope: bytes, payload_type: str, keys: Mapping[str, Ed25519PublicKey]) -> bytes:
    """Return the payload that one of `keys` (by key id) signed.

    Who may sign is the caller's to say, from what it knows without the payload. Raises EnvelopeError.
    """
    payload, signatures = _decode(envelope, payload_type)
    signed = _pre_authentication_encoding(payload_type, payload)
    for name, signature in signatures:
        key = keys.get(name)
        if key is None:
            continue
        try:
            key.verify(signature, signed)
        except InvalidSignature as error:
            raise EnvelopeError("the signature does not fit the payload") from error
        return payload
    raise EnvelopeError("no registered key of the provider signed this")


def _decode(envelope: bytes, payload_type: str) -> tuple[bytes, list[tuple[str, bytes]]]:
    try:
        document = strict_json.parse(envelope)
        found_type = document["payloadType"]
        payload = base64.b64decode(document["payload"], validate=True)
        signatures = [
            (str(s["keyid"]), base64.b64decode(s["sig"], validate=True)) for s in document["signatures"]
        ]
    except (TlogError, ValueError, KeyError, TypeError) as error:
        raise EnvelopeError("not a DSSE envelope") from error
    if found_type != payload_type:
        raise EnvelopeError(f"the envelope is of another type than {payload_type}")
    return payload, signatures


def _pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
