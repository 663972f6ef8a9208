"""The condition keys that enforcement points fill in.

A policy that names any other key is refused when it is written: a Deny on a key that nobody fills in
would silently never apply.
AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.policy.key_table import KEYS, Key
from services.chassis.principal import PrincipalClaims, arn_now

Conditions = Mapping[str, str | Sequence[str]]
"""An operation's own condition keys, in any case, each with its value or values."""


@dataclass(frozen=True, slots=True)
class PrincipalFacts:
    """What auth says of a principal that its token does not: a lease carries it to enforcement points."""

    organization_id: str = ""
    """Of its account's organization, for example "o-a1b2c3d4e5"; empty when it is not known."""
    organization_path: str = ""
    """Down to the parent of its account, for example "o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/"."""
    tags: tuple[tuple[str, str], ...] = ()
    """Its tags, each with key and value; keys differ by more than case."""
    iam_resource: str = ""
    """What stands behind the account in the ARN of its user or role as it is now, for example
    "user/team/alice"; empty for the root user, and where the token alone is known."""
    session_keys: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Condition keys with their values that every request of its session carries, for example what the
    identity provider that vouched for it said of it."""


NO_FACTS = PrincipalFacts()

_BY_NAME = {key.name.lower(): key for key in KEYS if "*" not in key.name}
_BY_PREFIX = tuple((key.name.lower().removesuffix("*"), key) for key in KEYS if key.name.endswith("*"))
_BY_CLAIM = {key.name.removeprefix("*:"): key for key in KEYS if key.name.startswith("*")}
_PROVIDER = re.compile(
    r"(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+|localhost)(?::[0-9]{1,5})?(?:/[^\s:,'{}]*)?", re.ASCII
)
"""The url of an OpenID Connect provider without https://, in lower case; a port only where tests run one."""


def find(name: str) -> Key | None:
    """Return the key of a name, which is compared without regard to case; None when no request carries it."""
    lower = name.lower()
    known = _BY_NAME.get(lower)
    if known is not None:
        return known
    for prefix, key in _BY_PREFIX:
        if lower.startswith(prefix):
            return key if lower != prefix else None
    provider, _, claim = lower.rpartition(":")
    return _BY_CLAIM.get(claim) if _PROVIDER.fullmatch(provider) else None


def time_keys(now: datetime) -> dict[str, str]:
    """Return the condition keys of the time, in lower case."""
    seconds = int(now.timestamp())
    return {"aws:currenttime": _iso(seconds), "aws:epochtime": str(seconds)}


def request_context(
    claims: PrincipalClaims, now: datetime, facts: PrincipalFacts = NO_FACTS
) -> dict[str, str | tuple[str, ...]]:
    """Return the condition keys of a request in lower case.

    They come from its verified token, from what auth said of its principal, and from the time.
    """
    role_arn, arn = claims.role_arn, arn_now(claims, facts.iam_resource)
    context: dict[str, str | tuple[str, ...]] = {
        **time_keys(now),
        "aws:requestedregion": claims.region,
    }
    if claims.federated is None:
        # Whoever comes with an identity provider's token is no principal of an account yet.
        context |= {
            "aws:principalaccount": claims.account_id,
            "aws:principalarn": arn,
            "aws:principaltype": "Account" if claims.root else "AssumedRole" if role_arn else "User",
            "aws:userid": claims.principal_id,
        }
    client = claims.client
    # Without a TLS version it is not known how the client came in: not secure is the safe reading.
    context["aws:securetransport"] = "true" if client.tls_version else "false"
    if claims.path is not None:
        context["aws:sourcevpce"] = claims.path.endpoint_id
        context["aws:sourcevpc"] = claims.path.vpc_id
        context["aws:vpceaccount"] = claims.path.account_id
    if client.source_ip:
        # AWS: an address of a private network is told by a key of its own, and there is no aws:SourceIp.
        context["aws:sourceip" if claims.path is None else "aws:vpcsourceip"] = client.source_ip
    if client.user_agent:
        context["aws:useragent"] = client.user_agent
    if not claims.root and not role_arn and claims.federated is None:
        context["aws:username"] = arn.rsplit("/", 1)[-1]
    if claims.session_issued_at:
        # Temporary credentials carry both keys, long-term ones neither.
        context["aws:tokenissuetime"] = _iso(claims.session_issued_at)
        context["aws:multifactorauthpresent"] = "false"
    if claims.bearer is not None:
        context["bedrock:bearertokentype"] = claims.bearer.value
    if claims.source_identity:
        context["aws:sourceidentity"] = claims.source_identity
    # Services themselves come without a token.
    context["aws:principalisawsservice"] = "false"
    context["aws:viaawsservice"] = "true" if claims.via else "false"
    if claims.via:
        context["aws:calledvia"] = claims.via
        context["aws:calledviafirst"], context["aws:calledvialast"] = claims.via[0], claims.via[-1]
    for key, value in facts.tags:
        context[f"aws:principaltag/{key.lower()}"] = value
    if facts.organization_id:
        context["aws:principalorgid"] = facts.organization_id
        # AWS gives this key several values; an account has one place in an organization.
        context["aws:principalorgpaths"] = (facts.organization_path,)
    return merge(context, dict(facts.session_keys)) if facts.session_keys else context


def resource_context(
    account_id: str, claims: PrincipalClaims, facts: PrincipalFacts = NO_FACTS
) -> dict[str, str | tuple[str, ...]]:
    """Return the condition keys, in lower case, of a resource of an account; none when it has no owner.

    All accounts of an installation are of one organization. Where in it another account than the
    principal's stands is not known here.
    """
    if not account_id:
        return {}
    context: dict[str, str | tuple[str, ...]] = {"aws:resourceaccount": account_id}
    if facts.organization_id:
        context["aws:resourceorgid"] = facts.organization_id
        if account_id == claims.account_id:
            context["aws:resourceorgpaths"] = (facts.organization_path,)
    return context


def merge(context: dict[str, str | tuple[str, ...]], extra: Conditions) -> dict[str, str | tuple[str, ...]]:
    """Add an operation's own condition keys to a request's, in lower case.

    Raises DomainError(INVALID_FIELD) when two keys differ only in case: a client could otherwise hide one
    value behind another.
    """
    for key, value in extra.items():
        lower = key.lower()
        known = find(lower)
        if known is None:
            continue
        added: str | tuple[str, ...]
        values = (value,) if isinstance(value, str) else tuple(value)
        if known.several:
            added = values
        elif len(values) == 1:
            added = values[0]
        else:
            raise ValueError(f"the condition key {known.name} has one value")
        if context.setdefault(lower, added) != added:
            raise DomainError(
                ErrorReason.ERROR_REASON_INVALID_FIELD,
                "Two names of the request that policies can refer to differ only in upper and lower case.",
            )
    return context


@lru_cache(maxsize=256)
def _iso(seconds: int) -> str:
    """Render a time; nearly all requests of a second ask for the same."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
