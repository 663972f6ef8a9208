"""Users, their access keys and their policies."""

from typing import Any

from craton.auth.v1 import (
    access_key_service_pb2,
    access_key_service_pb2_grpc,
    policy_service_pb2,
    policy_service_pb2_grpc,
    user_service_pb2,
    user_service_pb2_grpc,
)

from services.auth.domain.identity import Entity, EntityKind
from services.auth.domain.pages import PageRequest
from services.auth.operations.inline_policies import InlinePolicies
from services.auth.operations.key_uses import LastUses
from services.auth.operations.tags import Boundaries, Tags
from services.auth.operations.users import AccessKeys, Users
from services.auth.servicer import messages
from services.chassis.context import current_call
from services.chassis.policy.finding_messages import findings_about


class UserServicer(user_service_pb2_grpc.UserServiceServicer):
    """UserService."""

    def __init__(self, users: Users, boundaries: Boundaries, tags: Tags, partition: str) -> None:
        """Serve `users`, their `boundaries` and their `tags`."""
        self._users = users
        self._boundaries = boundaries
        self._tags = tags
        self._partition = partition

    async def CreateUser(self, request: Any, context: Any) -> Any:
        """See the contract."""
        user = await self._users.create(
            current_call(),
            request.user_name,
            request.permissions_boundary,
            messages.tags_of(request.tags),
            request.path,
        )
        return user_service_pb2.CreateUserResponse(user=messages.user_details(user, self._partition))

    async def GetUser(self, request: Any, context: Any) -> Any:
        """See the contract."""
        user = await self._users.get(current_call(), request.user_name)
        return user_service_pb2.GetUserResponse(user=messages.user_details(user, self._partition))

    async def ListUsers(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._users.list(current_call(), wanted, request.path_prefix)
        return user_service_pb2.ListUsersResponse(
            users=[messages.user(user, self._partition) for user in page.items],
            next_page_token=page.next_token,
        )

    async def UpdateUser(self, request: Any, context: Any) -> Any:
        """See the contract."""
        user = await self._users.update(
            current_call(), request.user_name, request.new_user_name, request.new_path
        )
        return user_service_pb2.UpdateUserResponse(user=messages.user(user, self._partition))

    async def DeleteUser(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._users.delete(current_call(), request.user_name)
        return user_service_pb2.DeleteUserResponse()

    async def PutUserPermissionsBoundary(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._boundaries.put(current_call(), _user(request), request.permissions_boundary)
        return user_service_pb2.PutUserPermissionsBoundaryResponse()

    async def DeleteUserPermissionsBoundary(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._boundaries.delete(current_call(), _user(request))
        return user_service_pb2.DeleteUserPermissionsBoundaryResponse()

    async def TagUser(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._tags.tag(current_call(), _user(request), messages.tags_of(request.tags))
        return user_service_pb2.TagUserResponse()

    async def UntagUser(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._tags.untag(current_call(), _user(request), tuple(request.tag_keys))
        return user_service_pb2.UntagUserResponse()

    async def ListUserTags(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._tags.list(current_call(), _user(request), wanted)
        return user_service_pb2.ListUserTagsResponse(
            tags=[messages.tag(tag) for tag in page.items], next_page_token=page.next_token
        )


class AccessKeyServicer(access_key_service_pb2_grpc.AccessKeyServiceServicer):
    """AccessKeyService."""

    def __init__(self, keys: AccessKeys, uses: LastUses) -> None:
        """Serve `keys` and their last `uses`."""
        self._keys = keys
        self._uses = uses

    async def CreateAccessKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        new = await self._keys.create(current_call(), request.user_name)
        return access_key_service_pb2.CreateAccessKeyResponse(
            access_key=messages.access_key(new.key), secret_access_key=new.secret.reveal().decode()
        )

    async def ListAccessKeys(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._keys.list(current_call(), request.user_name, wanted)
        return access_key_service_pb2.ListAccessKeysResponse(
            access_keys=[messages.access_key(key) for key in page.items], next_page_token=page.next_token
        )

    async def UpdateAccessKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        status = messages.STATUS_OF_MESSAGE[request.status]
        key = await self._keys.update(current_call(), request.user_name, request.access_key_id, status)
        return access_key_service_pb2.UpdateAccessKeyResponse(access_key=messages.access_key(key))

    async def GetAccessKeyLastUsed(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key, use = await self._uses.last(current_call(), request.access_key_id)
        answer = access_key_service_pb2.GetAccessKeyLastUsedResponse(
            user_name="" if key.user is None else key.user.user_name
        )
        if use is not None:
            answer.last_used_time.FromDatetime(use.used_at)
            answer.region, answer.service = use.region, use.service
        return answer

    async def DeleteAccessKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._keys.delete(current_call(), request.user_name, request.access_key_id)
        return access_key_service_pb2.DeleteAccessKeyResponse()


class PolicyServicer(policy_service_pb2_grpc.PolicyServiceServicer):
    """PolicyService."""

    def __init__(self, policies: InlinePolicies) -> None:
        """Serve `policies`."""
        self._policies = policies

    async def PutUserPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        policy = await self._policies.put(
            current_call(), _user(request), request.policy_name, request.document
        )
        return policy_service_pb2.PutUserPolicyResponse(
            policy=messages.policy(policy), findings=findings_about(request.document)
        )

    async def GetUserPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        policy = await self._policies.get(current_call(), _user(request), request.policy_name)
        return policy_service_pb2.GetUserPolicyResponse(policy=messages.policy(policy))

    async def ListUserPolicies(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._policies.list(current_call(), _user(request), wanted)
        return policy_service_pb2.ListUserPoliciesResponse(
            policies=[messages.policy(policy) for policy in page.items], next_page_token=page.next_token
        )

    async def DeleteUserPolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._policies.delete(current_call(), _user(request), request.policy_name)
        return policy_service_pb2.DeleteUserPolicyResponse()


def _user(request: Any) -> Entity:
    return Entity(EntityKind.USER, request.user_name)
