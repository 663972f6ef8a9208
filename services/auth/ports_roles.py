"""What auth needs of the outside for roles and temporary credentials."""

from typing import Protocol

from services.auth.domain.pages import PageRequest
from services.auth.domain.roles import Role, TemporarySession
from services.chassis.pages import Page


class RoleStore(Protocol):
    """Roles. Durability and errors as in DirectoryStore."""

    async def create_role(self, role: Role, limit: int) -> int:
        """Create a role of an account, which must then have at most `limit`.

        Names are unique in the account without regard to case.
        """

    async def role(self, account_id: str, role_name: str) -> Role:
        """Return a role."""

    async def roles(self, account_id: str, request: PageRequest) -> Page[Role]:
        """List the roles of an account by name."""

    async def update_role(self, role: Role) -> int:
        """Replace trust, description and longest session of the role with this id."""

    async def delete_role(self, account_id: str, role_name: str) -> int:
        """Delete a role that has no policies, and end its sessions."""


class SessionStore(Protocol):
    """Temporary credentials. Durability as in DirectoryStore; CredentialStore reads them."""

    async def create_session(self, session: TemporarySession) -> None:
        """Store a session. Raises RESOURCE_STATE when its role or user was deleted meanwhile.

        MUST forget sessions that ended more than a day ago, so that their number is bounded by use.
        """
