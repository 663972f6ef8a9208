"""What auth needs to keep an organization. Durability and errors as in ports.DirectoryStore."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.auth.domain.organization import ControlPolicy, Epochs, Node, PolicyType, Unit
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import Account
from services.chassis.pages import Page


class OrganizationStore(Protocol):
    """The tree of units and the accounts in it.

    Bootstrapping makes the root. Every account stands in exactly one place from the transaction that creates
    it; it begins in the root. Whatever is new has the full-access policy of each enabled type.
    """

    async def root(self) -> tuple[Unit, Sequence[PolicyType]]:
        """Return the root, with the types of policies that are enabled, by name."""

    async def unit(self, unit_id: str) -> Unit:
        """Return an organizational unit; the root is none."""

    async def create_unit(
        self, unit_id: str, parent_id: str, name: str, created_at: datetime, limit: int, max_depth: int
    ) -> Unit:
        """Create a unit below a parent; the organization must then have at most `limit`."""

    async def rename_unit(self, unit_id: str, name: str) -> Unit:
        """Give a unit another name, which no sibling may have."""

    async def delete_unit(self, unit_id: str) -> None:
        """Delete a unit without accounts and units in it; policies are detached from it."""

    async def units_in(self, parent_id: str, request: PageRequest) -> Page[Unit]:
        """List the units directly below a parent by id."""

    async def accounts_in(self, parent_id: str, request: PageRequest) -> Page[Account]:
        """List the accounts directly below a parent by id."""

    async def parent_of(self, child_id: str) -> str:
        """Return the id of the parent of a unit or an account."""

    async def move_account(self, account_id: str, source_id: str, destination_id: str) -> Epochs:
        """Move an account, which must stand in the source."""


class ControlPolicyStore(Protocol):
    """Service control policies and resource control policies, and where they are attached.

    Whatever changes what binds principals raises, in the same transaction, the policy epoch of every account
    that it reaches, and returns those epochs.
    """

    async def enable_type(self, policy_type: PolicyType) -> Epochs:
        """Enable a type; its full-access policy is then attached everywhere."""

    async def disable_type(self, policy_type: PolicyType) -> Epochs:
        """Disable a type; its policies are then attached nowhere."""

    async def create(self, policy: ControlPolicy, limit: int) -> None:
        """Create a policy; the organization must then have at most `limit` of its type."""

    async def find(self, policy_id: str) -> ControlPolicy | None:
        """Return a policy, None when there is none."""

    async def update(
        self,
        policy_id: str,
        name: str | None,
        description: str | None,
        content: tuple[str, str] | None,
        updated_at: datetime,
    ) -> tuple[ControlPolicy, Epochs]:
        """Change what is given; `content` is the document as written and as evaluated."""

    async def delete(self, policy_id: str) -> None:
        """Delete a policy that is attached nowhere."""

    async def policies(self, policy_type: PolicyType, request: PageRequest) -> Page[ControlPolicy]:
        """List the policies of a type by id."""

    async def attach(self, policy_id: str, target_id: str, limit: int) -> Epochs:
        """Attach a policy to a target, which must then have at most `limit` of its type."""

    async def detach(self, policy_id: str, target_id: str) -> Epochs:
        """Detach a policy; the last service control policy of a target stays."""

    async def policies_of(
        self, target_id: str, policy_type: PolicyType, request: PageRequest
    ) -> Page[ControlPolicy]:
        """List the policies of a type that are attached to the target itself, by id."""

    async def targets_of(self, policy_id: str, request: PageRequest) -> Page[Node]:
        """List what a policy is attached to by id."""
