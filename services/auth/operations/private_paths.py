"""Which VPC endpoint a request came through, and whether it is still open to its principal."""

from collections.abc import Mapping

from services.auth.domain.endpoints import ActiveEndpoint, VpcEndpoint
from services.auth.errors.endpoints import no_endpoint, not_served, not_through
from services.auth.ports.endpoints import EndpointStore
from services.chassis.principal import PrivatePath


class PrivatePaths:
    """Finds endpoints by the listener that edge names, and by the tokens that were given for them."""

    def __init__(self, store: EndpointStore, networks: Mapping[str, str]) -> None:
        """Read endpoints from `store`; `networks` are the VPC ids of the configured listeners."""
        self._store = store
        self._networks = networks

    async def enter(self, listener: str, service: str, account_id: str) -> PrivatePath:
        """Return the path of a principal's request for `service`, which a listener accepted.

        Raises ACCESS_DENIED: without an endpoint a listener lets nobody in.
        """
        found = await self._store.on_listener(listener)
        if found is None or self._networks.get(listener) != found.endpoint.vpc_id:
            raise no_endpoint()
        endpoint = found.endpoint
        _check(endpoint, service, account_id)
        return PrivatePath(endpoint.endpoint_id, endpoint.vpc_id, endpoint.account_id, service)

    async def follow(self, path: PrivatePath, account_id: str) -> ActiveEndpoint:
        """Return the endpoint that a token names, as it is now.

        Raises ACCESS_DENIED when it is gone or no longer open to the account or for the service.
        """
        found = await self._store.active(path.endpoint_id)
        if found is None:
            raise no_endpoint()
        endpoint = found.endpoint
        if self._networks.get(endpoint.listener) != path.vpc_id or endpoint.account_id != path.account_id:
            raise no_endpoint()
        _check(endpoint, path.service, account_id)
        return found


def _check(endpoint: VpcEndpoint, service: str, account_id: str) -> None:
    if not endpoint.admits(account_id):
        raise not_through(endpoint.endpoint_id)
    if service not in endpoint.services:
        raise not_served(endpoint.endpoint_id, service)
