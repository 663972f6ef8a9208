"""Authorisation leases: what auth says about a principal, usable for at most five seconds.

A lease counts from before it was asked for, on a clock that runs in suspend, so that no delay of the
network and no sleep of the machine makes it longer than auth meant. A busy principal's lease is renewed
in the background while the old one still holds, so that calls do not wait for auth.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
from craton.auth.v1 import authorization_service_pb2, authorization_service_pb2_grpc
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.errors import STATUS_OF_REASON, DomainError
from services.chassis.pipeline import require_principal
from services.chassis.policy.bundle import CompiledBundle, PolicyBundle
from services.chassis.policy.cache import PolicyCache
from services.chassis.policy.keys import NO_FACTS, PrincipalFacts
from services.chassis.policy.principals import Requester
from services.chassis.principal import PrincipalClaims, PrivatePath, requester_of
from services.chassis.rich_status import from_rpc_error

MAX_LEASE_S = 5.0
"""Bound on how long a revocation can go unnoticed, whatever an answer claims."""

_RENEW_BEFORE_S = 2.5
"""A lease used with less than this left is renewed in the background."""

_RENEW_PAUSE_S = 0.5
"""After a failed renewal the next attempt waits this long: auth may be down and need not be flooded."""

_FETCH_TIMEOUT_S = 2.0
_KEEP_IDLE_S = 60.0
"""A lease that ended is kept this long for its documents, which a renewal need not send again."""

_MAX_LEASES = 100_000
_MAX_FLOORS = 10_000
_FETCH_ATTEMPTS = 3

_REFUSALS = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})

Entitlements = frozenset[tuple[str, str, str]]
"""(region, model id, SHA-256 of the accepted EULA)."""

_Key = tuple[str, str, str, str, int, PrivatePath | None]


@dataclass(frozen=True, slots=True)
class LeaseAnswer:
    """Auth's answer. When the digest is the known one, the first two are None and `facts` are empty."""

    bundle: PolicyBundle | None
    entitlements: Entitlements | None
    epoch: int
    digest: str
    life_s: float
    facts: PrincipalFacts = NO_FACTS
    endpoint_epoch: int = 0
    """Epoch of the account that registered the VPC endpoint of the token; 0 for the public path."""


class LeaseSource(Protocol):
    """Asks auth about the principal of a token."""

    async def fetch(self, token: str, known_digest: str, continuing: bool = False) -> LeaseAnswer:
        """Return the principal's policies and entitlements, as they are when auth answers.

        With `continuing` the token, under which a call was admitted, may have expired since.

        Raises DomainError: INVALID_TOKEN or UNKNOWN_ACCESS_KEY when the principal, its key or its
        account is gone, ACCESS_DENIED when its VPC endpoint is, DEPENDENCY_UNAVAILABLE when auth does not
        answer in time.
        """


@dataclass(frozen=True, slots=True)
class Lease:
    """A principal's compiled policies of all layers and its account's entitlements.

    Valid until `expires`, on the boot-time clock.
    """

    policies: CompiledBundle
    entitlements: Entitlements
    epoch: int
    digest: str
    expires: float
    round: int
    """How often all leases had been revoked when auth was asked for this one."""
    facts: PrincipalFacts
    """For condition keys."""
    requester: Requester
    """The principal, as policies name it."""
    endpoint_epoch: int
    """Of the account whose VPC endpoint the principal came through; 0 for the public path."""


class Leases:
    """All leases that one enforcement point holds."""

    def __init__(self, source: LeaseSource, clock: Clock, compiled: PolicyCache | None = None) -> None:
        """Start without any. `compiled` bounds the memory of policies; the default is its own bound."""
        self._source = source
        self._clock = clock
        self._leases: OrderedDict[_Key, Lease] = OrderedDict()
        self._fetching: dict[_Key, asyncio.Task[Lease]] = {}
        self._renew_after: dict[_Key, float] = {}
        self._compiled = compiled or PolicyCache()
        self._floors: dict[str, int] = {}
        self._round = 0

    async def get(self, call: CallContext) -> Lease:
        """Return a live lease of the call's principal, asking auth only when there is none.

        Raises DomainError(MISSING_CREDENTIALS) for a call without a principal, and what LeaseSource raises.
        """
        claims = require_principal(call)
        key = (
            claims.account_id,
            claims.account_incarnation,
            claims.principal_id,
            claims.access_key_id,
            claims.key_generation,
            claims.path,
        )
        lease = self._leases.get(key)
        now = self._clock.boottime()
        if lease is not None and now < lease.expires and self._current(lease, claims):
            if lease.expires - now < _RENEW_BEFORE_S and key not in self._fetching:
                self._renew(key, call, claims, now)
            return lease
        task = self._fetching.get(key)
        if task is None:
            task = self._start(key, call, claims)
        # Shielded: one caller's cancellation must not take the lease from the others that wait for it.
        return await asyncio.shield(task)

    def revoke(self, account_id: str, epoch: int) -> None:
        """Forget what is older than `epoch` of an account's policies, also what is on its way."""
        if epoch <= self._floors.get(account_id, 0):
            return
        if len(self._floors) >= _MAX_FLOORS and account_id not in self._floors:
            # Without its floor an account's older lease would count again: all are asked for anew, once.
            self._floors.clear()
            self.revoke_all()
        self._floors[account_id] = epoch

    def revoke_all(self) -> None:
        """Forget every lease, also those on their way: announcements may have been missed.

        Their documents stay for comparison, so that auth answers most of the questions that follow with a
        digest alone.
        """
        self._round += 1

    def _current(self, lease: Lease, claims: PrincipalClaims) -> bool:
        floor = max(self._floors.get(claims.account_id, 0), claims.policy_epoch)
        fresh = lease.epoch >= floor and lease.round == self._round
        if claims.path is not None and lease.endpoint_epoch < self._floors.get(claims.path.account_id, 0):
            # The endpoint may be another account's: what that one changes ends leases through it as well.
            return False
        return fresh and not lease.policies.retired

    def _renew(self, key: _Key, call: CallContext, claims: PrincipalClaims, now: float) -> None:
        if self._renew_after.get(key, 0.0) <= now:
            self._start(key, call, claims)

    def _start(self, key: _Key, call: CallContext, claims: PrincipalClaims) -> "asyncio.Task[Lease]":
        fetch = self._fetch(key, call.principal_token, claims, call.continuing)
        task = asyncio.get_running_loop().create_task(fetch, name="lease")
        self._fetching[key] = task
        task.add_done_callback(lambda done: self._fetched(key, done))
        return task

    def _fetched(self, key: _Key, task: "asyncio.Task[Lease]") -> None:
        self._fetching.pop(key, None)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._renew_after.pop(key, None)
        elif isinstance(error, DomainError) and STATUS_OF_REASON[error.reason] in _REFUSALS:
            # Auth answered, and the answer is no: what was leased before ends now.
            self._leases.pop(key, None)
        else:
            if len(self._renew_after) >= _MAX_LEASES:
                self._renew_after.clear()
            self._renew_after[key] = self._clock.boottime() + _RENEW_PAUSE_S

    async def _fetch(self, key: _Key, token: str, claims: PrincipalClaims, continuing: bool) -> Lease:
        for _ in range(_FETCH_ATTEMPTS):
            known = self._leases.get(key)
            if known is not None and known.policies.retired:
                known = None
            before, asked_in = self._clock.boottime(), self._round
            digest = known.digest if known is not None else ""
            answer = await self._source.fetch(token, digest, continuing)
            lease = self._lease(answer, known, before, asked_in, claims)
            if self._current(lease, claims):
                self._keep(key, lease)
                return lease
        raise DomainError(
            ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
            "The account's policies are changing faster than they can be read. Try again.",
            retry_after_s=1.0,
        )

    def _keep(self, key: _Key, lease: Lease) -> None:
        self._leases[key] = lease
        self._leases.move_to_end(key)
        # In the order of their renewal: those of principals that went away stand first.
        idle = self._clock.boottime() - _KEEP_IDLE_S
        while len(self._leases) > _MAX_LEASES or next(iter(self._leases.values())).expires < idle:
            self._leases.popitem(last=False)

    def _lease(
        self, answer: LeaseAnswer, known: Lease | None, before: float, asked_in: int, claims: PrincipalClaims
    ) -> Lease:
        if answer.bundle is not None and answer.entitlements is not None:
            policies, entitlements = self._compile(answer.bundle), answer.entitlements
            facts = answer.facts
        elif known is not None and known.digest == answer.digest:
            policies, entitlements, facts = known.policies, known.entitlements, known.facts
        else:
            raise DomainError(ErrorReason.ERROR_REASON_INTERNAL, "auth answered without documents")
        expires = before + min(answer.life_s, MAX_LEASE_S)
        requester = requester_of(claims, facts.iam_resource)
        return Lease(
            policies,
            entitlements,
            answer.epoch,
            answer.digest,
            expires,
            asked_in,
            facts,
            requester,
            answer.endpoint_epoch,
        )

    def _compile(self, bundle: PolicyBundle) -> CompiledBundle:
        try:
            return self._compiled.compile_bundle(bundle)
        except DomainError as error:
            # Auth accepted what this service does not understand: it must be older. Nothing is permitted.
            raise DomainError(
                ErrorReason.ERROR_REASON_INTERNAL, "A policy of the principal cannot be evaluated here."
            ) from error


class RemoteLeaseSource:
    """Leases from auth.v1.AuthorizationService."""

    def __init__(self, channel: Any, instance_id: str) -> None:
        """Ask over `channel`, a channel to auth, for the enforcement point of this id."""
        self._instance_id = instance_id
        stub: Any = authorization_service_pb2_grpc.AuthorizationServiceStub(channel)
        self._get = stub.GetAuthorizationLease

    async def fetch(self, token: str, known_digest: str, continuing: bool = False) -> LeaseAnswer:
        """Ask auth, as LeaseSource says."""
        request = authorization_service_pb2.GetAuthorizationLeaseRequest(
            known_digest=known_digest, instance_id=self._instance_id
        )
        metadata: tuple[tuple[str, str], ...] = ()
        if continuing:
            request.admitted_token = token
        else:
            metadata = (("authorization", f"Bearer {token}"),)
        try:
            response = await self._get(request, timeout=_FETCH_TIMEOUT_S, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "the auth service") from error
        unchanged = bool(known_digest) and response.digest == known_digest
        return LeaseAnswer(
            bundle=None if unchanged else _bundle(response),
            entitlements=None
            if unchanged
            else frozenset((each.region, each.model_id, each.eula_sha256) for each in response.entitlements),
            epoch=response.epoch,
            digest=response.digest,
            life_s=response.lease.ToMilliseconds() / 1000,
            facts=PrincipalFacts(
                response.organization_id,
                response.organization_path,
                tuple(sorted(response.principal_tags.items())),
                response.iam_resource,
                tuple((each.key, tuple(each.values)) for each in response.session_keys),
            ),
            endpoint_epoch=response.endpoint_epoch,
        )


def _bundle(response: Any) -> PolicyBundle:
    return PolicyBundle(
        identity=tuple(response.identity_policies),
        boundary=_optional(response, "permissions_boundary"),
        session=_optional(response, "session_policies"),
        service_control=tuple(tuple(level.documents) for level in response.service_control_levels),
        resource_control=tuple(tuple(level.documents) for level in response.resource_control_levels),
        endpoint=_optional(response, "endpoint_policies"),
    )


def _optional(response: Any, field: str) -> tuple[str, ...] | None:
    return tuple(getattr(response, field).documents) if response.HasField(field) else None
