"""VPC endpoints: private ways in, each on a listener of edge.

AWS: https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from services.auth.errors import invalid_field
from services.chassis.policy.document import canonical, parse
from services.chassis.policy.kinds import ENDPOINT
from services.chassis.randomness import Randomness

SERVICES = frozenset({"bedrock", "bedrock-runtime", "cloudtrail", "iam", "kms", "sts"})
"""Services that can answer on an endpoint, by their endpoints' names at AWS: those that edge speaks."""

ANY_ACCOUNT = "*"
"""Among the accounts that may come in: every one of the installation, as at AWS."""

FULL_ACCESS = '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}'
"""The policy of an endpoint that was given none.

AWS: https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
"""


@dataclass(frozen=True, slots=True)
class EndpointPolicy:
    """The policy that binds whoever comes in."""

    document: str
    """As it was written."""
    canonical: str
    """As it is evaluated."""

    @classmethod
    def read(cls, document: str) -> "EndpointPolicy":
        """Take a document, the one that allows everything when it is empty. Raises UNSUPPORTED_POLICY."""
        document = document or FULL_ACCESS
        return cls(document, canonical(parse(document, ENDPOINT)))


@dataclass(frozen=True, slots=True)
class VpcEndpoint:
    """A private way in."""

    endpoint_id: str
    """"vpce-" and 17 hex digits."""
    account_id: str
    """Who registered it."""
    region: str
    """In which it was registered: part of its ARN. It serves requests for all of them."""
    listener: str
    """Name of edge's listener."""
    vpc_id: str
    """The network that the listener stood in when it was registered."""
    services: frozenset[str]
    allowed_accounts: frozenset[str]
    """Besides its own."""
    policy: EndpointPolicy
    created_at: datetime
    request_key: str | None = None
    """Of the request that registered it, for a repeated one."""

    def admits(self, account_id: str) -> bool:
        """Say whether principals of an account may come in at all."""
        return account_id == self.account_id or not self.allowed_accounts.isdisjoint(
            (account_id, ANY_ACCOUNT)
        )


@dataclass(frozen=True, slots=True)
class ActiveEndpoint:
    """An endpoint as it is now, and the epoch of its account at that moment."""

    endpoint: VpcEndpoint
    epoch: int


@dataclass(frozen=True, slots=True)
class AssignedListener:
    """A listener of edge, whose it is, and what is registered on it."""

    listener: str
    vpc_id: str
    account_id: str
    """Empty when it is nobody's."""
    endpoint_id: str
    """Empty when nothing is registered on it."""


def checked_services(names: AbstractSet[str]) -> frozenset[str]:
    """Return the services of an endpoint. Raises INVALID_FIELD for none, or one that is unknown."""
    unknown = sorted(names - SERVICES)
    if unknown:
        known = ", ".join(sorted(SERVICES))
        raise invalid_field("services", f"{unknown[0]} is not one that an endpoint can serve: {known}")
    if not names:
        raise invalid_field("services", "an endpoint serves at least one")
    return frozenset(names)


def new_endpoint_id(randomness: Randomness) -> str:
    """Return "vpce-" and 17 hex digits: 68 random bits."""
    return "vpce-" + randomness.token_bytes(9).hex()[:17]
