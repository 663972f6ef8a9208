"""Who callers are."""

from typing import Any

from craton.auth.v1 import security_token_service_pb2, security_token_service_pb2_grpc

from services.auth.errors import access_key_not_found
from services.auth.operations.admission import Admission
from services.auth.ports import CredentialStore
from services.chassis.context import current_call


class SecurityTokenServicer(security_token_service_pb2_grpc.SecurityTokenServiceServicer):
    """SecurityTokenService."""

    def __init__(self, admission: Admission, credentials: CredentialStore) -> None:
        """Identify callers by `admission`, look access keys up in `credentials`."""
        self._admission = admission
        self._credentials = credentials

    async def GetCallerIdentity(self, request: Any, context: Any) -> Any:
        """See the contract."""
        claims = (await self._admission.identify(current_call())).claims
        return security_token_service_pb2.GetCallerIdentityResponse(
            user_id=claims.principal_id, account_id=claims.account_id, arn=claims.arn
        )

    async def GetAccessKeyInfo(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._admission.authorize(current_call(), "sts:GetAccessKeyInfo", "*")
        state = await self._credentials.principal_state(request.access_key_id)
        if state is None:
            raise access_key_not_found(request.access_key_id)
        return security_token_service_pb2.GetAccessKeyInfoResponse(account_id=state.account.account_id)
