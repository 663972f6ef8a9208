"""Material that its owner brings, for keys of the origin EXTERNAL.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.domain.imports import (
    Destination,
    ImportParameters,
    import_material,
    make_import_parameters,
    material_id,
    parse_wrapping,
)
from services.kms.domain.keys import Key, KeyOrigin, KeyState, KeyVersion
from services.kms.domain.names import KeyName
from services.kms.domain.request_facts import NO_FACTS, RequestFacts
from services.kms.domain.specs import KeySpec
from services.kms.errors import incorrect_material, invalid_field, key_not_found, unsupported
from services.kms.operations.access import Access
from services.kms.operations.key_records import KeyChange, KeyRecords
from services.kms.operations.keys import Keys, require_managed, require_not
from services.kms.operations.material_store import MaterialStore
from services.kms.operations.pages import Pages
from services.kms.ports import KeyRevocations

_LONGEST = timedelta(days=365)
_VERSION = 1
_AT_ONCE = 100


class Imports:
    """Imports material, and takes it away again."""

    def __init__(
        self,
        records: KeyRecords,
        material: MaterialStore,
        pages: Pages,
        access: Access,
        revocations: KeyRevocations,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """Import into the keys of `records`."""
        self._records = records
        self._keys = Keys(records, access)
        self._material = material
        self._pages = pages
        self._revocations = revocations
        self._clock = clock
        self._randomness = randomness

    async def parameters(
        self, call: CallContext, name: KeyName, algorithm: str, wrapping_spec: KeySpec
    ) -> ImportParameters:
        """Make a wrapping key for 24 hours (kms:GetParametersForImport)."""
        wrapping = parse_wrapping(algorithm)
        facts = RequestFacts(wrapping_algorithm=algorithm, wrapping_key_spec=wrapping_spec.value)
        key = await self._external(call, name, "kms:GetParametersForImport", facts)
        return await asyncio.to_thread(
            make_import_parameters,
            _destination(key),
            wrapping,
            wrapping_spec,
            self._sealing_key(key),
            self._clock.now(),
            self._randomness,
        )

    async def import_material(
        self, call: CallContext, name: KeyName, token: bytes, encrypted: bytes, expires: datetime | None
    ) -> str:
        """Give a key its material, always the same (kms:ImportKeyMaterial). Returns the material's id."""
        now = self._clock.now()
        if expires is not None and not now < expires <= now + _LONGEST:
            raise invalid_field("expire_time", "must lie ahead, by 365 days at most")
        facts = RequestFacts(import_material=True, expires=expires)
        key = await self._external(call, name, "kms:ImportKeyMaterial", facts)
        made = await asyncio.to_thread(
            import_material, _destination(key), token, encrypted, self._sealing_key(key), now
        )
        identity = material_id(_destination(key), made, SecretBytes(bytes.fromhex(key.naming)))
        version = KeyVersion(_VERSION, b"", now, identity, public_key=made.public_key)

        def write(change: KeyChange, wrapped: KeyVersion) -> None:
            current, before = change.key(name), change.version(name, _VERSION)
            if current is None:
                raise key_not_found(name.displayed)
            require_not(current, KeyState.PENDING_DELETION)
            if before is not None and before.material_id != identity:
                raise incorrect_material("this key has had other material: only that can be imported again")
            state = KeyState.ENABLED if current.state is KeyState.PENDING_IMPORT else current.state
            change.put_version(name, wrapped)
            change.put_key(replace(current, state=state, expires_at=expires))

        await self._material.add(key, version, made.secret, write)
        return identity if key.spec.rotatable else ""

    async def delete(self, call: CallContext, name: KeyName) -> None:
        """Take the material away (kms:DeleteImportedKeyMaterial). The same can be imported again."""
        await self._external(call, name, "kms:DeleteImportedKeyMaterial", refused=())
        await self._remove(name, expired=False)

    async def expire_due(self) -> int:
        """Take away what has expired, and return of how many keys. For a background task."""
        now = self._clock.now()
        due = await self._records.due("expiry", now, _AT_ONCE)
        for name in due:
            await self._remove(name, expired=True)
        return len(due)

    async def _remove(self, name: KeyName, *, expired: bool) -> None:
        """Take material away, only what has expired when that is `expired`."""

        def work(change: KeyChange) -> None:
            key = change.key(name)
            if key is not None and not expired:
                change.take_material(key)

        await self._records.change(work)
        self._material.forget(name)
        await self._revocations.revoke(name)

    async def _external(
        self,
        call: CallContext,
        name: KeyName,
        action: str,
        facts: RequestFacts = NO_FACTS,
        refused: Sequence[KeyState] = (KeyState.PENDING_DELETION,),
    ) -> Key:
        key = await self._keys.admit(call, str(name), action, facts)
        require_managed(key)
        if key.origin is not KeyOrigin.EXTERNAL:
            raise unsupported(
                f"{key.name.displayed} origin is AWS_KMS which is not valid for this operation."
            )
        require_not(key, *refused)
        return key

    def _sealing_key(self, key: Key) -> SecretBytes:
        # Of the page's key, which is replaced when a key of the page is deleted: a token dies with it.
        derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"craton-kms import tokens v1")
        return SecretBytes(derivation.derive(self._pages.key(key.page).secret.reveal()))


def _destination(key: Key) -> Destination:
    return Destination(str(key.name), key.incarnation, key.spec)
