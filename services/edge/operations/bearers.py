"""Who is calling with an API key: what auth said of it, for seconds.

A key is remembered by its SHA-256 alone. Its verification is leased as derived keys are: for five seconds at
most, and not beyond a revocation.
"""

import hashlib
import re

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis import api_keys
from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.principal import ClientContext
from services.edge.operations.leased import Asking, Horizon, LeasedMap
from services.edge.operations.sessions import RENEW_S, UNKNOWN_S
from services.edge.ports import BearerAuthentication, BearerGrant, Caller, Entrance

_REFUSED = frozenset({ErrorReason.ERROR_REASON_INVALID_API_KEY, ErrorReason.ERROR_REASON_EXPIRED_API_KEY})
_SERVICE_HOST = re.compile(r"bedrock(?:-runtime)?(?:-fips)?\.([a-z0-9-]{1,32})\.")

_Key = tuple[bytes, str, ClientContext, Entrance | None]
"""SHA-256 of the key, audience, what the edge saw of the client (its host says the region), and by which
private way it came in."""


class Bearers:
    """Authenticates requests with API keys, asking auth only for what no lease covers."""

    def __init__(
        self,
        authentication: BearerAuthentication,
        clock: Clock,
        horizon: Horizon,
        regions: frozenset[str],
        default_region: str,
    ) -> None:
        """Start without any lease. `default_region` is for long-term keys where the host names no region."""
        self._authentication = authentication
        self._clock = clock
        self._horizon = horizon
        self._regions = regions
        self._default_region = default_region
        self._callers: LeasedMap[_Key, tuple[Caller, int]] = LeasedMap(clock)
        self._refused: LeasedMap[bytes, tuple[DomainError, int]] = LeasedMap(clock)
        self._asking: Asking[_Key] = Asking()

    async def open(
        self, bearer: bytes, client: ClientContext, audience: str, entrance: Entrance | None = None
    ) -> Caller:
        """Return who calls, with a token for `audience`.

        Raises DomainError: INVALID_API_KEY, EXPIRED_API_KEY, DEPENDENCY_UNAVAILABLE, ACCESS_DENIED.
        """
        digest = hashlib.sha256(bearer).digest()
        key: _Key = (digest, audience, client, entrance)
        while True:
            held = self._callers.get(key)
            if held is not None and self._horizon.counts_for(held[1], held[0].claims):
                return held[0]
            refused = self._refused.get(digest)
            if refused is not None and self._horizon.untouched(refused[1]):
                raise DomainError(refused[0].reason, refused[0].message)
            # What is no key at all costs nobody else anything.
            parsed = api_keys.parse(bearer.decode("latin-1"))
            if not await self._asking.others(key):
                return await self._ask(key, bearer, parsed)

    async def _ask(self, key: _Key, bearer: bytes, parsed: api_keys.ApiKey) -> Caller:
        digest, audience, client, entrance = key
        region = self._region(parsed, client.endpoint)
        mark = self._horizon.mark()
        try:
            async with self._asking.one(key):
                grant = await self._authentication.authenticate_bearer(
                    bearer.decode("ascii"), region, client, audience, entrance
                )
                return self._keep(key, grant, mark)
        except DomainError as error:
            if error.reason in _REFUSED:
                self._refused.put(digest, (error, mark), self._clock.boottime() + UNKNOWN_S)
            raise

    def _keep(self, key: _Key, grant: BearerGrant, mark: int) -> Caller:
        caller = Caller(grant.claims, (("authorization", f"Bearer {grant.token}"),), entrance=key[3])
        until = min(grant.lease_until, grant.token_until - RENEW_S)
        self._callers.put(key, (caller, mark), until)
        return caller

    def _region(self, key: api_keys.ApiKey, host: str) -> str:
        """Return the region that a request is for: what the host names, or the key, or the default.

        Raises INVALID_API_KEY for a short-term key of another region.
        """
        named = _SERVICE_HOST.match(host)
        addressed = named[1] if named is not None and named[1] in self._regions else ""
        if isinstance(key, api_keys.LongTermKey):
            return addressed or self._default_region
        region = key.credential.region
        if region not in self._regions or addressed not in ("", region):
            raise api_keys.invalid_api_key()
        return region
