"""Who is calling: derived keys and tokens that auth leased, and what they may be used for.

A signature is verified here with a leased key, never with a secret. Every token is bound to what the edge
saw of the client (address, user agent, TLS, host), so that the cache is keyed by all of that.
"""

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis import sigv4
from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.principal import ClientContext
from services.edge.operations.leased import Asking, Horizon, LeasedMap
from services.edge.ports import Authentication, Caller, Entrance, Grant, Presented

RENEW_S = 10.0
"""A token is used until this long before its end, so that the services behind still have time."""
UNKNOWN_S = 5.0
"""How long an unknown key id is refused without asking auth, and so before its body is read."""
FAMILIAR_S = 600.0
"""How long after its last verification a key id counts as known at an address, beyond its lease."""


_KeyKey = tuple[sigv4.Credential, str]
"""Credential and session token: a key of temporary credentials is nothing without its token."""
_TokenKey = tuple[sigv4.Credential, str, str, ClientContext, Entrance | None]


class Sessions:
    """Authenticates signed requests, asking auth only for what no lease covers."""

    def __init__(self, authentication: Authentication, clock: Clock, horizon: Horizon) -> None:
        """Start without any lease. What `horizon` says is revoked is used no more."""
        self._authentication = authentication
        self._clock = clock
        self._horizon = horizon
        self._keys: LeasedMap[_KeyKey, tuple[bytes, str, int]] = LeasedMap(clock)
        self._tokens: LeasedMap[_TokenKey, tuple[Caller, int]] = LeasedMap(clock)
        self._unknown: LeasedMap[tuple[str, str], tuple[DomainError, int]] = LeasedMap(clock)
        self._familiar: LeasedMap[tuple[str, str], bool] = LeasedMap(clock)
        self._asking: Asking[_TokenKey] = Asking()

    def known(self, credential: sigv4.Credential, source_ip: str, session_token: str = "") -> bool:
        """Say whether a signature of this key id from this address was verified in the last minutes.

        Key ids are no secret: whoever has learned one, elsewhere, is a stranger all the same.
        Raises DomainError for a key id that auth did not know a moment ago.
        """
        unknown = self._unknown.get((credential.access_key_id, session_token))
        # Any change may have made it known: a key was activated, a user got one.
        if unknown is not None and self._horizon.untouched(unknown[1]):
            raise DomainError(unknown[0].reason, unknown[0].message)
        return self._familiar.get((credential.access_key_id, source_ip)) is not None

    async def open(
        self, presented: Presented, client: ClientContext, audience: str, entrance: Entrance | None = None
    ) -> Caller:
        """Verify a signature and return who calls, with a token for `audience`.

        One that is dated ahead is auth's to accept, which remembers it: a lease may refuse it, no more.
        Raises DomainError: UNKNOWN_ACCESS_KEY, SIGNATURE_MISMATCH, SIGNATURE_REPLAYED for one that is dated
        ahead, DEPENDENCY_UNAVAILABLE, ACCESS_DENIED.
        """
        key: _TokenKey = (presented.credential, presented.session_token, audience, client, entrance)
        while True:
            signing_key = self._signing_key(presented)
            if signing_key is not None:
                sigv4.verify(signing_key, presented.string_to_sign, presented.signature)
                session = self._tokens.get(key)
                if session is not None and self._counts(session) and not presented.ahead:
                    return session[0]
            # When someone with the same credential is asking, use the lease that this brings, if it does.
            if presented.ahead or not await self._asking.others(key):
                return await self._ask(key, presented)

    def _signing_key(self, presented: Presented) -> bytes | None:
        held = self._keys.get((presented.credential, presented.session_token))
        if held is None or not self._horizon.counts(held[2], held[1]):
            return None
        return held[0]

    def _counts(self, session: tuple[Caller, int]) -> bool:
        return self._horizon.counts_for(session[1], session[0].claims)

    async def _ask(self, key: _TokenKey, presented: Presented) -> Caller:
        _, _, audience, client, entrance = key
        mark = self._horizon.mark()
        try:
            async with self._asking.alone() if presented.ahead else self._asking.one(key):
                grant = await self._authentication.authenticate(presented, client, audience, entrance)
                return self._keep(key, presented, grant, mark)
        except DomainError as error:
            if error.reason == ErrorReason.ERROR_REASON_UNKNOWN_ACCESS_KEY:
                until = self._clock.boottime() + UNKNOWN_S
                self._keys.drop((presented.credential, presented.session_token))
                # With another token the same key may well be known.
                unknown = (presented.credential.access_key_id, presented.session_token)
                self._unknown.put(unknown, (error, mark), until)
            raise

    def _keep(self, key: _TokenKey, presented: Presented, grant: Grant, mark: int) -> Caller:
        metadata = (("authorization", f"Bearer {grant.token}"),)
        session = Caller(grant.claims, metadata, temporary=bool(presented.session_token), entrance=key[4])
        held = (grant.signing_key, grant.claims.account_id, mark)
        self._keys.put((presented.credential, presented.session_token), held, grant.key_until)
        familiar = (presented.credential.access_key_id, key[3].source_ip)
        self._familiar.put(familiar, True, self._clock.boottime() + FAMILIAR_S)
        self._tokens.put(key, (session, mark), grant.token_until - RENEW_S)
        return session
