"""Who callers are."""

from typing import Any

from craton.auth.v1 import security_token_service_pb2, security_token_service_pb2_grpc

from services.auth.operations.caller_identity import CallerIdentity
from services.chassis.context import current_call


class SecurityTokenServicer(security_token_service_pb2_grpc.SecurityTokenServiceServicer):
    """SecurityTokenService."""

    def __init__(self, identity: CallerIdentity) -> None:
        """Serve `identity`."""
        self._identity = identity

    async def GetCallerIdentity(self, request: Any, context: Any) -> Any:
        """See the contract."""
        claims = await self._identity.caller(current_call())
        return security_token_service_pb2.GetCallerIdentityResponse(
            user_id=claims.principal_id, account_id=claims.account_id, arn=claims.arn
        )

    async def GetAccessKeyInfo(self, request: Any, context: Any) -> Any:
        """See the contract."""
        account_id = await self._identity.account_of_key(current_call(), request.access_key_id)
        return security_token_service_pb2.GetAccessKeyInfoResponse(account_id=account_id)
