"""IAM's service-specific credentials, answered by auth: long-term API keys of Amazon Bedrock."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from craton.auth.v1 import service_credential_service_pb2 as pb
from craton.auth.v1 import service_credential_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.edge.adapters.iam_values import invalid, page, rest, second, user_name_of
from services.edge.adapters.upstream import ask
from services.edge.domain.query_faults import unsupported_service
from services.edge.ports import Caller

_BEDROCK = "bedrock.amazonaws.com"
_STATUS = {
    "Active": pb.SERVICE_CREDENTIAL_STATUS_ACTIVE,
    "Inactive": pb.SERVICE_CREDENTIAL_STATUS_INACTIVE,
}
_STATUS_NAME = {
    **{status: name for name, status in _STATUS.items()},
    pb.SERVICE_CREDENTIAL_STATUS_EXPIRED: "Expired",
}


class ServiceCredentials:
    """Service-specific credentials of users."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which leads to auth."""
        self._stub = rpc.ServiceCredentialServiceStub(channel)

    async def create(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Create a credential; its API key is in this answer and nowhere else."""
        _require_bedrock(values)
        request = pb.CreateServiceSpecificCredentialRequest(
            user_name=user_name_of(values, caller),
            service_name=values["ServiceName"],
            credential_age_days=values.get("CredentialAgeDays"),
        )
        answer = await ask(self._stub.CreateServiceSpecificCredential(request, metadata=caller.metadata))
        return _with_key(answer)

    async def list(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List the credentials of a user, or with AllUsers of the whole account."""
        _require_bedrock(values)
        if values.get("AllUsers") and "UserName" in values:
            raise invalid("AllUsers and UserName cannot be given together.")
        user_name = "" if values.get("AllUsers") else user_name_of(values, caller)
        request = pb.ListServiceSpecificCredentialsRequest(
            user_name=user_name, service_name=values.get("ServiceName", ""), **page(values)
        )
        answer = await ask(self._stub.ListServiceSpecificCredentials(request, metadata=caller.metadata))
        found = [_credential(each) for each in answer.credentials]
        return {"ServiceSpecificCredentials": found, **rest(answer.next_page_token)}

    async def update(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Activate or deactivate a credential."""
        status = _STATUS.get(values["Status"])
        if status is None:
            raise invalid("A service-specific credential can be made Active or Inactive.")
        request = pb.UpdateServiceSpecificCredentialRequest(
            user_name=user_name_of(values, caller),
            credential_id=values["ServiceSpecificCredentialId"],
            status=status,
        )
        await ask(self._stub.UpdateServiceSpecificCredential(request, metadata=caller.metadata))
        return {}

    async def reset(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Give a credential another API key; it is in this answer and nowhere else."""
        request = pb.ResetServiceSpecificCredentialRequest(
            user_name=user_name_of(values, caller), credential_id=values["ServiceSpecificCredentialId"]
        )
        answer = await ask(self._stub.ResetServiceSpecificCredential(request, metadata=caller.metadata))
        return _with_key(answer)

    async def delete(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Delete a credential."""
        request = pb.DeleteServiceSpecificCredentialRequest(
            user_name=user_name_of(values, caller), credential_id=values["ServiceSpecificCredentialId"]
        )
        await ask(self._stub.DeleteServiceSpecificCredential(request, metadata=caller.metadata))
        return {}


def _require_bedrock(values: Mapping[str, Any]) -> None:
    if values.get("ServiceName", _BEDROCK) != _BEDROCK:
        raise unsupported_service()


def _with_key(answer: Any) -> Mapping[str, Any]:
    shown = {**_credential(answer.credential), "ServiceCredentialSecret": answer.api_key}
    return {"ServiceSpecificCredential": shown}


def _credential(message: pb.ServiceSpecificCredential) -> Mapping[str, Any]:
    expires = message.HasField("expire_time")
    return {
        "UserName": message.user_name,
        "ServiceName": message.service_name,
        "ServiceSpecificCredentialId": message.credential_id,
        "ServiceCredentialAlias": message.alias,
        "Status": _STATUS_NAME[message.status],
        "CreateDate": second(message.create_time.ToDatetime(UTC)),
        "ExpirationDate": second(message.expire_time.ToDatetime(UTC)) if expires else None,
    }
