"""Making access keys: the one place where a new secret exists in the clear."""

from dataclasses import dataclass

from services.auth.domain.ids import new_access_key_id, new_secret
from services.auth.domain.records import AccessKey, KeyStatus, User
from services.auth.operations.signatures import secret_context
from services.auth.ports.credentials import Sealer
from services.chassis.clock import Clock
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes


@dataclass(frozen=True, slots=True)
class NewKey:
    """An access key with its secret, which is shown once."""

    key: AccessKey
    secret: SecretBytes


class KeyMaker:
    """Makes and opens access keys."""

    def __init__(self, sealer: Sealer, clock: Clock, randomness: Randomness) -> None:
        """Seal secrets with `sealer`."""
        self._sealer = sealer
        self._clock = clock
        self._randomness = randomness

    async def make(self, account_id: str, user: User | None) -> NewKey:
        """Make a key of a user, or of root. It counts only once it is stored."""
        secret = new_secret(self._randomness)
        key = AccessKey(
            access_key_id=new_access_key_id(self._randomness),
            account_id=account_id,
            user=user,
            status=KeyStatus.ACTIVE,
            sealed_secret=b"",
            created_at=self._clock.now(),
        )
        sealed = await self._sealer.seal(secret, secret_context(key))
        stored = AccessKey(key.access_key_id, account_id, user, key.status, sealed, key.created_at)
        return NewKey(stored, secret)

    async def open(self, key: AccessKey) -> NewKey:
        """Open a stored key's secret: only to repeat an answer that was lost on its way."""
        return NewKey(key, await self._sealer.open(key.sealed_secret, secret_context(key)))
