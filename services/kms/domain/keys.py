"""Keys: their classes, states and versions."""

import enum
from dataclasses import dataclass, replace
from datetime import datetime

from services.kms.domain.names import KeyName
from services.kms.domain.specs import KeySpec, KeyUsage

MATERIAL_SIZE = 32
"""Bytes of a symmetric key's material: an AES-256 key's worth of entropy for HKDF to derive from."""


class KeyState(enum.Enum):
    """What a key may be used for, by AWS's names.

    AWS: https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
    """

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    PENDING_DELETION = "PendingDeletion"
    PENDING_IMPORT = "PendingImport"


class KeyOrigin(enum.Enum):
    """Where a key's material comes from."""

    KMS = "AWS_KMS"
    EXTERNAL = "EXTERNAL"


class KeyManager(enum.Enum):
    """Who looks after a key."""

    CUSTOMER = "CUSTOMER"
    """Its account, or the provider or service that it belongs to."""
    SERVICE = "AWS"
    """A service of Craton on the account's behalf."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key's record, without its material."""

    name: KeyName
    incarnation: str
    """Incarnation of the account that created a customer key; empty for the others.

    A purged account id that is used again has another incarnation and does not get at these keys.
    """
    state: KeyState
    description: str
    created: datetime
    primary_version: int
    """Version that encrypts now, from 1; earlier ones only decrypt."""
    spec: KeySpec = KeySpec.SYMMETRIC_DEFAULT
    usage: KeyUsage = KeyUsage.ENCRYPT_DECRYPT
    origin: KeyOrigin = KeyOrigin.KMS
    manager: KeyManager = KeyManager.CUSTOMER
    page: int = 0
    """Number of the page whose key the material is wrapped under."""
    policy: str = ""
    """The key policy as it was written; empty for keys of providers and services, which have none."""
    tags: tuple[tuple[str, str], ...] = ()
    """In the order of their keys."""
    delete_at: datetime | None = None
    """When it will be deleted; set in PENDING_DELETION alone."""
    pending_days: int = 0
    rotation_days: int = 0
    """Days between two renewals of the material; 0 for none."""
    rotate_at: datetime | None = None
    """When the material is renewed next."""
    expires_at: datetime | None = None
    """When imported material expires."""
    naming: str = ""
    """Names imported material: a random key, in hex, so that an id says nothing about its material."""
    request_id: str = ""
    """Of the call that created it."""


def without_material(key: Key) -> Key:
    """Return a key whose imported material is gone: it waits for the same material again."""
    usable = key.state in (KeyState.ENABLED, KeyState.DISABLED)
    return replace(key, state=KeyState.PENDING_IMPORT if usable else key.state, expires_at=None)


def as_of(key: Key, now: datetime) -> Key:
    """Return a key as it is at a moment: its material may have expired before anybody noted that."""
    expired = key.expires_at is not None and key.expires_at <= now
    return without_material(key) if expired else key


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """One version of a key's material, wrapped under the key of the key's page."""

    number: int
    wrapped: bytes
    """Empty when imported material has expired or was deleted."""
    created: datetime
    material_id: str = ""
    """64 hex digits; the same for the same material of the same key."""
    on_demand: bool = False
    """True when somebody asked for this renewal."""
    public_key: bytes = b""
    """SubjectPublicKeyInfo in DER, of asymmetric keys."""


def wrapping_context(key: Key, number: int) -> bytes:
    """Bytes that the wrapped material of a version is bound to, as additional authenticated data.

    A wrapped version that is moved to another key, account incarnation or version does not open.
    """
    parts = [
        b"craton-kms key material v2",
        str(key.name).encode(),
        key.incarnation.encode(),
        key.spec.value.encode(),
    ]
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts) + number.to_bytes(4, "big")
