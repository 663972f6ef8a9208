"""When access keys were used last.

Edge asks for every key again at least every five seconds of its use, because it leases the derived key for
no longer: those questions are the uses that are noted here, and none of them is written down by itself.
AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html
"""

import asyncio

from services.auth.domain.account_details import KeyUse
from services.auth.domain.identity import Entity, EntityKind
from services.auth.domain.records import AccessKey, PrincipalState
from services.auth.errors import access_key_not_found
from services.auth.operations.entities import IdentityAdmission
from services.auth.ports.account import KeyUseStore
from services.chassis.arn import root_arn
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.logs import Log
from services.chassis.pipeline import require_principal
from services.chassis.sigv4 import Credential

WRITE_S = 60.0
"""How often uses are written down: another replica tells of one at most this much later."""

_log = Log("key-uses")


class KeyUses:
    """Notes uses in memory, and writes the last one of each key down once a minute."""

    def __init__(self, store: KeyUseStore, clock: Clock) -> None:
        """Keep uses in `store`."""
        self._store = store
        self._clock = clock
        self._noted: dict[str, KeyUse] = {}

    def note(self, state: PrincipalState, credential: Credential) -> None:
        """Note that a signature of a key was verified; temporary credentials are nobody's keys."""
        if state.session is None:
            key_id = credential.access_key_id
            self._noted[key_id] = KeyUse(key_id, self._clock.now(), credential.region, credential.service)

    async def key_and_use(self, access_key_id: str) -> tuple[AccessKey, KeyUse | None] | None:
        """Return a key with its last use, written down or not; None for a key that is not known."""
        found = await self._store.key_and_use(access_key_id)
        if found is None:
            return None
        key, written = found
        noted = self._noted.get(access_key_id)
        uses = [use for use in (written, noted) if use is not None]
        return key, max(uses, key=lambda use: use.used_at, default=None)

    async def write(self) -> None:
        """Write down what was noted. What cannot be written stays noted."""
        noted, self._noted = self._noted, {}
        if not noted:
            return
        try:
            await self._store.record_uses(list(noted.values()))
        except Exception as error:
            _log.error("key_uses_not_written", error=error)
            self._noted = {**noted, **self._noted}

    async def run(self) -> None:
        """Write every minute, for ever."""
        while True:
            await asyncio.sleep(WRITE_S)
            await self.write()


class LastUses:
    """Tells when keys of the caller's account were used last."""

    def __init__(self, uses: KeyUses, admission: IdentityAdmission, partition: str) -> None:
        """Know uses from `uses`."""
        self._uses = uses
        self._admission = admission
        self._partition = partition

    async def last(self, call: CallContext, access_key_id: str) -> tuple[AccessKey, KeyUse | None]:
        """Return a key with its last use (iam:GetAccessKeyLastUsed, on the key's user).

        Raises DomainError(RESOURCE_NOT_FOUND) for a key that the account does not have, when the caller may
        ask about a user without a name, and ACCESS_DENIED otherwise.
        """
        action = "iam:GetAccessKeyLastUsed"
        found = await self._uses.key_and_use(access_key_id)
        if found is not None and found[0].account_id != require_principal(call).account_id:
            # Of another account: nothing about it, not even whose it is, goes into a decision or an answer.
            found = None
        key = None if found is None else found[0]
        if key is not None and key.user is None:
            await self._admission.admit_any(call, action, root_arn(key.account_id, self._partition))
        else:
            owner = "" if key is None or key.user is None else key.user.user_name
            await self._admission.admit(call, action, Entity(EntityKind.USER, owner))
        if found is None:
            raise access_key_not_found(access_key_id)
        return found
