"""Service-specific credentials."""

from datetime import datetime
from typing import Any

from craton.auth.v1 import service_credential_service_pb2 as pb
from craton.auth.v1 import service_credential_service_pb2_grpc as rpc

from services.auth.domain.pages import PageRequest
from services.auth.domain.records import KeyStatus, ServiceCredential
from services.auth.operations.service_credentials import ServiceCredentials
from services.auth.servicer.messages import timestamp
from services.chassis.clock import Clock
from services.chassis.context import current_call

_STATUS_OF = {
    pb.SERVICE_CREDENTIAL_STATUS_ACTIVE: KeyStatus.ACTIVE,
    pb.SERVICE_CREDENTIAL_STATUS_INACTIVE: KeyStatus.INACTIVE,
}
_MESSAGE_OF = {status: message for message, status in _STATUS_OF.items()}


class ServiceCredentialServicer(rpc.ServiceCredentialServiceServicer):
    """ServiceCredentialService."""

    def __init__(self, credentials: ServiceCredentials, clock: Clock) -> None:
        """Serve `credentials`; `clock` says which have expired."""
        self._credentials = credentials
        self._clock = clock

    async def CreateServiceSpecificCredential(self, request: Any, context: Any) -> Any:
        """See the contract."""
        days = request.credential_age_days if request.HasField("credential_age_days") else None
        new = await self._credentials.create(current_call(), request.user_name, request.service_name, days)
        return pb.CreateServiceSpecificCredentialResponse(
            credential=self._message(new.credential), api_key=new.api_key.reveal().decode()
        )

    async def ListServiceSpecificCredentials(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._credentials.list(
            current_call(), request.user_name or None, request.service_name, wanted
        )
        return pb.ListServiceSpecificCredentialsResponse(
            credentials=[self._message(each) for each in page.items], next_page_token=page.next_token
        )

    async def UpdateServiceSpecificCredential(self, request: Any, context: Any) -> Any:
        """See the contract."""
        status = _STATUS_OF[request.status]
        credential = await self._credentials.update(
            current_call(), request.user_name, request.credential_id, status
        )
        return pb.UpdateServiceSpecificCredentialResponse(credential=self._message(credential))

    async def ResetServiceSpecificCredential(self, request: Any, context: Any) -> Any:
        """See the contract."""
        new = await self._credentials.reset(current_call(), request.user_name, request.credential_id)
        return pb.ResetServiceSpecificCredentialResponse(
            credential=self._message(new.credential), api_key=new.api_key.reveal().decode()
        )

    async def DeleteServiceSpecificCredential(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._credentials.delete(current_call(), request.user_name, request.credential_id)
        return pb.DeleteServiceSpecificCredentialResponse()

    def _message(self, record: ServiceCredential) -> pb.ServiceSpecificCredential:
        now: datetime = self._clock.now()
        status = _MESSAGE_OF[record.status]
        return pb.ServiceSpecificCredential(
            credential_id=record.credential_id,
            user_name=record.user.user_name,
            service_name=record.service_name,
            alias=record.alias,
            status=pb.SERVICE_CREDENTIAL_STATUS_EXPIRED if record.expired(now) else status,
            create_time=timestamp(record.created_at),
            expire_time=None if record.expires_at is None else timestamp(record.expires_at),
        )
