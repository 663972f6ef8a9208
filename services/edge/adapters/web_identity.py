"""STS' AssumeRoleWithWebIdentity, answered by auth."""

from collections.abc import Mapping
from typing import Any

from craton.auth.v1 import web_identity_service_pb2 as pb
from craton.auth.v1 import web_identity_service_pb2_grpc as rpc
from craton.common.v1 import principal_pb2

from services.chassis.channels import Channel
from services.chassis.principal import ClientContext, FederatedUser, PrincipalClaims, PrivatePath
from services.edge.adapters.authentication import path_of
from services.edge.adapters.iam_values import invalid
from services.edge.adapters.temporary_credentials import credentials, duration
from services.edge.adapters.upstream import ask
from services.edge.ports import Caller, Entrance

_TOKEN_BYTES = 44
"""Of session tokens of this installation, which have one size."""
_TIMEOUT_S = 12.0
"""Longer than auth takes to ask an issuer for two documents."""


class WebIdentity:
    """Sessions for those who have no credentials but an identity provider's token."""

    def __init__(self, channel: Channel, region: str) -> None:
        """Use `channel`, which leads to auth; `region` is that of requests which no signature scopes."""
        self._stub = rpc.WebIdentityServiceStub(channel)
        self._region = region

    async def assume_role(
        self, values: Mapping[str, Any], client: ClientContext, entrance: Entrance | None = None
    ) -> tuple[Mapping[str, Any], PrincipalClaims]:
        """Assume a role for whoever `client` is; return the answer, and whom auth found behind the token."""
        if values.get("ProviderId"):
            raise invalid("ProviderId is for OAuth 2.0 access tokens: OpenID Connect tokens go without it.")
        if values.get("MinimumSessionTokenSize", 0) > _TOKEN_BYTES:
            raise invalid("This installation does not support MinimumSessionTokenSize.")
        request = pb.AssumeRoleWithWebIdentityRequest(
            role_arn=values["RoleArn"],
            role_session_name=values["RoleSessionName"],
            web_identity_token=values["WebIdentityToken"],
            duration=duration(values),
            policy=values.get("Policy", ""),
            policy_arns=[each["arn"] for each in values.get("PolicyArns", ())],
            audit_context=principal_pb2.AuditContext(
                source_ip=client.source_ip,
                user_agent=client.user_agent,
                tls_version=client.tls_version,
                tls_cipher=client.tls_cipher,
                endpoint=client.endpoint,
                region=self._region,
            ),
            private_listener="" if entrance is None else entrance.listener,
        )
        answer = await ask(self._stub.AssumeRoleWithWebIdentity(request, timeout=_TIMEOUT_S))
        output = {
            "Credentials": credentials(answer.credentials),
            "SubjectFromWebIdentityToken": answer.subject,
            "AssumedRoleUser": {"AssumedRoleId": answer.assumed_role_id, "Arn": answer.assumed_role_arn},
            "PackedPolicySize": answer.packed_policy_size_percent or None,
            "Provider": answer.provider,
            "Audience": answer.audience,
            "SourceIdentity": answer.source_identity or None,
        }
        return output, self._claims(answer, client, path_of(answer, entrance))

    async def operation(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Assume a role for somebody who signed all the same: the token alone counts, as at AWS."""
        return (await self.assume_role(values, caller.claims.client, caller.entrance))[0]

    def _claims(
        self, answer: pb.AssumeRoleWithWebIdentityResponse, client: ClientContext, path: PrivatePath | None
    ) -> PrincipalClaims:
        principal = answer.principal
        return PrincipalClaims(
            account_id=principal.account_id,
            account_incarnation=principal.account_incarnation,
            arn="",
            principal_id=principal.principal_id,
            access_key_id="",
            root=False,
            policy_epoch=0,
            region=self._region,
            audience="",
            token_id="",
            issued_at=0,
            expires_at=0,
            client=client,
            federated=FederatedUser(principal.identity_provider, principal.user_name),
            path=path,
        )
