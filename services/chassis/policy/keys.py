"""The condition keys that every enforcement point fills in.

A policy that names any other key is refused when it is written: a Deny on a key that nobody fills in
would silently never apply.
AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from collections.abc import Mapping

from services.chassis.principal import PrincipalClaims

SUPPORTED = frozenset(
    {
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:PrincipalType",
        "aws:RequestedRegion",
        "aws:SecureTransport",
        "aws:SourceIp",
        "aws:UserAgent",
        "aws:userid",
        "aws:username",
    }
)
"""Single-valued keys; those without a value for a principal, such as aws:username for root, are absent."""

SUPPORTED_LOWER = frozenset(key.lower() for key in SUPPORTED)


def request_context(claims: PrincipalClaims) -> dict[str, str]:
    """Return the condition keys of a request in lower case, from its verified token alone."""
    context = {
        "aws:principalaccount": claims.account_id,
        "aws:principalarn": claims.arn,
        "aws:principaltype": "Account" if claims.root else "User",
        "aws:requestedregion": claims.region,
        "aws:userid": claims.principal_id,
    }
    client = claims.client
    # Without a TLS version it is not known how the client came in: not secure is the safe reading.
    context["aws:securetransport"] = "true" if client.tls_version else "false"
    if client.source_ip:
        context["aws:sourceip"] = client.source_ip
    if client.user_agent:
        context["aws:useragent"] = client.user_agent
    if not claims.root:
        context["aws:username"] = claims.arn.rsplit("/", 1)[-1]
    return context


def merge(context: dict[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """Add an operation's own condition keys to a request's, in lower case."""
    for key, value in extra.items():
        context[key.lower()] = value
    return context
