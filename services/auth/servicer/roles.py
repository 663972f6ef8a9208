"""Roles and temporary credentials."""

from datetime import timedelta
from typing import Any

from craton.auth.v1 import (
    role_service_pb2,
    role_service_pb2_grpc,
    session_service_pb2,
    session_service_pb2_grpc,
)
from google.protobuf.duration_pb2 import Duration

from services.auth.domain.identity import Entity, EntityKind, RoleDetails
from services.auth.domain.pages import PageRequest
from services.auth.domain.roles import Role
from services.auth.operations.inline_policies import InlinePolicies
from services.auth.operations.roles import Roles
from services.auth.operations.session_maker import NewSession
from services.auth.operations.sessions import RoleRequest, TemporaryCredentials
from services.auth.operations.tags import Boundaries, Tags
from services.auth.servicer import messages
from services.auth.servicer.messages import timestamp
from services.chassis.context import current_call
from services.chassis.policy.finding_messages import findings_about
from services.chassis.policy.kinds import SESSION, TRUST


class RoleServicer(role_service_pb2_grpc.RoleServiceServicer):
    """RoleService."""

    def __init__(
        self, roles: Roles, inline: InlinePolicies, boundaries: Boundaries, tags: Tags, partition: str
    ) -> None:
        """Serve `roles`, their `inline` policies, their `boundaries` and their `tags`."""
        self._roles = roles
        self._inline = inline
        self._boundaries = boundaries
        self._tags = tags
        self._partition = partition

    async def CreateRole(self, request: Any, context: Any) -> Any:
        """See the contract."""
        role = await self._roles.create(
            current_call(),
            request.role_name,
            request.assume_role_policy_document,
            request.description,
            duration(request, "max_session_duration"),
            path=request.path,
            boundary_arn=request.permissions_boundary,
            tags=messages.tags_of(request.tags),
        )
        return role_service_pb2.CreateRoleResponse(
            role=role_details(role, self._partition),
            findings=findings_about(request.assume_role_policy_document, TRUST),
        )

    async def GetRole(self, request: Any, context: Any) -> Any:
        """See the contract."""
        role = await self._roles.get(current_call(), request.role_name)
        return role_service_pb2.GetRoleResponse(role=role_details(role, self._partition))

    async def ListRoles(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._roles.list(current_call(), wanted, request.path_prefix)
        return role_service_pb2.ListRolesResponse(
            roles=[role_message(role, self._partition) for role in page.items],
            next_page_token=page.next_token,
        )

    async def UpdateRole(self, request: Any, context: Any) -> Any:
        """See the contract."""
        description = request.description if request.HasField("description") else None
        role = await self._roles.update(
            current_call(), request.role_name, description, duration(request, "max_session_duration")
        )
        return role_service_pb2.UpdateRoleResponse(role=role_message(role, self._partition))

    async def UpdateRoleDescription(self, request: Any, context: Any) -> Any:
        """See the contract."""
        role = await self._roles.update(
            current_call(), request.role_name, request.description, None, "iam:UpdateRoleDescription"
        )
        return role_service_pb2.UpdateRoleDescriptionResponse(role=role_message(role, self._partition))

    async def UpdateAssumeRolePolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._roles.update_trust(current_call(), request.role_name, request.policy_document)
        return role_service_pb2.UpdateAssumeRolePolicyResponse(
            findings=findings_about(request.policy_document, TRUST)
        )

    async def DeleteRole(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._roles.delete(current_call(), request.role_name)
        return role_service_pb2.DeleteRoleResponse()

    async def PutRolePolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        policy = await self._inline.put(
            current_call(), _entity(request), request.policy_name, request.document
        )
        return role_service_pb2.PutRolePolicyResponse(
            policy=messages.policy(policy), findings=findings_about(request.document)
        )

    async def GetRolePolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        policy = await self._inline.get(current_call(), _entity(request), request.policy_name)
        return role_service_pb2.GetRolePolicyResponse(policy=messages.policy(policy))

    async def ListRolePolicies(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._inline.list(current_call(), _entity(request), wanted)
        return role_service_pb2.ListRolePoliciesResponse(
            policies=[messages.policy(policy) for policy in page.items], next_page_token=page.next_token
        )

    async def DeleteRolePolicy(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._inline.delete(current_call(), _entity(request), request.policy_name)
        return role_service_pb2.DeleteRolePolicyResponse()

    async def PutRolePermissionsBoundary(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._boundaries.put(current_call(), _entity(request), request.permissions_boundary)
        return role_service_pb2.PutRolePermissionsBoundaryResponse()

    async def DeleteRolePermissionsBoundary(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._boundaries.delete(current_call(), _entity(request))
        return role_service_pb2.DeleteRolePermissionsBoundaryResponse()

    async def TagRole(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._tags.tag(current_call(), _entity(request), messages.tags_of(request.tags))
        return role_service_pb2.TagRoleResponse()

    async def UntagRole(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._tags.untag(current_call(), _entity(request), tuple(request.tag_keys))
        return role_service_pb2.UntagRoleResponse()

    async def ListRoleTags(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._tags.list(current_call(), _entity(request), wanted)
        return role_service_pb2.ListRoleTagsResponse(
            tags=[messages.tag(each) for each in page.items], next_page_token=page.next_token
        )


def role_message(role: Role, partition: str) -> role_service_pb2.Role:
    """Return a role as a message."""
    return role_service_pb2.Role(
        name=f"accounts/{role.account_id}/roles/{role.role_name}",
        role_name=role.role_name,
        role_id=role.role_id,
        arn=role.arn(partition),
        assume_role_policy_document=role.trust,
        description=role.description,
        max_session_duration=Duration(seconds=int(role.max_session.total_seconds())),
        create_time=timestamp(role.created_at),
    )


def role_details(record: RoleDetails, partition: str) -> role_service_pb2.Role:
    """Return a role as a message, with what hangs on it."""
    message = role_message(record.role, partition)
    if record.boundary is not None:
        message.permissions_boundary = messages.arn_of_policy(record.boundary, partition)
    message.tags.extend(messages.tag(each) for each in record.tags)
    return message


def _entity(request: Any) -> Entity:
    return Entity(EntityKind.ROLE, request.role_name)


class SessionServicer(session_service_pb2_grpc.SessionServiceServicer):
    """SessionService."""

    def __init__(self, credentials: TemporaryCredentials, partition: str) -> None:
        """Serve `credentials`."""
        self._credentials = credentials
        self._partition = partition

    async def AssumeRole(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = RoleRequest(
            role_arn=request.role_arn,
            session_name=request.role_session_name,
            duration=duration(request, "duration"),
            policy=request.policy,
            policy_arns=tuple(request.policy_arns),
            external_id=request.external_id,
            tags=tuple((tag.key, tag.value) for tag in request.tags),
            transitive_keys=tuple(request.transitive_tag_keys),
            source_identity=request.source_identity,
        )
        new = await self._credentials.assume_role(current_call(), wanted)
        session = new.session
        return session_service_pb2.AssumeRoleResponse(
            credentials=credentials(new),
            assumed_role_arn=session.principal_arn(self._partition),
            assumed_role_id=session.principal_id,
            packed_policy_size_percent=new.packed_percent,
            source_identity=session.source_identity,
            findings=findings_about(request.policy, SESSION) if request.policy else [],
        )

    async def GetSessionToken(self, request: Any, context: Any) -> Any:
        """See the contract."""
        new = await self._credentials.session_token(current_call(), duration(request, "duration"))
        return session_service_pb2.GetSessionTokenResponse(credentials=credentials(new))


def duration(request: Any, field: str) -> timedelta | None:
    """Return a duration of a request, None when it has none."""
    return getattr(request, field).ToTimedelta() if request.HasField(field) else None


def credentials(new: NewSession) -> session_service_pb2.TemporaryCredentials:
    """Return the credentials of a new session as a message: they are in this answer and nowhere else."""
    return session_service_pb2.TemporaryCredentials(
        access_key_id=new.session.access_key_id,
        secret_access_key=new.secret.reveal().decode(),
        session_token=new.token.reveal().decode(),
        expire_time=timestamp(new.session.expires_at),
    )
