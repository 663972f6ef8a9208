"""Auth's public token keys where tokens are verified: fetched once, again when a new key id appears."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
from craton.auth.v1 import token_service_pb2, token_service_pb2_grpc
from craton.common.v1.error_reason_pb2 import ErrorReason
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.chassis.clock import Clock
from services.chassis.errors import DomainError

_REFRESH_INTERVAL_S = 2.0
"""Unknown key ids cause at most one fetch in this time, so that strangers cannot make us flood auth."""

_MAX_AGE_S = 300.0
"""Known keys are used this long without asking again: a withdrawn key dies everywhere within 5 minutes."""

_FETCH_TIMEOUT_S = 2.0

FetchKeys = Callable[[], Awaitable[Mapping[str, Ed25519PublicKey]]]
"""Asks auth for every key that verifies tokens now, by key id."""


def fetch_over(channel: Any) -> FetchKeys:
    """Fetch by TokenService.GetTokenKeys over `channel`, a channel to auth."""
    stub: Any = token_service_pb2_grpc.TokenServiceStub(channel)

    async def fetch() -> Mapping[str, Ed25519PublicKey]:
        response = await stub.GetTokenKeys(
            token_service_pb2.GetTokenKeysRequest(), timeout=_FETCH_TIMEOUT_S, wait_for_ready=True
        )
        return {key.key_id: Ed25519PublicKey.from_public_bytes(key.public_key) for key in response.keys}

    return fetch


class RemoteTokenKeys:
    """A TokenKeySource that caches what auth publishes.

    While auth is down known keys go on verifying until they are _MAX_AGE_S old; afterwards nothing
    verifies, because a withdrawn key could not be told from a good one.
    """

    def __init__(self, fetch: FetchKeys, clock: Clock) -> None:
        """Build an empty cache; the first `find` or `ready` fills it."""
        self._fetch = fetch
        self._clock = clock
        self._keys: Mapping[str, Ed25519PublicKey] = {}
        self._fetched_at: float | None = None
        self._attempted_at: float | None = None
        self._lock = asyncio.Lock()

    async def find(self, key_id: str) -> Ed25519PublicKey | None:
        """Return the key, asking auth when it is unknown or all keys are too old."""
        if self._fresh():
            key = self._keys.get(key_id)
            if key is not None:
                return key
        await self._refresh(key_id)
        if not self._fresh():
            raise DomainError(
                ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
                "Principal tokens cannot be verified: the auth service's public keys cannot be fetched.",
                retry_after_s=1.0,
            )
        return self._keys.get(key_id)

    async def ready(self) -> bool:
        """Fetch keys when there are none; True once tokens can be verified. For readiness."""
        if not self._fresh():
            await self._refresh(None)
        return self._fresh()

    def _fresh(self) -> bool:
        return self._fetched_at is not None and self._clock.boottime() - self._fetched_at < _MAX_AGE_S

    async def _refresh(self, key_id: str | None) -> None:
        async with self._lock:
            # Whoever waited for the lock may find that its key has come meanwhile.
            if self._fresh() and key_id in self._keys:
                return
            now = self._clock.boottime()
            if self._attempted_at is not None and now - self._attempted_at < _REFRESH_INTERVAL_S:
                return
            self._attempted_at = now
            try:
                self._keys = await self._fetch()
            except (grpc.aio.AioRpcError, DomainError):
                return
            self._fetched_at = now
