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


def passed_role_not_found() -> DomainError:
    """Nothing of the kind was passed to the service, or not for this resource, or not any more."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND,
        "The role was not passed to this service for this resource.",
    )


def not_the_services_resource() -> DomainError:
    """The resource is another account's, region's or service's."""
    return _invalid(
        "resource_arn",
        "resource_arn: is not a resource that this service makes in the account and region of the request",
    )


def not_assumable(service_principal: str) -> DomainError:
    """There is no such role, or it does not trust the service for this resource."""
    return _invalid(
        "role_arn", f"role_arn: {service_principal} cannot assume this role on behalf of this resource"
    )


def _invalid(field: str, message: str) -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_INVALID_FIELD, message, field=field)
