"""Who is calling: derived keys and tokens that auth leased, and what they may be used for.

A signature is verified here with a leased key, never with a secret. Every token is bound to what the edge
saw of the client (address, user agent, TLS, host), so that the cache is keyed by all of that.
"""

import asyncio
from collections import OrderedDict
from typing import Generic, TypeVar

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis import sigv4
from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.principal import ClientContext
from services.edge.ports import Authentication, Caller, Grant, Presented

_RENEW_S = 10.0
"""A token is used until this long before its end, so that the services behind still have time."""
_UNKNOWN_S = 5.0
"""How long an unknown key id is refused without asking auth, and so before its body is read."""
_FAMILIAR_S = 600.0
"""How long after its last verification a key id counts as known at an address, beyond its lease."""
_ENTRIES = 10_000
_CONCURRENT = 64
"""Requests to auth at a time: strangers queue here and not there."""

K = TypeVar("K")
V = TypeVar("V")


class _Leases(Generic[K, V]):
    """A bounded map whose entries end at a time of the boot-time clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def get(self, key: K) -> V | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[1] <= self._clock.boottime():
            del self._entries[key]
            return None
        return entry[0]

    def has(self, key: K) -> bool:
        entry = self._entries.get(key)
        return entry is not None and entry[1] > self._clock.boottime()

    def put(self, key: K, value: V, until: float) -> None:
        self._entries[key] = (value, until)
        self._entries.move_to_end(key)
        if len(self._entries) > _ENTRIES:
            self._entries.popitem(last=False)

    def drop(self, key: K) -> None:
        self._entries.pop(key, None)


_KeyKey = tuple[sigv4.Credential, str]
"""Credential and session token: a key of temporary credentials is nothing without its token."""
_TokenKey = tuple[sigv4.Credential, str, str, ClientContext]


class Sessions:
    """Authenticates requests, asking auth only for what no lease covers."""

    def __init__(self, authentication: Authentication, clock: Clock) -> None:
        """Start without any lease."""
        self._authentication = authentication
        self._clock = clock
        self._keys: _Leases[_KeyKey, bytes] = _Leases(clock)
        self._tokens: _Leases[_TokenKey, Caller] = _Leases(clock)
        self._unknown: _Leases[tuple[str, str], DomainError] = _Leases(clock)
        self._familiar: _Leases[tuple[str, str], None] = _Leases(clock)
        self._asking: dict[_TokenKey, asyncio.Future[None]] = {}
        self._room = asyncio.Semaphore(_CONCURRENT)

    def known(self, credential: sigv4.Credential, source_ip: str, session_token: str = "") -> bool:
        """Say whether a signature of this key id from this address was verified in the last minutes.

        Key ids are no secret: whoever has learned one, elsewhere, is a stranger all the same.
        Raises DomainError for a key id that auth did not know a moment ago.
        """
        refusal = self._unknown.get((credential.access_key_id, session_token))
        if refusal is not None:
            raise DomainError(refusal.reason, refusal.message)
        return self._familiar.has((credential.access_key_id, source_ip))

    async def open(self, presented: Presented, client: ClientContext, audience: str) -> Caller:
        """Verify a signature and return who calls, with a token for `audience`.

        Raises DomainError: UNKNOWN_ACCESS_KEY, SIGNATURE_MISMATCH, DEPENDENCY_UNAVAILABLE.
        """
        key: _TokenKey = (presented.credential, presented.session_token, audience, client)
        while True:
            signing_key = self._keys.get((presented.credential, presented.session_token))
            if signing_key is not None:
                sigv4.verify(signing_key, presented.string_to_sign, presented.signature)
                session = self._tokens.get(key)
                if session is not None:
                    return session
            asking = self._asking.get(key)
            if asking is None:
                return await self._ask(key, presented, client, audience)
            # Someone with the same credential is asking: use the lease that this brings, if it does.
            await asyncio.shield(asking)

    async def _ask(
        self, key: _TokenKey, presented: Presented, client: ClientContext, audience: str
    ) -> Caller:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asking[key] = done
        try:
            async with self._room:
                grant = await self._authentication.authenticate(presented, client, audience)
            return self._keep(key, presented, grant)
        except DomainError as error:
            if error.reason == ErrorReason.ERROR_REASON_UNKNOWN_ACCESS_KEY:
                until = self._clock.boottime() + _UNKNOWN_S
                self._keys.drop((presented.credential, presented.session_token))
                # With another token the same key may well be known.
                unknown = (presented.credential.access_key_id, presented.session_token)
                self._unknown.put(unknown, error, until)
            raise
        finally:
            del self._asking[key]
            done.set_result(None)

    def _keep(self, key: _TokenKey, presented: Presented, grant: Grant) -> Caller:
        session = Caller(grant.claims, (("authorization", f"Bearer {grant.token}"),))
        self._keys.put((presented.credential, presented.session_token), grant.signing_key, grant.key_until)
        familiar = (presented.credential.access_key_id, key[3].source_ip)
        self._familiar.put(familiar, None, self._clock.boottime() + _FAMILIAR_S)
        self._tokens.put(key, session, grant.token_until - _RENEW_S)
        return session
