"""EndpointService and PrivateListenerService."""

from typing import Any

from craton.auth.v1 import (
    endpoint_service_pb2,
    endpoint_service_pb2_grpc,
    private_listener_service_pb2,
    private_listener_service_pb2_grpc,
)
from craton.common.v1 import policy_finding_pb2

from services.auth.domain.endpoints import AssignedListener, VpcEndpoint
from services.auth.domain.pages import PageRequest
from services.auth.operations.endpoints import EndpointChange, Endpoints, PrivateListeners
from services.auth.servicer.messages import timestamp
from services.chassis.context import current_call
from services.chassis.policy.finding_messages import findings_about
from services.chassis.policy.kinds import ENDPOINT


class EndpointServicer(endpoint_service_pb2_grpc.EndpointServiceServicer):
    """EndpointService."""

    def __init__(self, endpoints: Endpoints) -> None:
        """Serve `endpoints`."""
        self._endpoints = endpoints

    async def CreateVpcEndpoint(self, request: Any, context: Any) -> Any:
        """See the contract."""
        endpoint = await self._endpoints.create(
            current_call(),
            request.private_listener,
            frozenset(request.services),
            frozenset(request.allowed_accounts),
            request.policy_document,
            request.request_id,
        )
        return endpoint_service_pb2.CreateVpcEndpointResponse(
            vpc_endpoint=self._message(endpoint), findings=_findings(request.policy_document)
        )

    async def DescribeVpcEndpoints(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._endpoints.describe(current_call(), request.vpc_endpoint_ids, wanted)
        return endpoint_service_pb2.DescribeVpcEndpointsResponse(
            vpc_endpoints=[self._message(each) for each in page.items], next_page_token=page.next_token
        )

    async def ModifyVpcEndpoint(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = EndpointChange(
            request.policy_document,
            request.reset_policy,
            frozenset(request.add_services),
            frozenset(request.remove_services),
            frozenset(request.add_allowed_accounts),
            frozenset(request.remove_allowed_accounts),
        )
        endpoint = await self._endpoints.modify(current_call(), request.vpc_endpoint_id, wanted)
        return endpoint_service_pb2.ModifyVpcEndpointResponse(
            vpc_endpoint=self._message(endpoint), findings=_findings(request.policy_document)
        )

    async def DeleteVpcEndpoint(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._endpoints.delete(current_call(), request.vpc_endpoint_id)
        return endpoint_service_pb2.DeleteVpcEndpointResponse()

    def _message(self, endpoint: VpcEndpoint) -> endpoint_service_pb2.VpcEndpoint:
        place = f"accounts/{endpoint.account_id}/regions/{endpoint.region}"
        return endpoint_service_pb2.VpcEndpoint(
            name=f"{place}/vpcEndpoints/{endpoint.endpoint_id}",
            vpc_endpoint_id=endpoint.endpoint_id,
            arn=self._endpoints.arn(endpoint),
            account_id=endpoint.account_id,
            vpc_id=endpoint.vpc_id,
            private_listener=endpoint.listener,
            services=sorted(endpoint.services),
            allowed_accounts=sorted(endpoint.allowed_accounts),
            policy_document=endpoint.policy.document,
            create_time=timestamp(endpoint.created_at),
        )


class PrivateListenerServicer(private_listener_service_pb2_grpc.PrivateListenerServiceServicer):
    """PrivateListenerService."""

    def __init__(self, listeners: PrivateListeners) -> None:
        """Serve `listeners`."""
        self._listeners = listeners

    async def AssignPrivateListener(self, request: Any, context: Any) -> Any:
        """See the contract."""
        found = await self._listeners.assign(current_call(), request.private_listener, request.account_id)
        return private_listener_service_pb2.AssignPrivateListenerResponse(listener=_listener(found))

    async def ReleasePrivateListener(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._listeners.release(current_call(), request.private_listener)
        return private_listener_service_pb2.ReleasePrivateListenerResponse()

    async def ListPrivateListeners(self, request: Any, context: Any) -> Any:
        """See the contract."""
        found = await self._listeners.list(current_call())
        return private_listener_service_pb2.ListPrivateListenersResponse(
            listeners=[_listener(each) for each in found]
        )


def _findings(document: str) -> list[policy_finding_pb2.PolicyFinding]:
    return findings_about(document, ENDPOINT) if document else []


def _listener(found: AssignedListener) -> private_listener_service_pb2.PrivateListener:
    return private_listener_service_pb2.PrivateListener(
        private_listener=found.listener,
        vpc_id=found.vpc_id,
        account_id=found.account_id,
        vpc_endpoint_id=found.endpoint_id,
    )
