"""An enforcement point: leases from auth, decisions by them, and an ear for revocations."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any, Protocol

import grpc
from craton.auth.v1 import authorization_service_pb2, authorization_service_pb2_grpc

from services.chassis.authorization import Authorizer
from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.leases import Leases, RemoteLeaseSource
from services.chassis.logs import Log
from services.chassis.randomness import Randomness
from services.chassis.revocation import EVERYBODY, RevocationListener
from services.chassis.settings import RedisSettings

_CONFIRM_TIMEOUT_S = 1.5
_ATTEMPTS = 3
_AGAIN_S = 0.1
"""A confirmation that does not reach auth is worth repeating for as long as auth waits for it."""
_MAX_CONFIRMED = 1024
"""Revocations that one call confirms."""
_MAX_WAITING = 10_000
"""Revocations that wait to be confirmed: auth waits for leases to end otherwise."""

_log = Log("enforcement")


class Host(Protocol):
    """What runs the tasks: the server factory's Server, or edge's."""

    def add_task(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run `run()` for the life of the process, which ends with it."""


class RevocationEar:
    """Hears revocations, has them obeyed, and confirms them to auth."""

    def __init__(
        self,
        auth: Channel,
        redis: RedisSettings | None,
        instance_id: str,
        revoke: Callable[[str, int], None],
        revoke_all: Callable[[], None],
    ) -> None:
        """Confirm as the process `instance_id` what `revoke(account_id, epoch)` has obeyed.

        `revoke_all()` is called when announcements may have been missed, and for those that are about
        everybody. Without `redis` nothing is heard.
        """
        self._instance_id = instance_id
        self._obey, self._obey_all = revoke, revoke_all
        stub: Any = authorization_service_pb2_grpc.AuthorizationServiceStub(auth)
        self._confirm = stub.ConfirmRevocations
        self._heard: dict[tuple[str, int], int] = {}
        self._some = asyncio.Event()
        self._listener = None if redis is None else RevocationListener(redis, self.revoke, revoke_all)

    def revoke(self, account_id: str, epoch: int) -> None:
        """Use nothing older than `epoch` of an account any more, and let auth know.

        Of EVERYBODY nothing at all is used that was leased before; `epoch` is the announcement's number.
        """
        if account_id == EVERYBODY:
            self._obey_all()
            key = (account_id, epoch)
        else:
            self._obey(account_id, epoch)
            # Of an account the newest says it all; of everybody each is a word of its own.
            key = (account_id, 0)
        if len(self._heard) >= _MAX_WAITING and key not in self._heard:
            del self._heard[next(iter(self._heard))]
        self._heard[key] = max(epoch, self._heard.get(key, 0))
        self._some.set()

    def attach(self, host: Host) -> None:
        """Listen and confirm for the life of the server."""
        if self._listener is not None:
            host.add_task("revocations", self._listener.run)
            host.add_task("confirmations", self._confirmations)

    async def _confirmations(self) -> None:
        failed = 0
        while True:
            await self._some.wait()
            self._some.clear()
            while self._heard:
                keys = list(islice(self._heard, _MAX_CONFIRMED))
                heard = {key: self._heard.pop(key) for key in keys}
                request = authorization_service_pb2.ConfirmRevocationsRequest(
                    instance_id=self._instance_id,
                    revocations=[
                        authorization_service_pb2.Revocation(account_id=account_id, epoch=epoch)
                        for (account_id, _), epoch in heard.items()
                    ],
                )
                try:
                    await self._confirm(request, timeout=_CONFIRM_TIMEOUT_S)
                    failed = 0
                except grpc.aio.AioRpcError:
                    failed += 1
                    if failed < _ATTEMPTS:
                        # What was heard meanwhile says as much and more.
                        self._heard = heard | self._heard
                        await asyncio.sleep(_AGAIN_S)
                        continue
                    failed = 0
                    # Auth waits until the leases have ended, as for one that hears nothing.
                    _log.warning("revocations_not_confirmed")


class EnforcementPoint:
    """What a service needs to decide about its principals' calls."""

    def __init__(
        self, auth: Channel, redis: RedisSettings | None, clock: Clock, randomness: Randomness
    ) -> None:
        """Take leases over `auth`; without `redis` nothing is heard of revocations, and leases just end."""
        self.instance_id = new_instance_id(randomness)
        self.leases = Leases(RemoteLeaseSource(auth, self.instance_id), clock)
        self.authorizer = Authorizer(self.leases, clock)
        self._ear = RevocationEar(auth, redis, self.instance_id, self.leases.revoke, self.leases.revoke_all)

    def revoke(self, account_id: str, epoch: int) -> None:
        """Use nothing older than `epoch` of an account any more, and let auth know."""
        self._ear.revoke(account_id, epoch)

    def attach(self, server: Host) -> None:
        """Listen and confirm for the life of the server."""
        self._ear.attach(server)


def new_instance_id(randomness: Randomness) -> str:
    """Return the id of this process as an enforcement point, 32 hex digits.

    New with every process: what an earlier one confirmed says nothing about this one.
    """
    return randomness.token_bytes(16).hex()
