"""Leases on what protects the resources of accounts: for services whose resources other accounts can use.

A principal's own lease says what protects the resources of its own account. What protects another account's
is asked for once for all who use them, and used no longer than a principal's lease is; whatever revokes
those revokes these.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
from craton.auth.v1 import resource_policy_service_pb2, resource_policy_service_pb2_grpc
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.leases import MAX_LEASE_S
from services.chassis.policy.bundle import Documents
from services.chassis.policy.cache import PolicyCache
from services.chassis.policy.resource_evaluator import ResourcePolicySet
from services.chassis.rich_status import from_rpc_error

_FETCH_TIMEOUT_S = 2.0
_FETCH_ATTEMPTS = 3
_MAX_LEASES = 10_000
_MAX_FLOORS = 10_000


@dataclass(frozen=True, slots=True)
class ResourceLeaseAnswer:
    """Auth's answer. `control` is None when the digest is the known one."""

    incarnation: str
    control: tuple[Documents, ...] | None
    epoch: int
    digest: str
    life_s: float


class ResourceLeaseSource(Protocol):
    """Asks auth about an account."""

    async def fetch(self, account_id: str, known_digest: str) -> ResourceLeaseAnswer:
        """Return what protects the account's resources.

        Raises DomainError: RESOURCE_NOT_FOUND for an account that there is not, DEPENDENCY_UNAVAILABLE when
        auth does not answer in time.
        """


@dataclass(frozen=True, slots=True)
class ResourceLease:
    """What protects an account's resources. Valid until `expires`, on the boot-time clock."""

    incarnation: str
    control: tuple[ResourcePolicySet, ...]
    """Resource control policies, compiled, one set for each level from the organization's root."""
    epoch: int
    digest: str
    expires: float
    round: int
    """How often all leases had been revoked when auth was asked for this one."""


class ResourceLeases:
    """All such leases that one enforcement point holds."""

    def __init__(
        self, source: ResourceLeaseSource, clock: Clock, compiled: PolicyCache | None = None
    ) -> None:
        """Start without any. `compiled` bounds the memory of policies; the default is its own bound."""
        self._source = source
        self._clock = clock
        self._compiled = compiled or PolicyCache()
        self._leases: OrderedDict[str, ResourceLease] = OrderedDict()
        self._fetching: dict[str, asyncio.Task[ResourceLease]] = {}
        self._floors: dict[str, int] = {}
        self._round = 0

    async def get(self, account_id: str) -> ResourceLease:
        """Return a live lease of an account, asking auth only when there is none.

        Raises what ResourceLeaseSource raises.
        """
        lease = self._leases.get(account_id)
        if lease is not None and self._clock.boottime() < lease.expires and self._current(account_id, lease):
            return lease
        task = self._fetching.get(account_id)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._fetch(account_id), name="resource-lease")
            self._fetching[account_id] = task
            task.add_done_callback(lambda done: self._fetched(account_id, done))
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
        """Forget every lease, also those on their way: announcements may have been missed."""
        self._round += 1

    def _current(self, account_id: str, lease: ResourceLease) -> bool:
        fresh = lease.epoch >= self._floors.get(account_id, 0) and lease.round == self._round
        return fresh and not any(each.retired for each in lease.control)

    def _fetched(self, account_id: str, task: "asyncio.Task[ResourceLease]") -> None:
        self._fetching.pop(account_id, None)
        if not task.cancelled():
            # Everybody who waited has it; without this it would be reported when nobody does any more.
            task.exception()

    async def _fetch(self, account_id: str) -> ResourceLease:
        for _ in range(_FETCH_ATTEMPTS):
            known = self._leases.get(account_id)
            if known is not None and any(each.retired for each in known.control):
                known = None
            before, asked_in = self._clock.boottime(), self._round
            answer = await self._source.fetch(account_id, "" if known is None else known.digest)
            lease = self._lease(answer, known, before, asked_in)
            if self._current(account_id, lease):
                self._leases[account_id] = lease
                self._leases.move_to_end(account_id)
                while len(self._leases) > _MAX_LEASES:
                    self._leases.popitem(last=False)
                return lease
        raise DomainError(
            ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
            "The account's policies are changing faster than they can be read. Try again.",
            retry_after_s=1.0,
        )

    def _lease(
        self, answer: ResourceLeaseAnswer, known: ResourceLease | None, before: float, asked_in: int
    ) -> ResourceLease:
        if answer.control is not None:
            control = self._compile(answer.control)
        elif known is not None and known.digest == answer.digest:
            control = known.control
        else:
            raise DomainError(ErrorReason.ERROR_REASON_INTERNAL, "auth answered without documents")
        expires = before + min(answer.life_s, MAX_LEASE_S)
        return ResourceLease(answer.incarnation, control, answer.epoch, answer.digest, expires, asked_in)

    def _compile(self, levels: tuple[Documents, ...]) -> tuple[ResourcePolicySet, ...]:
        try:
            return tuple(self._compiled.compile_control(each, level) for level, each in enumerate(levels))
        except DomainError as error:
            # Auth accepted what this service does not understand: it must be older. Nothing is permitted.
            raise DomainError(
                ErrorReason.ERROR_REASON_INTERNAL,
                "A resource control policy of the account cannot be evaluated here.",
            ) from error


class RemoteResourceLeaseSource:
    """Leases from auth.v1.ResourcePolicyService."""

    def __init__(self, channel: Any, instance_id: str) -> None:
        """Ask over `channel`, a channel to auth, for the enforcement point of this id."""
        self._instance_id = instance_id
        stub: Any = resource_policy_service_pb2_grpc.ResourcePolicyServiceStub(channel)
        self._get = stub.GetResourceLease

    async def fetch(self, account_id: str, known_digest: str) -> ResourceLeaseAnswer:
        """Ask auth, as ResourceLeaseSource says."""
        request = resource_policy_service_pb2.GetResourceLeaseRequest(
            account_id=account_id, known_digest=known_digest, instance_id=self._instance_id
        )
        try:
            response = await self._get(request, timeout=_FETCH_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "the auth service") from error
        unchanged = bool(known_digest) and response.digest == known_digest
        levels = tuple(tuple(level.documents) for level in response.resource_control_levels)
        return ResourceLeaseAnswer(
            incarnation=response.account_incarnation,
            control=None if unchanged else levels,
            epoch=response.epoch,
            digest=response.digest,
            life_s=response.lease.ToMilliseconds() / 1000,
        )
