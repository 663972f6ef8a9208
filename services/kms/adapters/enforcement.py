"""The enforcement point of kms: as any other's, and what protects the keys of other accounts besides."""

from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.enforcement import RevocationEar
from services.chassis.leases import Leases, RemoteLeaseSource
from services.chassis.policy.cache import PolicyCache
from services.chassis.randomness import Randomness
from services.chassis.resource_leases import RemoteResourceLeaseSource, ResourceLeases
from services.chassis.revocation_ear import Host, new_instance_id
from services.chassis.settings import RedisSettings
from services.kms.adapters.leased_policies import LeasedPolicies


class KeyEnforcement:
    """Leases on principals and on accounts, whose revocations are heard and confirmed together."""

    def __init__(
        self, auth: Channel, redis: RedisSettings | None, clock: Clock, randomness: Randomness
    ) -> None:
        """Take leases over `auth`; without `redis` nothing is heard of revocations, and leases just end."""
        instance_id = new_instance_id(randomness)
        compiled = PolicyCache()
        self._leases = Leases(RemoteLeaseSource(auth, instance_id), clock, compiled)
        self._owners = ResourceLeases(RemoteResourceLeaseSource(auth, instance_id), clock, compiled)
        self.policies = LeasedPolicies(self._leases, self._owners, clock)
        self._ear = RevocationEar(auth, redis, instance_id, self._revoke, self._revoke_all)

    def attach(self, server: Host) -> None:
        """Listen and confirm for the life of the server."""
        self._ear.attach(server)

    def _revoke(self, account_id: str, epoch: int) -> None:
        # Confirmed when both have obeyed: a confirmation is about everything that this process holds.
        self._leases.revoke(account_id, epoch)
        self._owners.revoke(account_id, epoch)

    def _revoke_all(self) -> None:
        self._leases.revoke_all()
        self._owners.revoke_all()
