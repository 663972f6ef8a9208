"""The principal: who a request is made for, as a verified token says."""

import enum
from dataclasses import dataclass, field
from typing import NamedTuple

from services.chassis.policy.principals import Requester, RequesterKind


class BearerTokenType(enum.Enum):
    """What kind of API key a client showed instead of signing. The values are those of policies."""

    LONG_TERM = "LONG_TERM"
    SHORT_TERM = "SHORT_TERM"


class ClientContext(NamedTuple):
    """What the entry point saw of the client; audit and condition keys use it."""

    source_ip: str = ""
    user_agent: str = ""
    tls_version: str = ""
    tls_cipher: str = ""
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class FederatedUser:
    """Somebody whom an identity provider vouched for, and who has no credentials of this installation yet."""

    identity_provider: str
    """ARN of the provider."""
    user_name: str
    """Subject of the provider's token."""


class PrivatePath(NamedTuple):
    """The VPC endpoint through which a request came.

    Auth says so, of the listener that edge accepted the connection on; nothing that a client sends can.
    """

    endpoint_id: str
    """"vpce-" and 17 hex digits."""
    vpc_id: str
    """The network that the listener stands in, for example "vpc-0a1b2c3d4e5f60718"."""
    account_id: str
    """The account that registered the endpoint: its policy binds all who come through it."""
    service: str
    """The service of the endpoint that is asked, for example "bedrock-runtime"."""


@dataclass(frozen=True, slots=True)
class PrincipalClaims:
    """The claims of a principal token after its signature, audience and life were verified."""

    account_id: str
    account_incarnation: str
    arn: str
    principal_id: str
    access_key_id: str
    root: bool
    policy_epoch: int
    region: str
    audience: str
    token_id: str
    issued_at: int
    """Unix seconds."""
    expires_at: int
    """Unix seconds."""
    client: ClientContext = field(default_factory=ClientContext)
    session_issued_at: int = 0
    """Unix seconds at which temporary credentials were given; 0 for long-term ones."""
    signed_service: str = ""
    """The service that the client's signature was scoped to, whose actions alone the token is for. Empty when
    the client asked for the token itself, and signed its audience, and in an exchanged token."""
    source_identity: str = ""
    """Whom temporary credentials act for: set once, and the same in every session assumed from them."""
    via: tuple[str, ...] = ()
    """The services that passed the request on, the first one first, for example "bedrock.amazonaws.com"."""
    invoked_by: str = ""
    """The service that acts as this principal, with a role that was passed to it; empty for all others."""
    path: PrivatePath | None = None
    """None for a request that came over the public listener."""

    bearer: BearerTokenType | None = None
    """Set when the client showed an API key. `access_key_id` is then the credential of a long-term key, or
    the access key that signed a short-term one."""
    key_generation: int = 0
    """How often the secret of the long-term API key had been replaced: an earlier one counts no more."""

    @property
    def calling_service(self) -> str:
        """The service that makes the request for the principal or as it; empty when the principal does."""
        return self.via[-1] if self.via else self.invoked_by

    federated: FederatedUser | None = None
    """Set for whoever asks for credentials against an identity provider's token. It has no token of ours, no
    ARN, and is in the account of the role that it asks for."""

    @property
    def role_arn(self) -> str:
        """ARN of the role, for a session of one, as far as a token says it: without its path. Else empty."""
        head, found, name = self.arn.partition(":assumed-role/")
        # Behind more than four colons it is part of a user's path.
        if not found or head.count(":") != 4:
            return ""
        return f"{head.replace(':sts:', ':iam:', 1)}:role/{name.partition('/')[0]}"


_PASSING = "iam:PassRole"
"""A permission that goes with other services' operations, and is no operation of its own."""


def signed_for(claims: PrincipalClaims, action: str) -> bool:
    """Say whether the client's signature covers the service of `action`.

    The edge passes signatures on without the requests that they were made for. So that a taken edge cannot
    administer users with the signature of an inference, the scope of the signature goes into the token.
    """
    service = claims.signed_service
    return not service or action.partition(":")[0] == service or action == _PASSING


def arn_now(claims: PrincipalClaims, iam_resource: str) -> str:
    """Return the ARN of the user, of the root user, or of the role of a session, as policies know it.

    `iam_resource` is what auth says of it now. A token does not say a role's path, and the token of a user
    who was renamed says the old name for the rest of its life.
    """
    if not iam_resource:
        return claims.role_arn or claims.arn
    _, partition, _ = claims.arn.split(":", 2)
    return f"arn:{partition}:iam::{claims.account_id}:{iam_resource}"


def requester_of(claims: PrincipalClaims, iam_resource: str = "") -> Requester:
    """Return who asks, as policies name it; `iam_resource` as in `arn_now`."""
    if claims.root:
        return Requester(RequesterKind.ROOT, claims.arn, claims.account_id)
    arn = arn_now(claims, iam_resource)
    if not claims.role_arn:
        return Requester(RequesterKind.USER, arn, claims.account_id, claims.principal_id)
    role_id = claims.principal_id.partition(":")[0]
    return Requester(RequesterKind.ROLE, claims.arn, claims.account_id, role_id, arn)
