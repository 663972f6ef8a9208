"""An enforcement point: leases from auth, decisions by them, and an ear for revocations."""

import asyncio
from collections import deque
from typing import Any

import grpc
from craton.auth.v1 import authorization_service_pb2, authorization_service_pb2_grpc

from services.chassis.authorization import Authorizer
from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.leases import Leases, RemoteLeaseSource
from services.chassis.logs import Log
from services.chassis.randomness import Randomness
from services.chassis.revocation import RevocationListener
from services.chassis.server import Server
from services.chassis.settings import RedisSettings

_CONFIRM_TIMEOUT_S = 2.0
_MAX_CONFIRMED = 1024
"""Revocations that one call confirms, and that wait to be: auth waits for leases to end otherwise."""

_log = Log("enforcement")


class EnforcementPoint:
    """What a service needs to decide about its principals' calls."""

    def __init__(
        self, auth: Channel, redis: RedisSettings | None, clock: Clock, randomness: Randomness
    ) -> None:
        """Take leases over `auth`; without `redis` nothing is heard of revocations, and leases just end."""
        # New with every process: what an earlier one confirmed says nothing about this one.
        self.instance_id = randomness.token_bytes(16).hex()
        self.leases = Leases(RemoteLeaseSource(auth, self.instance_id), clock)
        self.authorizer = Authorizer(self.leases, clock)
        stub: Any = authorization_service_pb2_grpc.AuthorizationServiceStub(auth)
        self._confirm = stub.ConfirmRevocations
        self._heard: deque[tuple[str, int]] = deque(maxlen=_MAX_CONFIRMED)
        self._some = asyncio.Event()
        self._listener = (
            None if redis is None else RevocationListener(redis, self.revoke, self.leases.revoke_all)
        )

    def revoke(self, account_id: str, epoch: int) -> None:
        """Use nothing older than `epoch` of an account any more, and let auth know."""
        self.leases.revoke(account_id, epoch)
        self._heard.append((account_id, epoch))
        self._some.set()

    def attach(self, server: Server) -> None:
        """Listen and confirm for the life of the server."""
        if self._listener is not None:
            server.add_task("revocations", self._listener.run)
            server.add_task("confirmations", self._confirmations)

    async def _confirmations(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            while self._heard:
                heard = list(self._heard)
                self._heard.clear()
                request = authorization_service_pb2.ConfirmRevocationsRequest(
                    instance_id=self.instance_id,
                    revocations=[
                        authorization_service_pb2.Revocation(account_id=account_id, epoch=epoch)
                        for account_id, epoch in heard
                    ],
                )
                try:
                    await self._confirm(request, timeout=_CONFIRM_TIMEOUT_S)
                except grpc.aio.AioRpcError:
                    # Auth waits until the leases have ended, as for one that hears nothing.
                    _log.warning("revocations_not_confirmed")
