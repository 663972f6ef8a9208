"""What auth needs of the outside for OpenID Connect providers."""

from collections.abc import Callable
from typing import Protocol

from services.auth.domain.oidc import Location, OidcProvider
from services.auth.domain.pages import PageRequest
from services.chassis.pages import Page


class OidcProviderStore(Protocol):
    """OpenID Connect providers. Durability and errors as in DirectoryStore."""

    async def create_provider(self, provider: OidcProvider, limit: int) -> int:
        """Register a provider of an account, which must then have at most `limit`.

        Raises RESOURCE_EXISTS for an issuer that the account has registered.
        """

    async def provider(self, account_id: str, url: str) -> OidcProvider | None:
        """Return the provider of an issuer, None when the account has not registered it."""

    async def providers(self, account_id: str, request: PageRequest) -> Page[OidcProvider]:
        """List the providers of an account by their URLs."""

    async def change_provider(
        self, account_id: str, url: str, change: Callable[[OidcProvider], OidcProvider]
    ) -> int | None:
        """Replace a provider by what `change` makes of it; None when there is none.

        No other change can come between. Sessions for a client id that it does not have afterwards MUST be
        ended with it.
        """

    async def delete_provider(self, account_id: str, url: str) -> int | None:
        """Delete a provider and end the sessions of those it vouched for; None when there was none."""


class IssuerUnreachableError(Exception):
    """Nobody answered in time, or nobody who could prove to be the host."""


class IssuerDocumentError(Exception):
    """What answered is no document that could be used, or it may not be asked for."""


class IssuerDocuments(Protocol):
    """Fetches documents from issuers.

    It MUST verify the host's certificate, MUST dial nothing but what the installation's rules permit, also
    when a name resolves to something else than a moment ago, MUST NOT follow redirects, send credentials or
    hold up the event loop, and MUST end within a few seconds, whatever the other side does.
    """

    async def read(self, location: Location) -> bytes:
        """Return a document. Raises IssuerUnreachableError, IssuerDocumentError."""
