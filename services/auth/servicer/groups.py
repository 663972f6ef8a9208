"""Groups of users."""

from typing import Any

from craton.auth.v1 import group_service_pb2 as pb
from craton.auth.v1 import group_service_pb2_grpc

from services.auth.domain.identity import Entity, EntityKind, Group
from services.auth.domain.pages import PageRequest
from services.auth.operations.groups import Groups
from services.auth.operations.inline_policies import InlinePolicies
from services.auth.servicer import messages
from services.auth.servicer.messages import timestamp
from services.chassis.arn import group_arn
from services.chassis.context import current_call
from services.chassis.policy.finding_messages import findings_about


class GroupServicer(group_service_pb2_grpc.GroupServiceServicer):
    """GroupService."""

    def __init__(self, groups: Groups, inline: InlinePolicies, partition: str) -> None:
        """Serve `groups` and their `inline` policies."""
        self._groups = groups
        self._inline = inline
        self._partition = partition

    async def CreateGroup(self, request: Any, context: Any) -> Any:
        """See the contract."""
        group = await self._groups.create(current_call(), request.group_name, request.path)
        return pb.CreateGroupResponse(group=group_message(group, self._partition))

    async def GetGroup(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        group, page = await self._groups.get(current_call(), request.group_name, wanted)
        return pb.GetGroupResponse(
            group=group_message(group, self._partition),
            users=[messages.user(user, self._partition) for user in page.items],
            next_page_token=page.next_token,
        )

    async def ListGroups(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._groups.list(current_call(), wanted, request.path_prefix)
        return pb.ListGroupsResponse(
            groups=[group_message(group, self._partition) for group in page.items],
            next_page_token=page.next_token,
        )

    async def UpdateGroup(self, request: Any, context: Any) -> Any:
        """See the contract."""
        group = await self._groups.update(
            current_call(), request.group_name, request.new_group_name, request.new_path
        )
        return pb.UpdateGroupResponse(group=group_message(group, self._partition))

    async def DeleteGroup(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._groups.delete(current_call(), request.group_name)
        return pb.DeleteGroupResponse()

    async def AddUserToGroup(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._groups.add_user(current_call(), request.group_name, request.user_name)
        return pb.AddUserToGroupResponse()

    async def RemoveUserFromGroup(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._groups.remove_user(current_call(), request.group_name, request.user_name)
        return pb.RemoveUserFromGroupResponse()

    async def ListGroupsForUser(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._groups.of_user(current_call(), request.user_name, wanted)
        return pb.ListGroupsForUserResponse(
            groups=[group_message(group, self._partition) for group in page.items],
            next_page_token=page.next_token,
        )

    async def PutGroupPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        policy = await self._inline.put(
            current_call(), _entity(request), request.policy_name, request.document
        )
        return pb.PutGroupPolicyResponse(
            policy=messages.policy(policy), findings=findings_about(request.document)
        )

    async def GetGroupPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        policy = await self._inline.get(current_call(), _entity(request), request.policy_name)
        return pb.GetGroupPolicyResponse(policy=messages.policy(policy))

    async def ListGroupPolicies(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._inline.list(current_call(), _entity(request), wanted)
        return pb.ListGroupPoliciesResponse(
            policies=[messages.policy(policy) for policy in page.items], next_page_token=page.next_token
        )

    async def DeleteGroupPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._inline.delete(current_call(), _entity(request), request.policy_name)
        return pb.DeleteGroupPolicyResponse()


def group_message(group: Group, partition: str) -> pb.Group:
    """Return a group as a message."""
    return pb.Group(
        name=f"accounts/{group.account_id}/groups/{group.group_name}",
        group_name=group.group_name,
        group_id=group.group_id,
        arn=group_arn(group.account_id, group.group_name, partition, group.path),
        create_time=timestamp(group.created_at),
    )


def _entity(request: Any) -> Entity:
    return Entity(EntityKind.GROUP, request.group_name)
