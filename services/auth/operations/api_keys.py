"""Verifying API keys: whose they are, and that they still count."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives import constant_time

from services.auth.domain.records import KeyStatus, PrincipalState
from services.auth.operations.signatures import Signatures
from services.auth.ports.credentials import CredentialStore
from services.auth.ports.service_credentials import ServiceCredentialStore
from services.chassis import api_keys, sigv4
from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.principal import BearerTokenType

_NO_DIGEST = bytes(32)


@dataclass(frozen=True, slots=True)
class VerifiedKey:
    """For whom an API key speaks."""

    state: PrincipalState
    type: BearerTokenType
    expires_at: datetime | None
    """When the key itself ends; None: never."""


class ApiKeys:
    """Verifies what clients send as a bearer token."""

    def __init__(
        self,
        credentials: CredentialStore,
        store: ServiceCredentialStore,
        signatures: Signatures,
        clock: Clock,
    ) -> None:
        """Read long-term keys from `store`; short-term ones are signatures."""
        self._credentials = credentials
        self._store = store
        self._signatures = signatures
        self._clock = clock

    async def verify(self, text: str, region: str) -> VerifiedKey:
        """Verify a key that is used in a region.

        Raises DomainError: INVALID_API_KEY, EXPIRED_API_KEY; DEPENDENCY_UNAVAILABLE when it cannot be said.
        """
        key = api_keys.parse(text)
        if isinstance(key, api_keys.LongTermKey):
            return await self._long_term(key)
        return await self._short_term(key, region)

    async def _long_term(self, key: api_keys.LongTermKey) -> VerifiedKey:
        credential = await self._store.by_alias(key.alias)
        digest = hashlib.sha256(key.secret.reveal()).digest()
        expected = _NO_DIGEST if credential is None else credential.secret_sha256
        if not constant_time.bytes_eq(digest, expected) or credential is None:
            raise api_keys.invalid_api_key()
        state = await self._credentials.principal_state(credential.credential_id)
        # Read again, in one snapshot with all that decides: it may have changed since it was looked up.
        if (
            state is None
            or state.service_credential is None
            or state.service_credential.generation != credential.generation
            or state.access_key.status is not KeyStatus.ACTIVE
        ):
            raise api_keys.invalid_api_key()
        if state.service_credential.expired(self._clock.now()):
            raise api_keys.expired_api_key()
        return VerifiedKey(state, BearerTokenType.LONG_TERM, credential.expires_at)

    async def _short_term(self, key: api_keys.ShortTermKey, region: str) -> VerifiedKey:
        now = self._clock.now()
        if key.credential.region != region or key.signed_at - now > sigv4.MAX_SKEW:
            raise api_keys.invalid_api_key()
        try:
            verified = await self._signatures.verify_presigned(key)
        except DomainError as error:
            raise _as_key_refusal(error) from error
        # Only now: who cannot sign learns nothing, not even that the time is over.
        if now >= key.expires_at:
            raise api_keys.expired_api_key()
        return VerifiedKey(verified.state, BearerTokenType.SHORT_TERM, key.expires_at)


def _as_key_refusal(error: DomainError) -> DomainError:
    reason = error.reason_name
    if reason == "INVALID_TOKEN":
        return api_keys.expired_api_key()
    return error if reason == "DEPENDENCY_UNAVAILABLE" else api_keys.invalid_api_key()
