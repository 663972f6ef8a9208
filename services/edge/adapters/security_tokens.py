"""STS, answered by auth."""

from collections.abc import Mapping
from typing import Any

from craton.auth.v1 import security_token_service_pb2 as pb
from craton.auth.v1 import security_token_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.edge.adapters.upstream import ask
from services.edge.ports import Caller


class SecurityTokens:
    """Who is calling, and whose an access key is."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which leads to auth."""
        self._stub = rpc.SecurityTokenServiceStub(channel)

    async def get_caller_identity(self, _values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Say who the caller is."""
        request = pb.GetCallerIdentityRequest()
        answer = await ask(self._stub.GetCallerIdentity(request, metadata=caller.metadata))
        return {"UserId": answer.user_id, "Account": answer.account_id, "Arn": answer.arn}

    async def get_access_key_info(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Say which account an access key belongs to."""
        request = pb.GetAccessKeyInfoRequest(access_key_id=values["AccessKeyId"])
        answer = await ask(self._stub.GetAccessKeyInfo(request, metadata=caller.metadata))
        return {"Account": answer.account_id}
