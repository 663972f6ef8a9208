"""AssumeRoleWithWebIdentity: sessions of roles for those whom an OpenID Connect provider vouches for.

AWS: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
"""

from dataclasses import dataclass, field, replace

from services.auth.domain.federation import Federation
from services.auth.domain.identity import Tag
from services.auth.domain.identity_tokens import WebIdentity, read_unverified, verify
from services.auth.domain.oidc import OidcProvider
from services.auth.domain.roles import Role
from services.auth.domain.tag_rules import check_tags
from services.auth.errors.web_identity import not_authorized, unknown_issuer
from services.auth.operations.admission import Admission
from services.auth.operations.issuer_keys import IssuerKeys
from services.auth.operations.service_trust import trust_of
from services.auth.operations.session_maker import NewSession, SessionGrant, SessionMaker
from services.auth.operations.session_narrowing import SessionNarrowing, session_tags
from services.auth.operations.sessions import (
    RoleRequest,
    find_role,
    issued_credentials,
    role_duration,
    trust_actions,
    trust_conditions,
)
from services.auth.ports.directory import DirectoryStore
from services.auth.ports.oidc import OidcProviderStore
from services.auth.ports.roles import RoleStore
from services.chassis.arn import iam_entity, oidc_provider_arn
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.policy.keys import Conditions, merge, request_context, resource_context
from services.chassis.policy.layers import RequesterLayers, decide
from services.chassis.policy.principals import Requester, RequesterKind
from services.chassis.principal import ClientContext, FederatedUser, PrincipalClaims
from services.chassis.secret import SecretBytes

ACTION = "sts:AssumeRoleWithWebIdentity"


@dataclass(frozen=True, slots=True)
class WebIdentityRequest:
    """What somebody without credentials asks, and what was seen of them."""

    role: RoleRequest
    token: SecretBytes = field(repr=False)
    client: ClientContext = field(default_factory=ClientContext)
    region: str = ""
    """The region that the entry point speaks for: no signature names one."""
    listener: str = ""
    """The private listener that it came in by; empty for the public one."""


@dataclass(frozen=True, slots=True)
class WebIdentitySession:
    """A session, and whom it was given to."""

    new: NewSession
    identity: WebIdentity
    claims: PrincipalClaims


class WebIdentities:
    """Gives sessions of roles against tokens of identity providers."""

    def __init__(
        self,
        providers: OidcProviderStore,
        keys: IssuerKeys,
        roles: RoleStore,
        directory: DirectoryStore,
        admission: Admission,
        maker: SessionMaker,
        narrowing: SessionNarrowing,
        clock: Clock,
        partition: str,
    ) -> None:
        """Know issuers from `providers`, verify with `keys`, and make sessions of `roles` with `maker`."""
        self._providers = providers
        self._keys = keys
        self._roles = roles
        self._directory = directory
        self._admission = admission
        self._maker = maker
        self._narrowing = narrowing
        self._clock = clock
        self._partition = partition

    async def assume_role(self, call: CallContext, request: WebIdentityRequest) -> WebIdentitySession:
        """Give the credentials of a role's session to whom its trust policy allows ACTION.

        A refusal has an event of its own when it names a role that exists; a session has its intent. Until
        the trust policy has spoken a stranger is behind the call, also with a verified token: everybody can
        have one of a public issuer.
        Raises DomainError: INVALID_IDENTITY_TOKEN, IDENTITY_TOKEN_EXPIRED, IDENTITY_CLAIM_REJECTED,
        IDENTITY_PROVIDER_UNREACHABLE, THROTTLED for the token; ACCESS_DENIED, also for a role that does not
        exist; INVALID_FIELD, QUOTA_EXCEEDED, RESOURCE_NOT_FOUND, UNSUPPORTED_POLICY for the rest.
        """
        role = await find_role(self._roles, request.role.role_arn, self._partition)
        call.notable = role is not None
        unverified = read_unverified(request.token.reveal().decode("utf-8", "replace"))
        account_id = iam_entity(request.role.role_arn, self._partition).account_id
        provider = await self._providers.provider(account_id, unverified.issuer)
        if provider is None:
            raise unknown_issuer(unverified.issuer)
        key = await self._keys.find(provider, unverified.key_id, unverified.algorithm)
        identity = verify(unverified, key, provider.client_ids, self._clock.now())
        path, bound = await self._admission.enter(request.listener, "sts", account_id)
        claims = await self._claims(provider, identity, request)
        claims = call.principal = replace(claims, path=path)
        if role is None:
            raise not_authorized(ACTION)
        check_tags([Tag(key, value) for key, value in identity.tags])
        tags, transitive = session_tags(identity.tags, identity.transitive_keys, None)
        wanted = replace(
            request.role,
            tags=tags,
            transitive_keys=tuple(sorted(transitive)),
            source_identity=identity.source_identity,
        )
        await self._check_trust(role, provider, identity, claims, wanted, bound)
        await call.admit(claims)
        new = await self._open(role, provider, identity, wanted)
        call.issued = issued_credentials(new, self._partition)
        return WebIdentitySession(new, identity, claims)

    async def _open(
        self, role: Role, provider: OidcProvider, identity: WebIdentity, wanted: RoleRequest
    ) -> NewSession:
        narrowed = await self._narrowing.of(role.account_id, wanted.policy, wanted.policy_arns, wanted.tags)
        grant = SessionGrant(
            account_id=role.account_id,
            duration=role_duration(wanted.duration, role, None),
            role=role,
            session_name=wanted.session_name,
            policies=narrowed.policies,
            policy_ids=narrowed.policy_ids,
            tags=wanted.tags,
            transitive_keys=frozenset(wanted.transitive_keys),
            source_identity=wanted.source_identity,
            federation=Federation(
                provider.provider_id,
                self._arn(provider),
                identity.audience,
                identity.subject,
                identity.authentication_methods,
            ),
        )
        return await self._maker.make(grant, narrowed.packed_percent)

    async def _check_trust(
        self,
        role: Role,
        provider: OidcProvider,
        identity: WebIdentity,
        claims: PrincipalClaims,
        wanted: RoleRequest,
        bound: RequesterLayers,
    ) -> None:
        """The resource's side decides: whoever asks belongs to no account and has no policies.

        Only that of the VPC endpoint it came through, if it did, is in `bound`.
        """
        target = await self._admission.protected(trust_of(role))
        arn = self._arn(provider)
        requester = Requester(RequesterKind.FEDERATED, arn, "")
        name = provider.issuer_name
        said: Conditions = {f"{name}:{claim}": values for claim, values in identity.claims.items()}
        context = request_context(claims, self._clock.now())
        context.update(resource_context(role.account_id, claims))
        context = merge(context, {**trust_conditions(wanted), **said, "aws:FederatedProvider": arn})
        resource = role.arn(self._partition)
        for action in trust_actions(ACTION, wanted):
            if not decide(requester, bound, target, action, resource, context).allowed:
                raise not_authorized(action)

    async def _claims(
        self, provider: OidcProvider, identity: WebIdentity, request: WebIdentityRequest
    ) -> PrincipalClaims:
        """Return who asks: nobody of the installation, in the account of the role that is asked for.

        AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html (WebIdentityUser)
        """
        account = await self._directory.account(provider.account_id)
        arn, now = self._arn(provider), int(self._clock.now().timestamp())
        return PrincipalClaims(
            account_id=account.account_id,
            account_incarnation=account.incarnation,
            arn="",
            principal_id=f"{arn}:{identity.audience}:{identity.subject}",
            access_key_id="",
            root=False,
            policy_epoch=0,
            region=request.region,
            audience="",
            token_id="",
            issued_at=now,
            expires_at=now,
            client=request.client,
            federated=FederatedUser(arn, identity.subject),
        )

    def _arn(self, provider: OidcProvider) -> str:
        return oidc_provider_arn(provider.account_id, provider.issuer_name, self._partition)
