"""The refusals of training."""

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError


def invalid_field(field: str, message: str) -> DomainError:
    """A request field breaks a rule that the contract cannot express."""
    return DomainError(ErrorReason.ERROR_REASON_INVALID_FIELD, f"{field}: {message}", field=field)
