"""What auth needs of the outside for groups, managed policies, boundaries and tags.

Durability, epochs and errors as in DirectoryStore. Entities and policies are named; the store resolves them
in the transaction that uses them, so that nothing is attached to what was deleted meanwhile.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.auth.domain.identity import (
    Entity,
    EntityFacts,
    EntityKind,
    Group,
    InlinePolicy,
    ManagedPolicy,
    NamedEntity,
    PolicyFilter,
    PolicyReference,
    PolicyUsage,
    PolicyVersion,
    Tag,
    UserDetails,
)
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import User
from services.chassis.pages import Page


class GroupStore(Protocol):
    """Groups and their members."""

    async def create_group(self, group: Group, limit: int) -> int:
        """Create a group of an account, which must then have at most `limit`.

        Names are unique in the account without regard to case.
        """

    async def group(self, account_id: str, group_name: str) -> Group:
        """Return a group."""

    async def groups(self, account_id: str, request: PageRequest, path_prefix: str = "") -> Page[Group]:
        """List the groups of an account by name, whose path begins so."""

    async def update_group(
        self, account_id: str, group_name: str, new_name: str, new_path: str
    ) -> tuple[Group, int]:
        """Rename and move a group; what is empty stays. Its id stays, and all that is about the id."""

    async def delete_group(self, account_id: str, group_name: str) -> int:
        """Delete a group that has neither members nor policies."""

    async def add_member(self, account_id: str, group_name: str, user_name: str, limit: int) -> int:
        """Make a user a member, which must then be one of at most `limit` groups; a member stays one."""

    async def remove_member(self, account_id: str, group_name: str, user_name: str) -> int:
        """End a membership. Raises RESOURCE_NOT_FOUND when there is none."""

    async def members(self, account_id: str, group_name: str, request: PageRequest) -> Page[User]:
        """List the members of a group by name."""

    async def groups_of_user(self, account_id: str, user_name: str, request: PageRequest) -> Page[Group]:
        """List the groups of a user by name."""


class InlinePolicyStore(Protocol):
    """Inline policies of users, groups and roles."""

    async def put_policy(self, policy: InlinePolicy, max_chars: int) -> int:
        """Create or replace; all of the entity have at most `max_chars` together, white space not counted."""

    async def policy(self, account_id: str, entity: Entity, policy_name: str) -> InlinePolicy:
        """Return one policy."""

    async def policies(self, account_id: str, entity: Entity, request: PageRequest) -> Page[InlinePolicy]:
        """List an entity's policies by name."""

    async def delete_policy(self, account_id: str, entity: Entity, policy_name: str) -> int:
        """Delete one policy."""


class ManagedPolicyStore(Protocol):
    """Managed policies and their versions. Built-in ones are read alone, and belong to every account."""

    async def create_policy(self, policy: ManagedPolicy, version: PolicyVersion, limit: int) -> int:
        """Create a policy of an account, which must then have at most `limit`, with version and tags."""

    async def managed_policy(self, account_id: str, policy: PolicyReference) -> ManagedPolicy:
        """Return a policy, with its tags and how often the account uses it."""

    async def managed_policies(
        self, account_id: str, wanted: PolicyFilter, request: PageRequest
    ) -> Page[ManagedPolicy]:
        """List policies: built-in ones, then those of the account, each by name."""

    async def delete_policy(self, policy: PolicyReference) -> int:
        """Delete a policy that nothing uses and that has one version. Raises RESOURCE_STATE."""

    async def create_version(
        self,
        policy: PolicyReference,
        document: str,
        canonical: str,
        created_at: datetime,
        *,
        as_default: bool,
        limit: int,
    ) -> tuple[PolicyVersion, int]:
        """Add a version to a policy, which must then have at most `limit`. No number is given twice."""

    async def version(self, policy: PolicyReference, number: int) -> PolicyVersion:
        """Return one version."""

    async def versions(self, policy: PolicyReference, request: PageRequest) -> Page[PolicyVersion]:
        """List the versions of a policy, newest first."""

    async def set_default_version(self, policy: PolicyReference, number: int) -> int:
        """Choose the version in force."""

    async def delete_version(self, policy: PolicyReference, number: int) -> int:
        """Delete a version. Raises RESOURCE_STATE for the one in force."""


class AttachmentStore(Protocol):
    """Which entity has which managed policy: attached, or as its permissions boundary."""

    async def attach(self, account_id: str, entity: Entity, policy: PolicyReference, limit: int) -> int:
        """Attach a policy to an entity, which must then have at most `limit`; an attached one stays so."""

    async def detach(self, account_id: str, entity: Entity, policy: PolicyReference) -> int:
        """Detach a policy. Raises RESOURCE_NOT_FOUND when it is not attached."""

    async def attached(
        self, account_id: str, entity: Entity, request: PageRequest, path_prefix: str = ""
    ) -> Page[PolicyReference]:
        """List what is attached to an entity, by name, whose path begins so."""

    async def entities(
        self,
        account_id: str,
        policy: PolicyReference,
        usage: PolicyUsage,
        kind: EntityKind | None,
        request: PageRequest,
        path_prefix: str = "",
    ) -> Page[NamedEntity]:
        """List the entities of the account that use a policy, by kind and name; of all kinds for None.

        Only those whose own path begins with `path_prefix`.
        """

    async def put_boundary(self, account_id: str, entity: Entity, policy: PolicyReference) -> int:
        """Make a policy the permissions boundary of an entity, instead of an earlier one."""

    async def delete_boundary(self, account_id: str, entity: Entity) -> int:
        """Remove an entity's boundary. Raises RESOURCE_NOT_FOUND when it has none."""


class EntityReader(Protocol):
    """What decides about actions on entities."""

    async def facts(self, account_id: str, entity: Entity) -> EntityFacts | None:
        """Return it in one consistent reading; None when there is no such entity."""


class TagStore(Protocol):
    """Tags of entities."""

    async def tag(self, account_id: str, entity: Entity, tags: Sequence[Tag], limit: int) -> int:
        """Add tags to an entity, which must then have at most `limit`; one of its keys is replaced."""

    async def untag(self, account_id: str, entity: Entity, keys: Sequence[str]) -> int:
        """Remove tags by their keys, in any case; keys that the entity does not have are no error."""

    async def tags(self, account_id: str, entity: Entity, request: PageRequest) -> Page[Tag]:
        """List an entity's tags by key, without regard to case."""

    async def user_details(self, account_id: str, user_name: str) -> UserDetails:
        """Return a user with its boundary and tags, in one consistent reading."""
