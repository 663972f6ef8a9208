"""What auth needs of the outside for roles that are passed to services."""

from datetime import datetime
from typing import Protocol

from services.auth.domain.passed_roles import PassedRole
from services.auth.domain.roles import Role


class PassedRoleStore(Protocol):
    """What was passed. Durability and errors as in DirectoryStore."""

    async def pass_role(self, passed: PassedRole, limit: int) -> PassedRole:
        """Write down what was passed, of which the account must then have at most `limit`.

        Returns what is held already for the same service, role and resource. Raises RESOURCE_STATE when the
        role was deleted meanwhile.
        """

    async def passed_role(self, pass_id: str) -> tuple[PassedRole, Role]:
        """Return what was passed, with the role as it is now. Raises RESOURCE_NOT_FOUND."""

    async def session_of(self, pass_id: str, beyond: datetime) -> str | None:
        """Return the access key id of a session of it that lasts beyond a time, None without one."""

    async def revoke_pass(self, pass_id: str) -> int:
        """Forget it and end its sessions, and return the account's new epoch. Raises RESOURCE_NOT_FOUND."""
