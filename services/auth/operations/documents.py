"""Identity policies as they come in: how long they may be, and what they mean.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from services.auth.errors import quota_exceeded
from services.chassis.policy.document import canonical, parse, parse_accepted
from services.chassis.policy.json_text import size
from services.chassis.policy.kinds import IDENTITY, PolicyKind


def accepted_policy(document: str) -> str:
    """Return a managed policy as it is evaluated. Raises DomainError: QUOTA_EXCEEDED, UNSUPPORTED_POLICY."""
    return canonical(parse(limited(document, IDENTITY, "PolicySize")))


def accepted_inline_policy(document: str) -> str:
    """Return an inline policy as it is evaluated. Raises DomainError(UNSUPPORTED_POLICY).

    How long it may be is not said here: that depends on all others of its bearer.
    """
    return canonical(parse_accepted(document))


def limited(document: str, kind: PolicyKind, quota: str) -> str:
    """Return a document that is not longer than its kind may be. Raises DomainError(QUOTA_EXCEEDED)."""
    if size(document) > kind.max_chars:
        raise quota_exceeded(quota, kind.max_chars)
    return document
