"""Who is meant by a name, as auth says."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import grpc
from craton.auth.v1 import resource_policy_service_pb2, resource_policy_service_pb2_grpc

from services.chassis.arn import IamEntity, iam_entity
from services.chassis.rich_status import from_rpc_error

_TIMEOUT_S = 2.0


class AuthPrincipals:
    """A PrincipalDirectory over auth.v1.ResourcePolicyService."""

    def __init__(self, channel: Any, partition: str) -> None:
        """Ask over `channel`, a channel to auth, about principals of `partition`."""
        self._stub: Any = resource_policy_service_pb2_grpc.ResourcePolicyServiceStub(channel)
        self._partition = partition

    async def bind(self, names: Sequence[str], known_ids: Collection[str] = ()) -> Sequence[str]:
        """Ask auth, as PrincipalDirectory says."""
        if not names:
            return ()
        request = resource_policy_service_pb2.BindPrincipalsRequest(names=names, known_ids=sorted(known_ids))
        try:
            response = await self._stub.BindPrincipals(request, timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "the auth service") from error
        return tuple(response.bound)

    async def living(self, unique_ids: Collection[str]) -> Mapping[str, IamEntity]:
        """Ask auth, as PrincipalDirectory says."""
        if not unique_ids:
            return {}
        request = resource_policy_service_pb2.TellPrincipalsRequest(unique_ids=sorted(unique_ids))
        try:
            response = await self._stub.TellPrincipals(request, timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "the auth service") from error
        return {each.unique_id: iam_entity(each.arn, self._partition) for each in response.principals}
