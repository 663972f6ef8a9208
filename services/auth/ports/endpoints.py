"""What auth needs of the outside for VPC endpoints."""

from collections.abc import Callable, Mapping
from typing import Protocol

from services.auth.domain.endpoints import ActiveEndpoint, VpcEndpoint
from services.auth.domain.pages import PageRequest
from services.chassis.pages import Page


class EndpointStore(Protocol):
    """Whose each listener is, and what is registered on it. Durability and errors as in DirectoryStore."""

    async def assign(self, listener: str, account_id: str) -> None:
        """Give a listener to an account.

        The same one again is no error; another account's raises RESOURCE_EXISTS.
        """

    async def release(self, listener: str) -> tuple[str, int] | None:
        """Take a listener away, and delete what is registered on it.

        Returns the account and its epoch; None when it is nobody's.
        """

    async def assignments(self) -> Mapping[str, tuple[str, str]]:
        """Return account and endpoint id ("" for none) of every listener that is assigned."""

    async def create_endpoint(self, endpoint: VpcEndpoint) -> int:
        """Register an endpoint on a listener of its account, on which there is none.

        Raises ACCESS_DENIED for a listener that is not the account's.
        """

    async def endpoint_of_request(self, request_key: str) -> VpcEndpoint | None:
        """Return the endpoint that this request registered, if it still exists."""

    async def endpoint(self, account_id: str, region: str, endpoint_id: str) -> VpcEndpoint:
        """Return an endpoint."""

    async def endpoints(self, account_id: str, region: str, request: PageRequest) -> Page[VpcEndpoint]:
        """List an account's endpoints of a region by id."""

    async def change_endpoint(
        self, account_id: str, region: str, endpoint_id: str, change: Callable[[VpcEndpoint], VpcEndpoint]
    ) -> tuple[VpcEndpoint, int]:
        """Replace policy, services and accounts by what `change` makes of them; it may be called again."""

    async def delete_endpoint(self, account_id: str, region: str, endpoint_id: str) -> int:
        """Delete an endpoint. Its listener stays its account's."""

    async def on_listener(self, listener: str) -> ActiveEndpoint | None:
        """Return what is registered on a listener, with its account's epoch, in one consistent reading."""

    async def active(self, endpoint_id: str) -> ActiveEndpoint | None:
        """The same of an endpoint by its id, whoever's it is; None when it no longer exists."""
