"""VPC endpoints, as their account's policies allow, and the listeners they stand on, as the operator's do.

AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html and its neighbours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.auth.domain.endpoints import (
    SERVICES,
    AssignedListener,
    EndpointPolicy,
    VpcEndpoint,
    checked_services,
    new_endpoint_id,
)
from services.auth.domain.pages import PageRequest
from services.auth.errors import invalid_field
from services.auth.errors.endpoints import listener_not_assigned, listener_not_found
from services.auth.operations.admission import Admission, Caller
from services.auth.ports.directory import DirectoryStore
from services.auth.ports.endpoints import EndpointStore
from services.auth.ports.revocation import Revocations
from services.chassis.arn import vpc_endpoint_arn
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.pages import Page
from services.chassis.randomness import Randomness


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """What becomes different; what is empty stays as it is."""

    document: str = ""
    reset_policy: bool = False
    add_services: frozenset[str] = frozenset()
    remove_services: frozenset[str] = frozenset()
    add_accounts: frozenset[str] = frozenset()
    remove_accounts: frozenset[str] = frozenset()


class Endpoints:
    """Manages the VPC endpoints of the caller's account."""

    def __init__(
        self,
        store: EndpointStore,
        admission: Admission,
        revocations: Revocations,
        networks: Mapping[str, str],
        clock: Clock,
        randomness: Randomness,
        partition: str,
    ) -> None:
        """Keep endpoints in `store`; `networks` are the VPC ids of the configured listeners by name."""
        self._store = store
        self._admission = admission
        self._revocations = revocations
        self._networks = networks
        self._clock = clock
        self._randomness = randomness
        self._partition = partition

    async def create(
        self,
        call: CallContext,
        listener: str,
        services: frozenset[str],
        allowed_accounts: frozenset[str],
        document: str,
        request_id: str,
    ) -> VpcEndpoint:
        """Register an endpoint on a listener of the account (ec2:CreateVpcEndpoint).

        A repeated request id returns the first answer. Raises ACCESS_DENIED, UNSUPPORTED_POLICY,
        RESOURCE_EXISTS.
        """
        caller = await self._admit(call, "ec2:CreateVpcEndpoint", "*")
        request_key = f"{caller.claims.principal_id}:{request_id}" if request_id else None
        repeated = await self._answered(request_key)
        if repeated is not None:
            return repeated
        vpc_id = self._networks.get(listener)
        if vpc_id is None:
            raise listener_not_assigned(listener)
        endpoint = VpcEndpoint(
            endpoint_id=new_endpoint_id(self._randomness),
            account_id=caller.account_id,
            region=caller.claims.region,
            listener=listener,
            vpc_id=vpc_id,
            services=checked_services(services or SERVICES),
            allowed_accounts=allowed_accounts,
            policy=EndpointPolicy.read(document),
            created_at=self._clock.now(),
            request_key=request_key,
        )
        call.resources.append(self.arn(endpoint))
        try:
            epoch = await self._store.create_endpoint(endpoint)
        except DomainError:
            # The same request may have come twice at once: then the faster one's answer is the answer.
            repeated = await self._answered(request_key)
            if repeated is None:
                raise
            return repeated
        await self._revocations.publish(endpoint.account_id, epoch)
        return endpoint

    async def describe(
        self, call: CallContext, endpoint_ids: Sequence[str], request: PageRequest
    ) -> Page[VpcEndpoint]:
        """List endpoints, or return those of `endpoint_ids` (ec2:DescribeVpcEndpoints)."""
        caller = await self._admission.authorize(call, "ec2:DescribeVpcEndpoints", "*")
        account_id, region = caller.account_id, caller.claims.region
        if endpoint_ids:
            found = [await self._store.endpoint(account_id, region, each) for each in sorted(endpoint_ids)]
            return Page(tuple(found), "")
        return await self._store.endpoints(account_id, region, request)

    async def modify(self, call: CallContext, endpoint_id: str, wanted: EndpointChange) -> VpcEndpoint:
        """Change an endpoint (ec2:ModifyVpcEndpoint). Raises UNSUPPORTED_POLICY."""
        caller = await self._admit(call, "ec2:ModifyVpcEndpoint", endpoint_id)
        if wanted.document and wanted.reset_policy:
            raise invalid_field("policy_document", "cannot be given when the policy is reset")
        policy = EndpointPolicy.read(wanted.document) if wanted.document or wanted.reset_policy else None

        def change(endpoint: VpcEndpoint) -> VpcEndpoint:
            services = (endpoint.services | wanted.add_services) - wanted.remove_services
            accounts = (endpoint.allowed_accounts | wanted.add_accounts) - wanted.remove_accounts
            return replace(
                endpoint,
                policy=policy or endpoint.policy,
                services=checked_services(services),
                allowed_accounts=accounts,
            )

        changed, epoch = await self._store.change_endpoint(
            caller.account_id, caller.claims.region, endpoint_id, change
        )
        await self._revocations.publish(caller.account_id, epoch)
        return changed

    async def delete(self, call: CallContext, endpoint_id: str) -> None:
        """Delete an endpoint (ec2:DeleteVpcEndpoints)."""
        caller = await self._admit(call, "ec2:DeleteVpcEndpoints", endpoint_id)
        epoch = await self._store.delete_endpoint(caller.account_id, caller.claims.region, endpoint_id)
        await self._revocations.publish(caller.account_id, epoch)

    def arn(self, endpoint: VpcEndpoint) -> str:
        """Return the ARN of an endpoint."""
        return vpc_endpoint_arn(endpoint.account_id, endpoint.region, endpoint.endpoint_id, self._partition)

    async def _admit(self, call: CallContext, action: str, endpoint_id: str) -> Caller:
        """Admit an action on an endpoint of the caller's own account; no other account can be named."""
        caller = await self._admission.identify(call)
        arn = vpc_endpoint_arn(caller.account_id, caller.claims.region, endpoint_id, self._partition)
        self._admission.require(caller, action, arn)
        return caller

    async def _answered(self, request_key: str | None) -> VpcEndpoint | None:
        return None if request_key is None else await self._store.endpoint_of_request(request_key)


class PrivateListeners:
    """Assigns edge's private listeners to accounts, for principals of the management account."""

    def __init__(
        self,
        store: EndpointStore,
        directory: DirectoryStore,
        admission: Admission,
        revocations: Revocations,
        networks: Mapping[str, str],
    ) -> None:
        """Keep assignments in `store`; `networks` are the VPC ids of the configured listeners by name."""
        self._store = store
        self._directory = directory
        self._admission = admission
        self._revocations = revocations
        self._networks = networks

    async def assign(self, call: CallContext, listener: str, account_id: str) -> AssignedListener:
        """Give a listener to an account (ec2:AcceptVpcEndpointConnections). Raises RESOURCE_EXISTS."""
        await self._admission.authorize_management(call, "ec2:AcceptVpcEndpointConnections", "*")
        if listener not in self._networks:
            raise listener_not_found(listener)
        await self._store.assign(listener, account_id)
        return (await self._known())[listener]

    async def release(self, call: CallContext, listener: str) -> None:
        """Take a listener and its endpoint away from an account (ec2:RejectVpcEndpointConnections)."""
        await self._admission.authorize_management(call, "ec2:RejectVpcEndpointConnections", "*")
        released = await self._store.release(listener)
        if released is None and listener not in self._networks:
            raise listener_not_found(listener)
        if released is not None:
            await self._revocations.publish(*released)

    async def list(self, call: CallContext) -> Sequence[AssignedListener]:
        """List listeners (ec2:DescribeVpcEndpointConnections): all to the management account, else its own.

        Those that are assigned but no longer configured are among them, without a network.
        """
        caller = await self._admission.authorize(call, "ec2:DescribeVpcEndpointConnections", "*")
        installation = await self._directory.installation()
        managing = installation is not None and installation.management_account_id == caller.account_id
        known = await self._known()
        listed = (known[name] for name in sorted(known))
        return [each for each in listed if managing or each.account_id == caller.account_id]

    async def _known(self) -> Mapping[str, AssignedListener]:
        """Return the listeners that are configured, and those that are still assigned but are no longer."""
        assigned = await self._store.assignments()
        return {
            name: AssignedListener(name, self._networks.get(name, ""), *assigned.get(name, ("", "")))
            for name in {*self._networks, *assigned}
        }
