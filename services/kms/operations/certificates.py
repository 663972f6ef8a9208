"""Certificates of deletion: signed statements that a key's material is gone.

A certificate is a DSSE envelope over a JSON document. The signing key lies in the store, wrapped as material
is nowhere else: whoever has the store and custody could sign as well, and nobody else.
"""

import base64
import json
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.chassis.dsse import sign
from services.chassis.pages import Page, decode_page_token, encode_page_token
from services.kms.domain.keys import Key, KeyVersion
from services.kms.domain.names import KeyParent
from services.kms.operations.key_records import KeyChange
from services.kms.ports import RecordChange, RecordId, Records

PAYLOAD_TYPE = "application/vnd.craton.key-deletion+json"
_CERTIFICATES = "certificates"
_SIGNING_KEY = RecordId("signing-keys", "deletions", "1")
_DEFAULT_PAGE = 100


class Certificates:
    """Signs certificates and keeps them."""

    def __init__(self, records: Records) -> None:
        """Keep them in `records`."""
        self._records = records

    async def public_key(self) -> bytes:
        """Return the 32 bytes of the Ed25519 key that verifies certificates; made when first asked for."""
        private_key = await self._private_key()
        return private_key.public_key().public_bytes_raw()

    async def signer(self) -> Ed25519PrivateKey:
        """Return the key that signs them."""
        return await self._private_key()

    async def list(self, parent: KeyParent, incarnation: str, page_size: int, page_token: str) -> Page[bytes]:
        """Return one page of the certificates of keys below a parent, in the order of their ids."""
        size = page_size or _DEFAULT_PAGE
        place = _partition(parent, incarnation)
        found = await self._records.list(_CERTIFICATES, place, decode_page_token(page_token), size + 1)
        bodies = [each.body for each in found[:size]]
        more = len(found) > size
        return Page(bodies, encode_page_token(found[size - 1].id.sort) if more else "")

    async def _private_key(self) -> Ed25519PrivateKey:
        record = await self._records.get(_SIGNING_KEY)
        if record is not None:
            return Ed25519PrivateKey.from_private_bytes(record.body)
        made = Ed25519PrivateKey.generate()

        def work(change: RecordChange) -> bytes:
            existing = change.get(_SIGNING_KEY)
            if existing is not None:
                return existing.body
            change.put(_SIGNING_KEY, made.private_bytes_raw())
            return made.private_bytes_raw()

        return Ed25519PrivateKey.from_private_bytes(await self._records.change(work))


def certify(
    change: KeyChange,
    key: Key,
    versions: list[KeyVersion],
    *,
    store_id: str,
    shred_generation: int,
    when: datetime,
    signer: Ed25519PrivateKey,
) -> bytes:
    """Record the certificate of a deletion in the transaction that deletes, and return it."""
    document = {
        "key": key.name.displayed,
        "keyName": str(key.name),
        "keySpec": key.spec.value,
        "created": _text(key.created),
        "scheduledFor": "" if key.delete_at is None else _text(key.delete_at),
        "deleted": _text(when),
        "materialIds": [each.material_id for each in versions if each.material_id],
        "publicKeys": [base64.b64encode(each.public_key).decode() for each in versions if each.public_key],
        "storeId": store_id,
        # Whatever hung on the shred keys up to this one opens no more once they are destroyed.
        "destroyedShredGeneration": shred_generation,
    }
    envelope = sign(json.dumps(document, sort_keys=True).encode(), PAYLOAD_TYPE, signer)
    place = _partition(key.name.parent, key.incarnation)
    change.records.put(RecordId(_CERTIFICATES, place, key.name.key_id), envelope)
    return envelope


def _partition(parent: KeyParent, incarnation: str) -> str:
    return f"{parent} {incarnation}"


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
