"""Groups, their members and their inline policies, as the caller's own policies allow."""

from services.auth.domain.identity import Entity, EntityKind, Group, GroupPolicy
from services.auth.domain.ids import new_group_id
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import User
from services.auth.operations.admission import Caller
from services.auth.operations.entities import IdentityAdmission
from services.auth.ports import Revocations
from services.auth.ports_identity import GroupStore
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pages import Page
from services.chassis.policy.document import canonical, parse
from services.chassis.randomness import Randomness

_MAX_GROUPS = 300
"""Groups an account may have, as at AWS."""

_MAX_GROUPS_OF_USER = 10
"""Groups a user may be in, as at AWS."""

_MAX_POLICY_CHARS = 5_120
"""Characters of all inline policies of a group, as at AWS."""


class Groups:
    """Manages the groups of the caller's account."""

    def __init__(
        self,
        store: GroupStore,
        admission: IdentityAdmission,
        revocations: Revocations,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """Keep groups in `store`."""
        self._store = store
        self._admission = admission
        self._revocations = revocations
        self._clock = clock
        self._randomness = randomness

    async def create(self, call: CallContext, group_name: str) -> Group:
        """Create a group (iam:CreateGroup)."""
        caller = await self._admit(call, "iam:CreateGroup", group_name)
        group = Group(caller.account_id, group_name, new_group_id(self._randomness), self._clock.now())
        await self._publish(caller, await self._store.create_group(group, _MAX_GROUPS))
        return group

    async def get(self, call: CallContext, group_name: str, request: PageRequest) -> tuple[Group, Page[User]]:
        """Return a group and a page of its members (iam:GetGroup)."""
        caller = await self._admit(call, "iam:GetGroup", group_name)
        group = await self._store.group(caller.account_id, group_name)
        return group, await self._store.members(caller.account_id, group_name, request)

    async def list(self, call: CallContext, request: PageRequest) -> Page[Group]:
        """List groups (iam:ListGroups)."""
        caller = await self._admission.admit_all_groups(call, "iam:ListGroups")
        return await self._store.groups(caller.account_id, request)

    async def delete(self, call: CallContext, group_name: str) -> None:
        """Delete a group that has neither members nor policies (iam:DeleteGroup)."""
        caller = await self._admit(call, "iam:DeleteGroup", group_name)
        await self._publish(caller, await self._store.delete_group(caller.account_id, group_name))

    async def add_user(self, call: CallContext, group_name: str, user_name: str) -> None:
        """Make a user a member (iam:AddUserToGroup on the group)."""
        caller = await self._admit(call, "iam:AddUserToGroup", group_name)
        epoch = await self._store.add_member(caller.account_id, group_name, user_name, _MAX_GROUPS_OF_USER)
        await self._publish(caller, epoch)

    async def remove_user(self, call: CallContext, group_name: str, user_name: str) -> None:
        """End a membership (iam:RemoveUserFromGroup on the group)."""
        caller = await self._admit(call, "iam:RemoveUserFromGroup", group_name)
        epoch = await self._store.remove_member(caller.account_id, group_name, user_name)
        await self._publish(caller, epoch)

    async def of_user(self, call: CallContext, user_name: str, request: PageRequest) -> Page[Group]:
        """List the groups of a user (iam:ListGroupsForUser on the user)."""
        user = Entity(EntityKind.USER, user_name)
        caller = await self._admission.admit(call, "iam:ListGroupsForUser", user)
        return await self._store.groups_of_user(caller.account_id, user_name, request)

    async def put_policy(
        self, call: CallContext, group_name: str, policy_name: str, document: str
    ) -> GroupPolicy:
        """Create or replace an inline policy (iam:PutGroupPolicy). Raises UNSUPPORTED_POLICY."""
        caller = await self._admit(call, "iam:PutGroupPolicy", group_name)
        policy = GroupPolicy(
            caller.account_id,
            group_name,
            policy_name,
            document,
            canonical(parse(document)),
            self._clock.now(),
        )
        await self._publish(caller, await self._store.put_group_policy(policy, _MAX_POLICY_CHARS))
        return policy

    async def get_policy(self, call: CallContext, group_name: str, policy_name: str) -> GroupPolicy:
        """Return an inline policy (iam:GetGroupPolicy)."""
        caller = await self._admit(call, "iam:GetGroupPolicy", group_name)
        return await self._store.group_policy(caller.account_id, group_name, policy_name)

    async def list_policies(
        self, call: CallContext, group_name: str, request: PageRequest
    ) -> Page[GroupPolicy]:
        """List inline policies (iam:ListGroupPolicies)."""
        caller = await self._admit(call, "iam:ListGroupPolicies", group_name)
        return await self._store.group_policies(caller.account_id, group_name, request)

    async def delete_policy(self, call: CallContext, group_name: str, policy_name: str) -> None:
        """Delete an inline policy (iam:DeleteGroupPolicy)."""
        caller = await self._admit(call, "iam:DeleteGroupPolicy", group_name)
        epoch = await self._store.delete_group_policy(caller.account_id, group_name, policy_name)
        await self._publish(caller, epoch)

    async def _admit(self, call: CallContext, action: str, group_name: str) -> Caller:
        return await self._admission.admit(call, action, Entity(EntityKind.GROUP, group_name))

    async def _publish(self, caller: Caller, epoch: int) -> None:
        await self._revocations.publish(caller.account_id, epoch)
