"""auth over gRPC."""

import grpc
from craton.auth.v1 import authentication_service_pb2 as pb
from craton.auth.v1 import authentication_service_pb2_grpc as rpc
from craton.auth.v1 import resources_pb2 as resources
from craton.common.v1 import principal_pb2

from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.principal import ClientContext, PrincipalClaims
from services.chassis.rich_status import from_rpc_error
from services.edge.ports import Grant, Presented

_TIMEOUT_S = 3.0


class GrpcAuthentication:
    """The Authentication port over a channel to auth."""

    def __init__(self, channel: Channel, clock: Clock, instance_id: str) -> None:
        """Use `channel`, which leads to auth, as the process of this id."""
        self._stub = rpc.AuthenticationServiceStub(channel)
        self._clock = clock
        self._instance_id = instance_id

    async def authenticate(self, presented: Presented, client: ClientContext, audience: str) -> Grant:
        """Verify a signature and get a token for `audience`."""
        credential = presented.credential
        request = pb.AuthenticateSignatureRequest(
            signed_request=resources.SignedRequest(
                access_key_id=credential.access_key_id,
                scope=resources.CredentialScope(
                    date=credential.date, region=credential.region, service=credential.service
                ),
                string_to_sign=presented.string_to_sign.decode(),
                signature=presented.signature,
                session_token=presented.session_token,
            ),
            audit_context=principal_pb2.AuditContext(
                source_ip=client.source_ip,
                user_agent=client.user_agent,
                tls_version=client.tls_version,
                tls_cipher=client.tls_cipher,
                endpoint=client.endpoint,
                region=credential.region,
            ),
            audience=audience,
            instance_id=self._instance_id,
        )
        # Both lives are counted from before the request was sent: they can only be shorter than auth meant.
        asked, asked_wall = self._clock.boottime(), self._clock.now().timestamp()
        try:
            response: pb.AuthenticateSignatureResponse = await self._stub.AuthenticateSignature(
                request, timeout=_TIMEOUT_S
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "auth") from error
        principal, expires = response.principal, response.token_expire_time.seconds
        claims = PrincipalClaims(
            account_id=principal.account_id,
            account_incarnation=principal.account_incarnation,
            arn=principal.arn,
            principal_id=principal.principal_id,
            access_key_id=principal.access_key_id,
            root=principal.arn.endswith(":root"),
            policy_epoch=0,
            region=credential.region,
            audience=audience,
            token_id="",
            issued_at=int(asked_wall),
            expires_at=expires,
            client=client,
            session_issued_at=response.session_create_time.seconds,
            signed_service=credential.service,
            source_identity=response.source_identity,
        )
        return Grant(
            claims,
            response.token,
            asked + expires - asked_wall,
            response.derived_signing_key,
            asked + response.key_lease.ToMilliseconds() / 1000,
        )
