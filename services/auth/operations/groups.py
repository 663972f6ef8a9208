"""Groups and their members, as the caller's own policies allow."""

from dataclasses import dataclass

from services.auth.domain.identity import Entity, EntityKind, Group
from services.auth.domain.ids import new_group_id
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import User
from services.auth.operations.admission import Caller
from services.auth.operations.entities import IdentityAdmission
from services.auth.ports.identity import GroupStore
from services.auth.ports.revocation import Revocations
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.chassis.randomness import Randomness

MAX_GROUPS = 300
"""Groups an account may have, as at AWS."""

MAX_GROUPS_OF_USER = 10
"""Groups a user may be in, as at AWS."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Manages the groups of the caller's account."""

    store: GroupStore
    admission: IdentityAdmission
    revocations: Revocations
    clock: Clock
    randomness: Randomness

    async def create(self, call: CallContext, group_name: str, path: str = "") -> Group:
        """Create a group (iam:CreateGroup)."""
        entity = Entity(EntityKind.GROUP, group_name)
        caller = await self.admission.admit_new(call, "iam:CreateGroup", entity, path)
        now = self.clock.now()
        group = Group(caller.account_id, group_name, new_group_id(self.randomness), now, path or "/")
        await self._publish(caller, await self.store.create_group(group, MAX_GROUPS))
        return group

    async def get(self, call: CallContext, group_name: str, request: PageRequest) -> tuple[Group, Page[User]]:
        """Return a group and a page of its members (iam:GetGroup)."""
        caller = await self._admit(call, "iam:GetGroup", group_name)
        group = await self.store.group(caller.account_id, group_name)
        return group, await self.store.members(caller.account_id, group_name, request)

    async def list(self, call: CallContext, request: PageRequest, path_prefix: str = "") -> Page[Group]:
        """List groups (iam:ListGroups)."""
        caller = await self.admission.admit_listing(call, "iam:ListGroups", EntityKind.GROUP, path_prefix)
        return await self.store.groups(caller.account_id, request, path_prefix)

    async def update(self, call: CallContext, group_name: str, new_name: str, new_path: str) -> Group:
        """Rename and move a group; what is empty stays (iam:UpdateGroup, on both its ARNs)."""
        entity = Entity(EntityKind.GROUP, group_name)
        caller = await self.admission.admit_move(call, "iam:UpdateGroup", entity, new_name, new_path)
        group, epoch = await self.store.update_group(caller.account_id, group_name, new_name, new_path)
        await self._publish(caller, epoch)
        return group

    async def delete(self, call: CallContext, group_name: str) -> None:
        """Delete a group that has neither members nor policies (iam:DeleteGroup)."""
        caller = await self._admit(call, "iam:DeleteGroup", group_name)
        await self._publish(caller, await self.store.delete_group(caller.account_id, group_name))

    async def add_user(self, call: CallContext, group_name: str, user_name: str) -> None:
        """Make a user a member (iam:AddUserToGroup on the group)."""
        caller = await self._admit(call, "iam:AddUserToGroup", group_name)
        epoch = await self.store.add_member(caller.account_id, group_name, user_name, MAX_GROUPS_OF_USER)
        await self._publish(caller, epoch)

    async def remove_user(self, call: CallContext, group_name: str, user_name: str) -> None:
        """End a membership (iam:RemoveUserFromGroup on the group)."""
        caller = await self._admit(call, "iam:RemoveUserFromGroup", group_name)
        epoch = await self.store.remove_member(caller.account_id, group_name, user_name)
        await self._publish(caller, epoch)

    async def of_user(self, call: CallContext, user_name: str, request: PageRequest) -> Page[Group]:
        """List the groups of a user (iam:ListGroupsForUser on the user)."""
        user = Entity(EntityKind.USER, user_name)
        caller = await self.admission.admit(call, "iam:ListGroupsForUser", user)
        return await self.store.groups_of_user(caller.account_id, user_name, request)

    async def _admit(self, call: CallContext, action: str, group_name: str) -> Caller:
        return await self.admission.admit(call, action, Entity(EntityKind.GROUP, group_name))

    async def _publish(self, caller: Caller, epoch: int) -> None:
        await self.revocations.publish(caller.account_id, epoch)
