"""Verifying SigV4 signatures. The long-term secret is opened only to derive a day's key from it."""

import dataclasses
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from cryptography.hazmat.primitives import constant_time

from services.auth.domain.records import AccessKey, KeyStatus, PrincipalState
from services.auth.domain.roles import TemporarySession
from services.auth.errors import session_expired, signature_replayed, unknown_access_key, unknown_region
from services.auth.operations.key_uses import KeyUses
from services.auth.ports.credentials import CredentialStore, Sealer
from services.chassis import sigv4, sigv4_signer
from services.chassis.api_keys import ShortTermKey
from services.chassis.clock import Clock
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes

_REPLAY_GRACE = timedelta(seconds=2)
"""SigV4 dates have one second of resolution and no nonce: equal requests carry equal signatures."""

_REPLAY_MEMORY = 2 * sigv4.MAX_SKEW + timedelta(seconds=10)
"""Later than this no signature passes the check of its date."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature and what it is said to cover."""

    credential: sigv4.Credential
    string_to_sign: str
    signature: bytes = field(repr=False)
    session_token: SecretBytes | None = None
    """Set when temporary credentials were used."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Who signed, and the key that verifies further signatures of the same scope."""

    state: PrincipalState
    derived_key: SecretBytes
    host: str = ""
    """The host that a request for a token was signed for, so certainly the one the client addressed."""


class Signatures:
    """Verifies signatures of requests and of token requests."""

    def __init__(
        self,
        store: CredentialStore,
        sealer: Sealer,
        clock: Clock,
        randomness: Randomness,
        *,
        regions: frozenset[str],
        signing_names: frozenset[str],
        token_hosts: tuple[str, ...],
        uses: KeyUses,
    ) -> None:
        """Accept scopes of these regions and signing names, and token requests signed for these hosts.

        What was verified is noted as a use of its key.
        """
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._regions = regions
        self._signing_names = signing_names
        self._token_hosts = token_hosts
        self._uses = uses
        self._nobody = SecretBytes(randomness.token_bytes(30).hex().encode()[:40])

    async def verify(self, signed: Signed) -> Verified:
        """Verify one signature.

        Raises DomainError: UNKNOWN_ACCESS_KEY, SIGNATURE_MISMATCH, SIGNATURE_EXPIRED,
        INCOMPLETE_SIGNATURE, UNKNOWN_REGION; DEPENDENCY_UNAVAILABLE when the secret cannot be opened.
        """
        credential = signed.credential
        text = sigv4.parse_string_to_sign(signed.string_to_sign)
        if text.scope != credential.scope:
            raise sigv4.mismatch()
        sigv4.check_date(text.signed_at, credential.date, self._clock.now())
        if credential.region not in self._regions:
            raise unknown_region(credential.region)
        if credential.service not in self._signing_names:
            raise sigv4.mismatch("Credential should be scoped to a service of this installation.")
        return await self._verify(signed)

    async def verify_presigned(self, key: ShortTermKey) -> Verified:
        """Verify the signature of a short-term API key, whose date and region the caller has checked.

        Raises DomainError: UNKNOWN_ACCESS_KEY, SIGNATURE_MISMATCH, UNKNOWN_REGION, INVALID_TOKEN when the
        credentials behind it have ended; DEPENDENCY_UNAVAILABLE when the secret cannot be opened.
        """
        if key.credential.region not in self._regions:
            raise unknown_region(key.credential.region)
        token = SecretBytes(key.session_token.encode()) if key.session_token else None
        return await self._verify(Signed(key.credential, key.string_to_sign.decode(), key.signature, token))

    async def _verify(self, signed: Signed) -> Verified:
        credential = signed.credential
        state = await self._store.principal_state(credential.access_key_id)
        # A long-term API key has an id as well, and nothing to sign with.
        usable = state is not None and state.service_credential is None
        if state is None or not usable or state.access_key.status is not KeyStatus.ACTIVE:
            # The same derivation and comparison as for a known key, so that the time tells little.
            nobody = sigv4.derive_signing_key(
                self._nobody, credential.date, credential.region, credential.service
            )
            sigv4.sign(nobody, signed.string_to_sign.encode())
            raise unknown_access_key()
        derived = await self._derive(credential, state)
        sigv4.verify(derived.reveal(), signed.string_to_sign.encode(), signed.signature)
        self._check_session(state.session, signed.session_token)
        self._uses.note(state, credential)
        return Verified(state, derived)

    async def verify_token_request(self, signed: Signed, audience: str) -> Verified:
        """Verify a signature over GetToken's canonical request for `audience`, once.

        Raises what `verify` raises, and SIGNATURE_REPLAYED more than two seconds after its first use.
        """
        signed_at = sigv4.parse_string_to_sign(signed.string_to_sign).signed_at
        hosts = {
            sigv4_signer.token_request_string(signed.credential, host, audience, signed_at): host
            for host in self._token_hosts
        }
        host = hosts.get(signed.string_to_sign.encode())
        if host is None:
            raise sigv4.mismatch()
        verified = dataclasses.replace(await self.verify(signed), host=host)
        await self.refuse_replay(signed)
        return verified

    async def refuse_replay(self, signed: Signed, *, ahead: bool = False) -> None:
        """Remember a verified signature durably, for as long as its date is accepted.

        `ahead` says that edge found it dated ahead of its clock. Raises SIGNATURE_REPLAYED more than two
        seconds after its first use.
        """
        now = self._clock.now()
        digest = _digest(signed.signature)
        first = await self._store.first_seen(digest, now, now + _REPLAY_MEMORY, ahead=ahead)
        if now - first > _REPLAY_GRACE:
            raise signature_replayed()

    async def recall(self, signatures_sha256: Collection[bytes]) -> frozenset[bytes]:
        """Return those of some signatures that `refuse_replay` would refuse, without remembering any."""
        return await self._store.seen_before(signatures_sha256, self._clock.now() - _REPLAY_GRACE)

    async def remembers_any_ahead(self) -> bool:
        """Say whether any signature is remembered that was dated ahead."""
        return await self._store.any_ahead(self._clock.now())

    def _check_session(self, session: TemporarySession | None, token: SecretBytes | None) -> None:
        """Temporary credentials go with their token until they end, and no others with any."""
        if session is None and token is None:
            return
        digest = hashlib.sha256(b"" if token is None else token.reveal()).digest()
        if session is None or not constant_time.bytes_eq(digest, session.token_sha256):
            raise unknown_access_key()
        if self._clock.now() >= session.expires_at:
            raise session_expired()

    async def _derive(self, credential: sigv4.Credential, state: PrincipalState) -> SecretBytes:
        key = state.access_key
        context = secret_context(key)
        if state.session is not None:
            context = session_secret_context(key.access_key_id, key.account_id)
        secret = await self._sealer.open(key.sealed_secret, context)
        return SecretBytes(
            sigv4.derive_signing_key(secret, credential.date, credential.region, credential.service)
        )


def _digest(signature: bytes) -> bytes:
    return hashlib.sha256(signature).digest()


def session_secret_context(access_key_id: str, account_id: str) -> dict[str, str]:
    """What the sealed secret of temporary credentials is bound to."""
    return {"purpose": "session-secret", "access_key_id": access_key_id, "account_id": account_id}


def secret_context(key: AccessKey) -> dict[str, str]:
    """What the sealed secret of an access key is bound to: it opens for no other key or account."""
    return {
        "purpose": "access-key-secret",
        "access_key_id": key.access_key_id,
        "account_id": key.account_id,
        "user_id": "root" if key.user is None else key.user.user_id,
    }
