"""Making temporary credentials, once somebody has decided that they may be given."""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import timedelta

from services.auth.domain.federation import Federation
from services.auth.domain.ids import new_secret, new_temporary_key_id
from services.auth.domain.passed_roles import PassedRole
from services.auth.domain.roles import Role, Tags, TemporarySession
from services.auth.operations.signatures import session_secret_context
from services.auth.ports.credentials import Sealer
from services.auth.ports.roles import SessionStore
from services.chassis.clock import Clock
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes


@dataclass(frozen=True, slots=True)
class SessionGrant:
    """What temporary credentials are to be, but for what is random about them and the time."""

    account_id: str
    duration: timedelta
    role: Role | None = None
    """None for credentials of a user's, or the root user's, own."""
    user_id: str | None = None
    session_name: str = ""
    policies: tuple[str, ...] = ()
    """Canonical session policies."""
    policy_ids: tuple[str, ...] = ()
    """Managed session policies. With neither the session is not narrowed."""
    tags: Tags = ()
    transitive_keys: frozenset[str] = frozenset()
    source_identity: str = ""
    passed: PassedRole | None = None
    """For the service that a role was passed to."""
    source_key_id: str = ""
    """Without a role: the access key that asks."""
    federation: Federation | None = None
    """Whom an identity provider vouched for."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session with its secrets, which are shown once."""

    session: TemporarySession
    secret: SecretBytes
    token: SecretBytes = field(repr=False)
    packed_percent: int = 0
    """How much of the space for session policies and tags it uses; 0 where it has none of them."""


class SessionMaker:
    """Makes sessions and keeps them."""

    def __init__(self, store: SessionStore, sealer: Sealer, clock: Clock, randomness: Randomness) -> None:
        """Keep sessions in `store`, their secrets sealed with `sealer`."""
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._randomness = randomness

    async def make(self, grant: SessionGrant, packed_percent: int = 0) -> NewSession:
        """Make and store a session. Raises RESOURCE_STATE when its role or user was deleted meanwhile."""
        secret = new_secret(self._randomness)
        token = SecretBytes(base64.b64encode(b"\x01" + self._randomness.token_bytes(32)))
        # Whole seconds, because the lives of tokens are.
        now = self._clock.now().replace(microsecond=0)
        key_id = new_temporary_key_id(self._randomness)
        session = TemporarySession(
            access_key_id=key_id,
            account_id=grant.account_id,
            role=grant.role,
            user_id=grant.user_id,
            session_name=grant.session_name,
            token_sha256=hashlib.sha256(token.reveal()).digest(),
            sealed_secret=await self._sealer.seal(secret, session_secret_context(key_id, grant.account_id)),
            policies=grant.policies,
            policy_ids=grant.policy_ids,
            tags=grant.tags,
            transitive_keys=grant.transitive_keys,
            source_identity=grant.source_identity,
            issued_at=now,
            expires_at=now + grant.duration,
            passed=grant.passed,
            source_key_id=grant.source_key_id,
            federation=grant.federation,
        )
        await self._store.create_session(session)
        return NewSession(session, secret, token, packed_percent)
