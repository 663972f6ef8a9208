"""Roles that are passed to services."""

from typing import Any

from craton.auth.v1 import passed_role_service_pb2, passed_role_service_pb2_grpc

from services.auth.operations.passed_roles import PassedRoles
from services.auth.servicer.messages import expiry, timestamp
from services.chassis.context import current_call


class PassedRoleServicer(passed_role_service_pb2_grpc.PassedRoleServiceServicer):
    """PassedRoleService."""

    def __init__(self, passed: PassedRoles, partition: str) -> None:
        """Serve `passed`, with ARNs of `partition`."""
        self._passed = passed
        self._partition = partition

    async def PassRole(self, request: Any, context: Any) -> Any:
        """See the contract."""
        passed, role = await self._passed.pass_role(current_call(), request.role_arn, request.resource_arn)
        return passed_role_service_pb2.PassRoleResponse(
            passed_role=passed_role_service_pb2.PassedRole(
                pass_id=passed.pass_id,
                role_arn=role.arn(self._partition),
                role_id=passed.role_id,
                account_id=passed.account_id,
                resource_arn=passed.resource_arn,
                create_time=timestamp(passed.created_at),
            )
        )

    async def AssumePassedRole(self, request: Any, context: Any) -> Any:
        """See the contract."""
        token, claims = await self._passed.assume(
            current_call(), request.pass_id, request.resource_arn, request.audience
        )
        return passed_role_service_pb2.AssumePassedRoleResponse(
            token=token, expire_time=expiry(claims), assumed_role_arn=claims.arn
        )

    async def RevokePassedRole(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._passed.revoke(current_call(), request.pass_id)
        return passed_role_service_pb2.RevokePassedRoleResponse()
