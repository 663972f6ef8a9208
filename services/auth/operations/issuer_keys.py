"""Keys of issuers: fetched when a token comes, kept for minutes, asked for again when one is unknown.

Whoever holds no credentials at all can cause a fetch, so that what strangers can cause is bounded: only
issuers that an account registered are asked, each by one fetch at a time, an unknown key or a failure is not
asked about again for some seconds, and the fetches of one account leave room for those of others.
"""

import asyncio
from collections import Counter, OrderedDict
from dataclasses import dataclass, replace

from services.auth.domain.key_sets import KeySet, PublicKey, choose, parse_discovery, parse_key_set
from services.auth.domain.oidc import Location, OidcProvider, discovery_url
from services.auth.errors.web_identity import no_verification_key, provider_busy, provider_unreachable
from services.auth.ports.oidc import IssuerDocumentError, IssuerDocuments, IssuerUnreachableError
from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.logs import Log

KEEP_S = 600.0
"""How long keys are used without asking again: how long an issuer's withdrawn key still counts."""
PAUSE_S = 5.0
"""How long after a fetch no other one follows, for an unknown key or after a failure."""
FETCHES_OF_ACCOUNT = 4
FETCHES = 16
"""At a time, of one account and of all."""
WAITING_OF_ACCOUNT = 16
"""Tokens of one account that wait for fetches. Edge has room for 32 such requests: a slow issuer of one
account must not keep those of all others out."""
_ISSUERS = 1_000
"""Issuers whose keys are kept; those that were not asked for the longest make room."""

_log = Log("issuers")


@dataclass(frozen=True, slots=True)
class _Fetched:
    keys: KeySet
    failure: DomainError | None
    """Why the last fetch brought none."""
    until: float
    """Until when the keys are used. Boot-time clock, seconds."""
    tried: float
    """When the last fetch ended. Boot-time clock, seconds."""


class IssuerKeys:
    """Finds the keys that tokens are verified with."""

    def __init__(self, documents: IssuerDocuments, clock: Clock) -> None:
        """Fetch through `documents`."""
        self._documents = documents
        self._clock = clock
        self._fetched: OrderedDict[str, _Fetched] = OrderedDict()
        self._fetching: dict[str, asyncio.Task[_Fetched]] = {}
        self._of_account: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()

    async def find(self, provider: OidcProvider, key_id: str, algorithm: str) -> PublicKey:
        """Return the key of a provider's issuer that a token names.

        Raises DomainError: INVALID_IDENTITY_TOKEN when the issuer has no such key, or publishes nothing that
        could be used; IDENTITY_PROVIDER_UNREACHABLE; THROTTLED.
        """
        fetched, now = self._fetched.get(provider.url), self._clock.boottime()
        rested = fetched is None or now >= fetched.tried + PAUSE_S
        key = None
        # A token that names no key cannot tell that its issuer has a new one: old keys are not good for it.
        if fetched is not None and now < fetched.until and (key_id or not rested):
            key = choose(fetched.keys, key_id, algorithm)
        if key is None and rested:
            fetched = await self._fetch(provider)
            if self._clock.boottime() < fetched.until:
                key = choose(fetched.keys, key_id, algorithm)
        if key is None:
            raise (fetched.failure if fetched else None) or no_verification_key()
        return key

    async def _fetch(self, provider: OidcProvider) -> _Fetched:
        task = self._fetching.get(provider.url)
        if task is None:
            if len(self._fetching) >= FETCHES or self._of_account[provider.account_id] >= FETCHES_OF_ACCOUNT:
                raise provider_busy()
            task = asyncio.get_running_loop().create_task(self._read(provider), name="issuer-keys")
            self._fetching[provider.url] = task
            self._of_account[provider.account_id] += 1
            task.add_done_callback(lambda _: self._done(provider))
        if self._waiting[provider.account_id] >= WAITING_OF_ACCOUNT:
            raise provider_busy()
        self._waiting[provider.account_id] += 1
        try:
            # Shielded: one caller's cancellation must not take the keys from the others that wait for them.
            return await asyncio.shield(task)
        finally:
            _lower(self._waiting, provider.account_id)

    def _done(self, provider: OidcProvider) -> None:
        del self._fetching[provider.url]
        _lower(self._of_account, provider.account_id)

    async def _read(self, provider: OidcProvider) -> _Fetched:
        keys: KeySet = {}
        failure: DomainError | None = None
        try:
            discovery = await self._documents.read(Location.parse(discovery_url(provider.url)))
            keys = parse_key_set(await self._documents.read(parse_discovery(discovery, provider.url)))
        except IssuerUnreachableError as error:
            _log.warning("issuer_unreachable", name=provider.issuer_name, reason=str(error))
            failure = provider_unreachable()
        except (IssuerDocumentError, ValueError) as error:
            _log.warning("issuer_document_refused", name=provider.issuer_name, reason=str(error))
            failure = no_verification_key()
        now, known = self._clock.boottime(), self._fetched.get(provider.url)
        fetched = _Fetched(keys, failure, now + KEEP_S, now)
        if failure is not None and known is not None:
            # What was known goes on counting until its time is over; who asked for more is told the failure.
            fetched = replace(known, failure=failure, tried=now)
        self._fetched[provider.url] = fetched
        self._fetched.move_to_end(provider.url)
        while len(self._fetched) > _ISSUERS:
            self._fetched.popitem(last=False)
        return fetched


def _lower(counter: Counter[str], account_id: str) -> None:
    """Count one less, and forget who has none left: accounts come and go."""
    counter[account_id] -= 1
    if not counter[account_id]:
        del counter[account_id]
