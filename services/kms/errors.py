"""The refusals of the key service."""

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError


def invalid_ciphertext() -> DomainError:
    """The one answer to every ciphertext that does not open.

    Damage, a wrong context, another key, an unknown key and a foreign format look the same, so that
    the answer tells a forger nothing about how far the attempt came.
    """
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT,
        "The ciphertext does not open under this key and encryption context.",
    )


def key_disabled(name: str) -> DomainError:
    """The key exists but is disabled."""
    return DomainError(
        ErrorReason.ERROR_REASON_KEY_DISABLED, f"{name} is disabled.", metadata={"resource": name}
    )


def key_not_found(name: str) -> DomainError:
    """No key of this name is visible to the caller."""
    return DomainError(
        ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND,
        f"Key '{name}' does not exist",
        metadata={"resource": name},
    )


def caller_refused(message: str) -> DomainError:
    """The workload is listed for the method, but not for this key."""
    return DomainError(ErrorReason.ERROR_REASON_ACCESS_DENIED, message)


def invalid_field(field: str, message: str) -> DomainError:
    """A request field breaks a rule that the contract cannot express."""
    return DomainError(ErrorReason.ERROR_REASON_INVALID_FIELD, f"{field}: {message}", field=field)
