"""Making keys, with their first material."""

import asyncio
from collections.abc import Callable

from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.domain.keys import Key, KeyOrigin, KeyVersion
from services.kms.domain.material import generate
from services.kms.errors import invalid_field
from services.kms.operations.key_records import KeyChange, KeyRecords
from services.kms.operations.material_store import MaterialStore

Existing = Callable[[KeyChange, Key], Key | None]
"""Called in the transaction that makes a key: returns the key that stands in its place, if there is one."""


async def make_key(
    records: KeyRecords,
    material: MaterialStore,
    key: Key,
    randomness: Randomness,
    existing: Existing | None = None,
) -> Key:
    """Make a key as it is described, with material unless that is to be imported.

    Without `existing`, a key of this name, or one that the same request id has created, is returned instead.
    """
    secret, public_key = SecretBytes(b""), b""
    if key.origin is KeyOrigin.KMS:
        # An RSA key takes seconds to find.
        made = await asyncio.to_thread(generate, key.spec, randomness)
        secret, public_key = made.secret, made.public_key
    version = KeyVersion(1, b"", key.created, new_material_id(key, randomness), public_key=public_key)

    found = await material.create(key, version, secret, existing or _same)
    if found is None:
        return await records.named(key.name)
    if key.request_id and _wanted(found) != _wanted(key):
        raise invalid_field("request_id", "it was used before with other parameters")
    return found


def _same(change: KeyChange, key: Key) -> Key | None:
    existing = change.key(key.name)
    if key.request_id and existing is None:
        before = change.requested(key.name.parent, key.incarnation, key.request_id)
        existing = None if before is None else change.key(before)
    if existing is None and key.request_id:
        change.put_request(key)
    return existing


def new_material_id(key: Key, randomness: Randomness) -> str:
    """Return the id of material that is made here; only that of symmetric keys has one."""
    return randomness.token_bytes(32).hex() if key.spec.rotatable else ""


def _wanted(key: Key) -> tuple[object, ...]:
    return key.description, key.spec, key.usage, key.origin, key.policy, key.tags
