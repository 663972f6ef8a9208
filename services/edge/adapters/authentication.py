"""auth over gRPC."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import grpc
from craton.auth.v1 import authentication_service_pb2 as pb
from craton.auth.v1 import authentication_service_pb2_grpc as rpc
from craton.auth.v1 import resources_pb2 as resources
from craton.common.v1 import principal_pb2
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.api_keys import SIGNING_NAME
from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.principal import BearerTokenType, ClientContext, PrincipalClaims, PrivatePath
from services.chassis.rich_status import from_rpc_error
from services.edge.ports import BearerGrant, Entrance, Grant, Presented, Recalled

_TIMEOUT_S = 3.0
_RECALL_TIMEOUT_S = 1.0
"""Every request waits for it in the minutes in which it is asked: as long as for the memory itself."""
_BEARER_TYPES = {
    pb.BEARER_TOKEN_TYPE_LONG_TERM: BearerTokenType.LONG_TERM,
    pb.BEARER_TOKEN_TYPE_SHORT_TERM: BearerTokenType.SHORT_TERM,
}


class GrpcAuthentication:
    """The Authentication port over a channel to auth."""

    def __init__(self, channel: Channel, clock: Clock, instance_id: str) -> None:
        """Use `channel`, which leads to auth, as the process of this id."""
        self._stub = rpc.AuthenticationServiceStub(channel)
        self._clock = clock
        self._instance_id = instance_id

    async def authenticate(
        self, presented: Presented, client: ClientContext, audience: str, entrance: Entrance | None = None
    ) -> Grant:
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
            audit_context=_seen(client, credential.region),
            audience=audience,
            instance_id=self._instance_id,
            private_listener="" if entrance is None else entrance.listener,
            endpoint_service="" if entrance is None else entrance.service,
            remember_signature=presented.ahead,
        )
        # Both lives are counted from before the request was sent: they can only be shorter than auth meant.
        asked, asked_wall = self._clock.boottime(), self._clock.now().timestamp()
        try:
            response: pb.AuthenticateSignatureResponse = await self._stub.AuthenticateSignature(
                request, timeout=_TIMEOUT_S
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "auth") from error
        claims = _claims(response, credential.region, credential.service, audience, client, int(asked_wall))
        claims = replace(claims, path=path_of(response, entrance))
        return Grant(
            claims,
            response.token,
            asked + claims.expires_at - asked_wall,
            response.derived_signing_key,
            asked + response.key_lease.ToMilliseconds() / 1000,
        )

    async def authenticate_bearer(
        self,
        bearer: str,
        region: str,
        client: ClientContext,
        audience: str,
        entrance: Entrance | None = None,
    ) -> BearerGrant:
        """Verify an API key and get a token for `audience`."""
        request = pb.AuthenticateBearerTokenRequest(
            bearer_token=bearer,
            region=region,
            audit_context=_seen(client, region),
            audience=audience,
            instance_id=self._instance_id,
            private_listener="" if entrance is None else entrance.listener,
            endpoint_service="" if entrance is None else entrance.service,
        )
        # As above.
        asked, asked_wall = self._clock.boottime(), self._clock.now().timestamp()
        try:
            response: pb.AuthenticateBearerTokenResponse = await self._stub.AuthenticateBearerToken(
                request, timeout=_TIMEOUT_S
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "auth") from error
        claims = _claims(response, region, SIGNING_NAME, audience, client, int(asked_wall))
        return BearerGrant(
            replace(claims, bearer=_BEARER_TYPES[response.type], path=path_of(response, entrance)),
            response.token,
            asked + claims.expires_at - asked_wall,
            asked + response.lease.ToMilliseconds() / 1000,
        )

    async def recall(self, signatures: Sequence[bytes]) -> Recalled:
        """Ask which signatures auth remembers: the SignatureMemory port."""
        by_digest = {sha256(signature).digest(): signature for signature in signatures}
        request = pb.RecallSignaturesRequest(signature_sha256=by_digest)
        try:
            response: pb.RecallSignaturesResponse = await self._stub.RecallSignatures(
                request, timeout=_RECALL_TIMEOUT_S
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "auth") from error
        seen = frozenset(response.seen_sha256)
        used = frozenset(signature for digest, signature in by_digest.items() if digest in seen)
        return Recalled(used, response.any_ahead)


def _seen(client: ClientContext, region: str) -> principal_pb2.AuditContext:
    return principal_pb2.AuditContext(
        source_ip=client.source_ip,
        user_agent=client.user_agent,
        tls_version=client.tls_version,
        tls_cipher=client.tls_cipher,
        endpoint=client.endpoint,
        region=region,
    )


def _claims(
    response: pb.AuthenticateSignatureResponse | pb.AuthenticateBearerTokenResponse,
    region: str,
    service: str,
    audience: str,
    client: ClientContext,
    asked_at: int,
) -> PrincipalClaims:
    """Return what auth said of a principal, for records here. Nothing is decided by it."""
    principal = response.principal
    return PrincipalClaims(
        account_id=principal.account_id,
        account_incarnation=principal.account_incarnation,
        arn=principal.arn,
        principal_id=principal.principal_id,
        access_key_id=principal.access_key_id or principal.credential_id,
        root=principal.arn.endswith(":root"),
        policy_epoch=0,
        region=region,
        audience=audience,
        token_id="",
        issued_at=asked_at,
        expires_at=response.token_expire_time.seconds,
        client=client,
        session_issued_at=response.session_create_time.seconds,
        signed_service=service,
        source_identity=response.source_identity,
    )


def path_of(response: Any, entrance: Entrance | None) -> PrivatePath | None:
    """Return the path that auth bound an answer to, which must be there for a private way in."""
    if entrance is None:
        return None
    if not response.HasField("private_path"):
        # An older auth, which knows no private ways in: its token would be for the public one.
        raise DomainError(
            ErrorReason.ERROR_REASON_INTERNAL, "auth did not bind the request to its VPC endpoint."
        )
    found = response.private_path
    return PrivatePath(found.vpc_endpoint_id, found.vpc_id, found.account_id, entrance.service)
