"""Signatures, tokens and leases."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from craton.auth.v1 import (
    authentication_service_pb2,
    authentication_service_pb2_grpc,
    authorization_service_pb2,
    authorization_service_pb2_grpc,
    token_service_pb2,
    token_service_pb2_grpc,
)
from craton.common.v1 import principal_pb2
from google.protobuf.duration_pb2 import Duration

from services.auth.domain.points import EnforcementPointId
from services.auth.domain.records import PrincipalState
from services.auth.errors import access_denied
from services.auth.errors.endpoints import no_endpoint
from services.auth.operations.api_keys import ApiKeys
from services.auth.operations.issuing import TokenIssuer
from services.auth.operations.keyring import Keyring
from services.auth.operations.lease import LEASE_S, AuthorizationLeases, Registrar, read_for
from services.auth.operations.private_paths import PrivatePaths
from services.auth.operations.revocation import Revocation
from services.auth.operations.signatures import Signatures, Signed
from services.auth.servicer.messages import expiry, timestamp
from services.chassis.context import current_call
from services.chassis.peer import address_of, user_agent
from services.chassis.policy.bundle import PolicyBundle
from services.chassis.principal import BearerTokenType, ClientContext, PrincipalClaims, PrivatePath
from services.chassis.secret import SecretBytes
from services.chassis.sigv4 import Credential
from services.chassis.tls import TLS_VERSION

T = TypeVar("T")

LEASE = Duration(seconds=int(LEASE_S), nanos=int(LEASE_S % 1 * 1e9))
"""How long a lease may be used."""
_BEARER_TYPES = {
    BearerTokenType.LONG_TERM: authentication_service_pb2.BEARER_TOKEN_TYPE_LONG_TERM,
    BearerTokenType.SHORT_TERM: authentication_service_pb2.BEARER_TOKEN_TYPE_SHORT_TERM,
}


def _signed(message: Any) -> Signed:
    scope = message.scope
    credential = Credential(message.access_key_id, scope.date, scope.region, scope.service)
    token = SecretBytes(message.session_token.encode()) if message.session_token else None
    return Signed(credential, message.string_to_sign, message.signature, token)


def _principal(claims: PrincipalClaims) -> principal_pb2.Principal:
    long_term = claims.bearer is BearerTokenType.LONG_TERM
    return principal_pb2.Principal(
        account_id=claims.account_id,
        account_incarnation=claims.account_incarnation,
        arn=claims.arn,
        principal_id=claims.principal_id,
        access_key_id="" if long_term else claims.access_key_id,
        credential_id=claims.access_key_id if long_term else "",
    )


def client_of(seen: Any, speaker: str, context: Any, endpoint: str = "") -> ClientContext:
    """What is known of the client that the token is for.

    `seen` is believed when `speaker` sent it, the one workload that stands between such clients and this
    method, for example "service/edge". Any other caller is the client itself, whatever it says, and is
    described by its own connection.
    """
    call = current_call()
    if call.caller is not None and call.caller.path == speaker:
        return ClientContext(
            source_ip=seen.source_ip,
            user_agent=seen.user_agent,
            tls_version=seen.tls_version,
            tls_cipher=seen.tls_cipher,
            endpoint=endpoint or seen.endpoint,
        )
    return ClientContext(
        source_ip=address_of(call.peer),
        user_agent=user_agent(context),
        tls_version=TLS_VERSION,
        endpoint=endpoint,
    )


def private_path(path: PrivatePath) -> authentication_service_pb2.PrivatePath:
    """Return the VPC endpoint of a request as a message."""
    return authentication_service_pb2.PrivatePath(
        vpc_endpoint_id=path.endpoint_id, vpc_id=path.vpc_id, account_id=path.account_id
    )


class AuthenticationServicer(authentication_service_pb2_grpc.AuthenticationServiceServicer):
    """AuthenticationService."""

    def __init__(
        self,
        signatures: Signatures,
        api_keys: ApiKeys,
        issuer: TokenIssuer,
        points: Registrar,
        paths: PrivatePaths | None = None,
    ) -> None:
        """Verify with the first two, mint with `issuer`, register who takes leases with `points`.

        VPC endpoints are found in `paths`; without it nobody is let in by a private listener.
        """
        self._signatures = signatures
        self._api_keys = api_keys
        self._issuer = issuer
        self._points = points
        self._paths = paths

    async def AuthenticateSignature(self, request: Any, context: Any) -> Any:
        """See the contract."""
        signed = _signed(request.signed_request)
        lease, verified = await self._leased(request.instance_id, lambda: self._signatures.verify(signed))
        if request.remember_signature:
            await self._signatures.refuse_replay(signed, ahead=True)
        client = client_of(request.audit_context, "service/edge", context)
        credential, state = signed.credential, verified.state
        path = await self._path(request, state)
        token, claims = self._issuer.issue(
            state, credential.region, request.audience, client, credential.service, path
        )
        session = state.session
        response = authentication_service_pb2.AuthenticateSignatureResponse(
            token=token,
            token_expire_time=expiry(claims),
            derived_signing_key=verified.derived_key.reveal(),
            key_lease=lease,
            principal=_principal(claims),
            session_create_time=None if session is None else timestamp(session.issued_at),
            source_identity=claims.source_identity,
        )
        if path is not None:
            response.private_path.CopyFrom(private_path(path))
        return response

    async def AuthenticateBearerToken(self, request: Any, context: Any) -> Any:
        """See the contract."""
        lease, verified = await self._leased(
            request.instance_id, lambda: self._api_keys.verify(request.bearer_token, request.region)
        )
        client = client_of(request.audit_context, "service/edge", context)
        path = await self._path(request, verified.state)
        token, claims = self._issuer.issue_bearer(verified, request.region, request.audience, client, path)
        session = verified.state.session
        response = authentication_service_pb2.AuthenticateBearerTokenResponse(
            token=token,
            token_expire_time=expiry(claims),
            lease=lease,
            principal=_principal(claims),
            type=_BEARER_TYPES[verified.type],
            session_create_time=None if session is None else timestamp(session.issued_at),
            source_identity=claims.source_identity,
        )
        if path is not None:
            response.private_path.CopyFrom(private_path(path))
        return response

    async def RecallSignatures(self, request: Any, context: Any) -> Any:
        """See the contract."""
        seen = await self._signatures.recall(request.signature_sha256)
        return authentication_service_pb2.RecallSignaturesResponse(
            seen_sha256=sorted(seen), any_ahead=await self._signatures.remembers_any_ahead()
        )

    async def _path(self, request: Any, state: PrincipalState) -> PrivatePath | None:
        """Return the VPC endpoint on the listener that edge names; only edge is listed as a caller."""
        if not request.private_listener:
            return None
        if self._paths is None:
            raise no_endpoint()
        return await self._paths.enter(
            request.private_listener, request.endpoint_service, state.account.account_id
        )

    async def _leased(self, instance_id: str, verify: Callable[[], Awaitable[T]]) -> tuple[Duration, T]:
        """Return how long the caller may keep what `verify` returns, and that."""
        caller = current_call().caller
        if caller is None or not instance_id:
            return Duration(), await verify()
        point = EnforcementPointId(caller.name, instance_id)
        return LEASE, await read_for(self._points, point, verify)


class TokenServicer(token_service_pb2_grpc.TokenServiceServicer):
    """TokenService."""

    def __init__(self, signatures: Signatures, issuer: TokenIssuer, keyring: Keyring) -> None:
        """Verify with `signatures`, mint with `issuer`, publish the keys of `keyring`."""
        self._signatures = signatures
        self._issuer = issuer
        self._keyring = keyring

    async def GetToken(self, request: Any, context: Any) -> Any:
        """See the contract."""
        signed = _signed(request.signed_request)
        verified = await self._signatures.verify_token_request(signed, request.audience)
        client = client_of(request.audit_context, "service/runtime", context, verified.host)
        token, claims = self._issuer.issue(verified.state, signed.credential.region, request.audience, client)
        return token_service_pb2.GetTokenResponse(token=token, expire_time=expiry(claims))

    async def ExchangeToken(self, request: Any, context: Any) -> Any:
        """See the contract."""
        token, claims = await self._issuer.exchange(request.token, request.audience, current_call().caller)
        return token_service_pb2.ExchangeTokenResponse(token=token, expire_time=expiry(claims))

    async def GetTokenKeys(self, request: Any, context: Any) -> Any:
        """See the contract."""
        return token_service_pb2.GetTokenKeysResponse(
            keys=[
                token_service_pb2.TokenKey(key_id=key_id, public_key=key.public_bytes_raw())
                for key_id, key in self._keyring.public_keys().items()
            ]
        )


class AuthorizationServicer(authorization_service_pb2_grpc.AuthorizationServiceServicer):
    """AuthorizationService."""

    def __init__(self, leases: AuthorizationLeases, revocation: Revocation) -> None:
        """Serve `leases`, and hear of confirmations."""
        self._leases = leases
        self._revocation = revocation

    async def GetAuthorizationLease(self, request: Any, context: Any) -> Any:
        """See the contract."""
        granted = await self._leases.grant(
            current_call(), request.known_digest, request.instance_id, request.admitted_token
        )
        state = granted.state
        response = authorization_service_pb2.GetAuthorizationLeaseResponse(
            epoch=state.epoch,
            digest=granted.digest,
            lease=LEASE,
            endpoint_epoch=granted.endpoint_epoch,
        )
        if not granted.unchanged:
            _add_policies(response, state.policies)
            response.organization_id = state.facts.organization_id
            response.organization_path = state.facts.organization_path
            response.principal_tags.update(state.facts.tags)
            response.iam_resource = state.facts.iam_resource
            for key, values in state.facts.session_keys:
                response.session_keys.add(key=key, values=values)
            for region, model_id, eula_sha256 in state.entitlements:
                response.entitlements.add(region=region, model_id=model_id, eula_sha256=eula_sha256)
        return response

    async def ConfirmRevocations(self, request: Any, context: Any) -> Any:
        """See the contract."""
        caller = current_call().caller
        if caller is None or caller.kind != "service":
            raise access_denied("Enforcement points are services.")
        point = EnforcementPointId(caller.name, request.instance_id)
        heard = [(each.account_id, each.epoch) for each in request.revocations]
        await self._revocation.confirm(point, heard)
        return authorization_service_pb2.ConfirmRevocationsResponse()


def _add_policies(response: Any, policies: PolicyBundle) -> None:
    response.identity_policies.extend(policies.identity)
    if policies.boundary is not None:
        response.permissions_boundary.SetInParent()
        response.permissions_boundary.documents.extend(policies.boundary)
    if policies.session is not None:
        response.session_policies.SetInParent()
        response.session_policies.documents.extend(policies.session)
    if policies.endpoint is not None:
        response.endpoint_policies.SetInParent()
        response.endpoint_policies.documents.extend(policies.endpoint)
    for documents in policies.service_control:
        response.service_control_levels.add(documents=documents)
    for documents in policies.resource_control:
        response.resource_control_levels.add(documents=documents)
