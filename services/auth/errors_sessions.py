"""The refusals of temporary credentials, in AWS's words where AWS has some."""

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError


def session_too_long() -> DomainError:
    """More time was asked for than the role's sessions have."""
    return _invalid(
        "duration", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    )


def chained_session_too_long() -> DomainError:
    """More time was asked for than a role's session can give to the next."""
    return _invalid(
        "duration",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
    )


def too_many_characters(limit: int) -> DomainError:
    """The session policy and the ARNs of managed ones are too long before they are packed."""
    return _invalid(
        "policy", f"The session policy and the ARNs of managed policies together exceed {limit} characters."
    )


def packed_policy_too_large(percent: int, *, tags_alone: bool) -> DomainError:
    """What the session would have to carry does not fit."""
    if tags_alone:
        text = f"Packed size of session tags consumes {percent}% of allotted space."
    else:
        text = f"Packed policy consumes {percent}% of allotted space, please use smaller policy."
    return DomainError(ErrorReason.ERROR_REASON_QUOTA_EXCEEDED, text)


def _invalid(field: str, message: str) -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_INVALID_FIELD, message, field=field)
