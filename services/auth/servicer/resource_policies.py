"""What services need that keep policies of resources."""

from typing import Any

from craton.auth.v1 import resource_policy_service_pb2, resource_policy_service_pb2_grpc

from services.auth.operations.resource_policies import ResourcePolicies
from services.auth.servicer.authentication import LEASE
from services.chassis.context import current_call


class ResourcePolicyServicer(resource_policy_service_pb2_grpc.ResourcePolicyServiceServicer):
    """ResourcePolicyService."""

    def __init__(self, policies: ResourcePolicies) -> None:
        """Serve `policies`."""
        self._policies = policies

    async def GetResourceLease(self, request: Any, context: Any) -> Any:
        """See the contract."""
        granted = await self._policies.lease(
            current_call(), request.account_id, request.known_digest, request.instance_id
        )
        response = resource_policy_service_pb2.GetResourceLeaseResponse(
            account_incarnation=granted.owner.incarnation,
            epoch=granted.owner.epoch,
            digest=granted.digest,
            lease=LEASE,
        )
        if not granted.unchanged:
            for documents in granted.owner.resource_control:
                response.resource_control_levels.add(documents=documents)
        return response

    async def BindPrincipals(self, request: Any, context: Any) -> Any:
        """See the contract."""
        bound = await self._policies.bind(list(request.names), list(request.known_ids))
        return resource_policy_service_pb2.BindPrincipalsResponse(bound=bound)

    async def TellPrincipals(self, request: Any, context: Any) -> Any:
        """See the contract."""
        return resource_policy_service_pb2.TellPrincipalsResponse(
            principals=[
                resource_policy_service_pb2.NamedPrincipal(unique_id=unique_id, arn=arn)
                for unique_id, arn in await self._policies.tell(list(request.unique_ids))
            ]
        )
