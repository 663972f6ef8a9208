"""The condition keys that enforcement points fill in.

A policy that names any other key is refused when it is written: a Deny on a key that nobody fills in
would silently never apply.
AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from collections.abc import Mapping, Sequence

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.principal import PrincipalClaims

Conditions = Mapping[str, str | Sequence[str]]
"""An operation's own condition keys, in any case, each with its value or values."""

SUPPORTED = (
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalType",
    "aws:RequestedRegion",
    "aws:SecureTransport",
    "aws:SourceIp",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
    "kms:CallerAccount",
    "kms:EncryptionContext:*",
)
"""Single-valued keys; those without a value for a request, such as aws:username for root, are absent."""

_LOWER = frozenset(key.lower() for key in SUPPORTED if not key.endswith("*"))
_ENCRYPTION_CONTEXT = "kms:encryptioncontext:"


def is_supported(key: str) -> bool:
    """Whether a policy may name this condition key; keys are compared without regard to case."""
    lower = key.lower()
    return lower in _LOWER or (lower.startswith(_ENCRYPTION_CONTEXT) and lower != _ENCRYPTION_CONTEXT)


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


def merge(context: dict[str, str], extra: Conditions) -> dict[str, str]:
    """Add an operation's own condition keys to a request's, in lower case.

    Keys with several values are left out: no policy can name them, because the operators that compare
    sets are not supported. Raises DomainError(INVALID_FIELD) when two keys differ only in case: a client
    could otherwise hide one value behind another.
    """
    for key, value in extra.items():
        values = (value,) if isinstance(value, str) else value
        if len(values) != 1:
            continue
        lower = key.lower()
        if context.setdefault(lower, values[0]) != values[0]:
            raise DomainError(
                ErrorReason.ERROR_REASON_INVALID_FIELD,
                "Two names of the request that policies can refer to differ only in upper and lower case.",
            )
    return context
