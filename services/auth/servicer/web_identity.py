"""Sessions for those whom an identity provider vouches for."""

from typing import Any

from craton.auth.v1 import web_identity_service_pb2, web_identity_service_pb2_grpc
from craton.common.v1 import principal_pb2

from services.auth.operations.sessions import RoleRequest
from services.auth.operations.web_identity import WebIdentities, WebIdentityRequest, WebIdentitySession
from services.auth.servicer.authentication import client_of, private_path
from services.auth.servicer.roles import credentials, duration
from services.chassis.context import current_call
from services.chassis.principal import PrincipalClaims
from services.chassis.secret import SecretBytes


class WebIdentityServicer(web_identity_service_pb2_grpc.WebIdentityServiceServicer):
    """WebIdentityService."""

    def __init__(self, identities: WebIdentities, partition: str) -> None:
        """Serve `identities`."""
        self._identities = identities
        self._partition = partition

    async def AssumeRoleWithWebIdentity(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = WebIdentityRequest(
            RoleRequest(
                request.role_arn,
                request.role_session_name,
                duration(request, "duration"),
                request.policy,
                tuple(request.policy_arns),
            ),
            SecretBytes(request.web_identity_token.encode()),
            client_of(request.audit_context, "service/edge", context),
            request.audit_context.region,
            request.private_listener,
        )
        return self._message(await self._identities.assume_role(current_call(), wanted))

    def _message(self, opened: WebIdentitySession) -> Any:
        session = opened.new.session
        response = web_identity_service_pb2.AssumeRoleWithWebIdentityResponse(
            credentials=credentials(opened.new),
            assumed_role_arn=session.principal_arn(self._partition),
            assumed_role_id=session.principal_id,
            packed_policy_size_percent=opened.new.packed_percent,
            source_identity=session.source_identity,
            subject=opened.identity.subject,
            provider=opened.identity.issuer,
            audience=opened.identity.audience,
            principal=_principal(opened.claims),
        )
        if opened.claims.path is not None:
            response.private_path.CopyFrom(private_path(opened.claims.path))
        return response


def _principal(claims: PrincipalClaims) -> principal_pb2.Principal:
    user = claims.federated
    return principal_pb2.Principal(
        account_id=claims.account_id,
        account_incarnation=claims.account_incarnation,
        principal_id=claims.principal_id,
        type="" if user is None else "WebIdentityUser",
        user_name="" if user is None else user.user_name,
        identity_provider="" if user is None else user.identity_provider,
    )
