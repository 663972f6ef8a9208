"""An enforcement point: leases from auth, decisions by them, and an ear for revocations."""

from collections.abc import Callable, Sequence
from typing import Any

from craton.auth.v1 import authorization_service_pb2, authorization_service_pb2_grpc

from services.chassis.authorization import Authorizer
from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.leases import Leases, RemoteLeaseSource
from services.chassis.randomness import Randomness
from services.chassis.revocation import ACCOUNTS
from services.chassis.revocation_ear import CONFIRM_TIMEOUT_S, ConfirmingEar, Host, new_instance_id
from services.chassis.settings import RedisSettings


class RevocationEar(ConfirmingEar):
    """Hears revocations of accounts, has them obeyed, and confirms them to auth."""

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
        stub: Any = authorization_service_pb2_grpc.AuthorizationServiceStub(auth)

        async def confirm(revocations: Sequence[tuple[str, int]]) -> None:
            request = authorization_service_pb2.ConfirmRevocationsRequest(
                instance_id=instance_id,
                revocations=[
                    authorization_service_pb2.Revocation(account_id=account_id, epoch=epoch)
                    for account_id, epoch in revocations
                ],
            )
            await stub.ConfirmRevocations(request, timeout=CONFIRM_TIMEOUT_S)

        super().__init__(ACCOUNTS, redis, confirm, revoke, revoke_all)


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
