"""What auth needs of the outside for roles and temporary credentials."""

from collections.abc import Collection, Sequence
from typing import Protocol

from services.auth.domain.identity import PolicyReference, RoleDetails, Tag
from services.auth.domain.pages import PageRequest
from services.auth.domain.roles import Role, TemporarySession
from services.chassis.pages import Page


class RoleStore(Protocol):
    """Roles. Durability and errors as in DirectoryStore."""

    async def create_role(
        self, role: Role, limit: int, boundary: PolicyReference | None = None, tags: Sequence[Tag] = ()
    ) -> int:
        """Create a role of an account, which must then have at most `limit`, with boundary and tags.

        Names are unique in the account without regard to case.
        """

    async def role(self, account_id: str, role_name: str) -> Role:
        """Return a role."""

    async def role_details(self, account_id: str, role_name: str) -> RoleDetails:
        """Return a role with its boundary and tags, in one consistent reading."""

    async def roles(self, account_id: str, request: PageRequest, path_prefix: str = "") -> Page[Role]:
        """List the roles of an account by name, whose path begins so."""

    async def update_role(self, role: Role, trusted: Collection[str] | None = None) -> int:
        """Replace description and longest session of the role with this id, or its trust.

        It is the trust with `trusted`, the ARNs of the identity providers that the new trust policy names:
        sessions for which another one vouched MUST be ended with it. MUST leave the other half as it is,
        which may have changed since it was read.
        """

    async def delete_role(self, account_id: str, role_name: str) -> int:
        """Delete a role that has no policies, and end its sessions."""


class SessionStore(Protocol):
    """Temporary credentials. Durability as in DirectoryStore; CredentialStore reads them."""

    async def create_session(self, session: TemporarySession) -> None:
        """Store a session.

        Raises RESOURCE_STATE when its role or user was deleted meanwhile, or the identity provider that
        vouched for whoever opened it, or its client id.

        MUST forget sessions that ended more than a day ago, so that their number is bounded by use.
        """
