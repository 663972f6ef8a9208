"""The keys that sign principal tokens: made at the first boot, sealed, replaced before they grow old."""

import asyncio
import itertools
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.auth.domain.records import TokenKeyRecord
from services.auth.ports.credentials import CredentialStore, Sealer
from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.chassis.tokens import SigningKey

RETIRED_LIFE = timedelta(minutes=10)
"""How long a replaced key still verifies: ten times the life of a token."""

_RELOAD_S = 1.0
"""Unknown key ids cause at most one reading of the store in this time."""

_ROTATION_CHECK_S = 60.0


class Keyring:
    """The current signing key and every public key that still verifies. Also auth's own TokenKeySource."""

    def __init__(
        self,
        store: CredentialStore,
        sealer: Sealer,
        clock: Clock,
        randomness: Randomness,
        rotate_after: timedelta,
    ) -> None:
        """Start empty; `ready` opens or makes the first key."""
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._randomness = randomness
        self._rotate_after = rotate_after
        self._signing: SigningKey | None = None
        self._public: dict[str, Ed25519PublicKey] = {}
        self._read_at = float("-inf")
        self._lock = asyncio.Lock()

    @property
    def signing_key(self) -> SigningKey:
        """The key that signs now. Raises RuntimeError before `ready` has returned True."""
        if self._signing is None:
            raise RuntimeError("the signing key has not been opened yet")
        return self._signing

    def public_keys(self) -> dict[str, Ed25519PublicKey]:
        """Return every key that verifies now, the current one first."""
        return dict(self._public)

    async def find(self, key_id: str) -> Ed25519PublicKey | None:
        """Return a public key; another replica's new key is found by reading the store again."""
        found = self._public.get(key_id)
        now = self._clock.boottime()
        if found is None and now - self._read_at >= _RELOAD_S:
            # Noted before the attempt, so that failing ones are bounded as well.
            self._read_at = now
            await self.refresh()
            found = self._public.get(key_id)
        return found

    async def ready(self) -> bool:
        """Open the signing key, making it at the first boot. False while kms does not answer."""
        if self._signing is None:
            try:
                await self.refresh()
            except DomainError:
                return False
        return self._signing is not None

    async def run(self) -> None:
        """Replace the key when it is due, and follow other replicas, while the service lives."""
        while True:
            await asyncio.sleep(_ROTATION_CHECK_S)
            try:
                await self.refresh()
            except DomainError:
                # kms or the database is away: the keys in memory go on working.
                continue

    async def refresh(self) -> None:
        """Bring memory and store together. Raises DomainError when kms or the store is away."""
        async with self._lock:
            keys = await self._store.token_keys()
            now = self._clock.now()
            if not keys or now - keys[0].created_at > self._rotate_after:
                await self._store.replace_token_key(await self._make(), keys[0].key_id if keys else None)
                # Whoever was faster, the newest in the store is the one to use.
                keys = await self._store.token_keys()
            newest = keys[0]
            if self._signing is None or self._signing.key_id != newest.key_id:
                self._signing = await self._open(newest)
            live = _verifying(keys, now - RETIRED_LIFE)
            self._public = {key.key_id: Ed25519PublicKey.from_public_bytes(key.public_key) for key in live}
            self._read_at = self._clock.boottime()
            await self._store.delete_token_keys([key.key_id for key in keys[len(live) :]])

    async def _make(self) -> TokenKeyRecord:
        seed = SecretBytes(self._randomness.token_bytes(32))
        key_id = self._randomness.token_bytes(8).hex()
        public = Ed25519PrivateKey.from_private_bytes(seed.reveal()).public_key()
        sealed = await self._sealer.seal(seed, _context(key_id))
        return TokenKeyRecord(key_id, public.public_bytes_raw(), sealed, self._clock.now())

    async def _open(self, record: TokenKeyRecord) -> SigningKey:
        seed = await self._sealer.open(record.sealed_private_key, _context(record.key_id))
        return SigningKey(record.key_id, Ed25519PrivateKey.from_private_bytes(seed.reveal()))


def _verifying(keys: list[TokenKeyRecord], retired_after: datetime) -> list[TokenKeyRecord]:
    """The newest key, and each whose successor is younger than RETIRED_LIFE."""
    live = keys[:1]
    for successor, key in itertools.pairwise(keys):
        if successor.created_at <= retired_after:
            break
        live.append(key)
    return live


def _context(key_id: str) -> dict[str, str]:
    return {"purpose": "token-signing-key", "key_id": key_id}
