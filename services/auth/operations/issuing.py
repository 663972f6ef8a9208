"""Issuing principal tokens: against a verified signature, or in exchange for a token."""

from collections.abc import Set as AbstractSet

from services.auth.domain.records import PrincipalState
from services.auth.domain.service_principals import passed_on
from services.auth.errors import access_denied, invalid_field, invalid_token
from services.auth.operations.admission import is_alive
from services.auth.operations.api_keys import VerifiedKey
from services.auth.operations.keyring import Keyring
from services.auth.ports.credentials import CredentialStore
from services.chassis.api_keys import SIGNING_NAME
from services.chassis.arn import root_arn, user_arn
from services.chassis.clock import Clock
from services.chassis.identity import WorkloadId
from services.chassis.principal import BearerTokenType, ClientContext, PrincipalClaims, PrivatePath
from services.chassis.randomness import Randomness, random_uuid
from services.chassis.tls import TLS_VERSION
from services.chassis.tokens import MAX_LIFE_S, TokenVerifier, mint

_MAX_USER_AGENT = 256


class TokenIssuer:
    """Mints tokens. Nobody gets one that says more than was verified."""

    def __init__(
        self,
        keyring: Keyring,
        store: CredentialStore,
        clock: Clock,
        randomness: Randomness,
        *,
        audiences: AbstractSet[str],
        exchanges: AbstractSet[tuple[str, str]],
        partition: str,
    ) -> None:
        """Issue for these audiences, and exchange for these (from, to) pairs."""
        self._keyring = keyring
        self._store = store
        self._clock = clock
        self._randomness = randomness
        self._audiences = audiences
        self._exchanges = exchanges
        self._partition = partition
        self._verifier = TokenVerifier(None, keyring, clock)

    @property
    def verifier(self) -> TokenVerifier:
        """Verifies tokens of every audience; whoever uses it compares the audience."""
        return self._verifier

    def issue(
        self,
        state: PrincipalState,
        region: str,
        audience: str,
        client: ClientContext,
        signed_service: str = "",
        path: PrivatePath | None = None,
    ) -> tuple[str, PrincipalClaims]:
        """Mint a token for a principal whose signature was just verified. Raises INVALID_FIELD.

        `signed_service` is the scope of a signature that says nothing of the audience; `path` is the VPC
        endpoint that the request came through.
        """
        if audience not in self._audiences:
            raise invalid_field("audience", "is not a service that takes principal tokens")
        now = int(self._clock.now().timestamp())
        return self._mint(state, region, audience, client, now, now + MAX_LIFE_S, signed_service, path=path)

    def issue_bearer(
        self,
        verified: VerifiedKey,
        region: str,
        audience: str,
        client: ClientContext,
        path: PrivatePath | None = None,
    ) -> tuple[str, PrincipalClaims]:
        """Mint a token for whom an API key speaks, for actions of bedrock alone. Raises INVALID_FIELD."""
        if audience not in self._audiences:
            raise invalid_field("audience", "is not a service that takes principal tokens")
        now = int(self._clock.now().timestamp())
        expires_at = now + MAX_LIFE_S
        if verified.expires_at is not None:
            expires_at = min(expires_at, int(verified.expires_at.timestamp()))
        return self._mint(
            *(verified.state, region, audience, client, now, max(expires_at, now + 1)),
            signed_service=SIGNING_NAME,
            bearer=verified.type,
            path=path,
        )

    async def exchange(
        self, token: str, audience: str, caller: WorkloadId | None
    ) -> tuple[str, PrincipalClaims]:
        """Mint a token for another audience, with the same rights, that ends when the given one ends.

        It says through which services the request came: conditions on aws:CalledVia compare that. AWS:
        https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html

        Raises DomainError: INVALID_TOKEN, or ACCESS_DENIED when the pair is not listed or the token is
        not the calling service's.
        """
        claims = await self._verifier.verify(token)
        if caller is None or caller.kind != "service" or caller.name != claims.audience:
            raise access_denied("A service may exchange only tokens that were issued for it.")
        self.require_reachable(claims.audience, audience)
        state = await self._store.principal_state(claims.access_key_id)
        if state is None or not is_alive(claims, state, self._clock.now()):
            raise invalid_token("its principal or access key no longer exists or is inactive")
        now = int(self._clock.now().timestamp())
        via = passed_on(claims.via, caller.name)
        return self._mint(
            state,
            claims.region,
            audience,
            claims.client,
            now,
            claims.expires_at,
            via=via,
            bearer=claims.bearer,
            path=claims.path,
        )

    def require_reachable(self, service: str, audience: str) -> None:
        """Return if `service` may have tokens for `audience` that nobody gave to it. Raises ACCESS_DENIED."""
        if (service, audience) not in self._exchanges:
            raise access_denied(f"Tokens for {service} are not exchanged for {audience}.")

    def issue_to_service(
        self, state: PrincipalState, region: str, audience: str
    ) -> tuple[str, PrincipalClaims]:
        """Mint a token of a session of a role that was passed to a service, which has asked for it itself.

        It comes from no address that a condition could compare. AWS's log has the service in its place.
        """
        if state.session is None or state.session.passed is None:
            raise ValueError("the session is not one of a role that was passed to a service")
        client = ClientContext(user_agent=state.session.passed.service_principal, tls_version=TLS_VERSION)
        now = int(self._clock.now().timestamp())
        return self._mint(state, region, audience, client, now, now + MAX_LIFE_S)

    def _mint(
        self,
        state: PrincipalState,
        region: str,
        audience: str,
        client: ClientContext,
        now: int,
        expires_at: int,
        signed_service: str = "",
        via: tuple[str, ...] = (),
        bearer: BearerTokenType | None = None,
        path: PrivatePath | None = None,
    ) -> tuple[str, PrincipalClaims]:
        account_id = state.account.account_id
        if state.session is not None:
            # No token outlives the credentials that it was given for.
            expires_at = min(expires_at, int(state.session.expires_at.timestamp()))
        claims = PrincipalClaims(
            account_id=account_id,
            account_incarnation=state.account.incarnation,
            arn=_arn(state, self._partition),
            principal_id=state.principal_id,
            access_key_id=state.access_key.access_key_id,
            root=state.root,
            policy_epoch=state.epoch,
            region=region,
            audience=audience,
            token_id=random_uuid(self._randomness),
            issued_at=now,
            expires_at=expires_at,
            client=ClientContext(
                source_ip=client.source_ip[:64],
                user_agent=client.user_agent[:_MAX_USER_AGENT],
                tls_version=client.tls_version[:16],
                tls_cipher=client.tls_cipher[:64],
                endpoint=client.endpoint[:256],
            ),
            session_issued_at=0 if state.session is None else int(state.session.issued_at.timestamp()),
            signed_service=signed_service,
            source_identity="" if state.session is None else state.session.source_identity,
            via=via,
            invoked_by=_acting_service(state),
            bearer=bearer,
            key_generation=0 if state.service_credential is None else state.service_credential.generation,
            path=path,
        )
        return mint(claims, self._keyring.signing_key), claims


def _acting_service(state: PrincipalState) -> str:
    if state.session is None or state.session.passed is None:
        return ""
    return state.session.passed.service_principal


def _arn(state: PrincipalState, partition: str) -> str:
    account_id = state.account.account_id
    if state.user is not None:
        return user_arn(account_id, state.user.user_name, partition, state.user.path)
    if state.session is not None and state.session.role is not None:
        return state.session.principal_arn(partition)
    return root_arn(account_id, partition)
