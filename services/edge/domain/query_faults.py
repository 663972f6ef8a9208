"""Errors of the query protocol: AWS's codes there, and the one table from our reasons to them.

AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html; what an operation declares stands
in its service model, under the code of the exception's shape.
"""

from collections.abc import Mapping

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.edge.domain.faults import FIXED_MESSAGES, Fault
from services.edge.domain.model import Operation

QUERY_STATUS_OF: Mapping[str, int] = {
    "AccessDenied": 403,
    "ConcurrentModification": 409,
    "DeleteConflict": 409,
    "EntityAlreadyExists": 409,
    "EntityTemporarilyUnmodifiable": 409,
    "ExpiredToken": 403,
    "ExpiredTokenException": 400,
    "IDPCommunicationError": 400,
    "IDPRejectedClaim": 403,
    "IncompleteSignature": 400,
    "InternalFailure": 500,
    "InvalidAction": 400,
    "InvalidClientTokenId": 403,
    "InvalidIdentityToken": 400,
    "InvalidInput": 400,
    "InvalidQueryParameter": 400,
    "LimitExceeded": 409,
    "MalformedInput": 400,
    "MalformedPolicyDocument": 400,
    "MalformedQueryString": 404,
    "MissingAction": 400,
    "MissingAuthenticationToken": 403,
    "NoSuchEntity": 404,
    "NotSupportedService": 404,
    "RequestEntityTooLargeException": 413,
    "PackedPolicyTooLarge": 400,
    "ServiceFailure": 500,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "Throttling": 400,
    "UnmodifiableEntity": 400,
    "ValidationError": 400,
}
"""HTTP status of every code that the edge sends. A test compares it with the service models."""

QUERY_COMMON = frozenset(
    {
        "AccessDenied",
        "ExpiredToken",
        "IncompleteSignature",
        "InternalFailure",
        "InvalidClientTokenId",
        "MissingAuthenticationToken",
        "ServiceUnavailable",
        "SignatureDoesNotMatch",
        "Throttling",
        "ValidationError",
    }
)
"""Any operation may answer with these, declared or not."""

_R = ErrorReason
_INTERNAL = ("ServiceFailure", "InternalFailure")
QUERY_CODES_OF: Mapping[int, tuple[str, ...]] = {
    _R.ERROR_REASON_UNSPECIFIED: _INTERNAL,
    _R.ERROR_REASON_INTERNAL: _INTERNAL,
    _R.ERROR_REASON_INVALID_FIELD: ("InvalidInput", "ValidationError"),
    _R.ERROR_REASON_INVALID_MODEL_BODY: ("ValidationError",),
    _R.ERROR_REASON_UNSUPPORTED_POLICY: ("MalformedPolicyDocument", "ValidationError"),
    _R.ERROR_REASON_UNKNOWN_ACCESS_KEY: ("InvalidClientTokenId",),
    _R.ERROR_REASON_SIGNATURE_MISMATCH: ("SignatureDoesNotMatch",),
    _R.ERROR_REASON_SIGNATURE_EXPIRED: ("SignatureDoesNotMatch",),
    _R.ERROR_REASON_SIGNATURE_REPLAYED: ("SignatureDoesNotMatch",),
    _R.ERROR_REASON_MISSING_CREDENTIALS: ("MissingAuthenticationToken",),
    _R.ERROR_REASON_INCOMPLETE_SIGNATURE: ("IncompleteSignature",),
    _R.ERROR_REASON_INVALID_TOKEN: ("ExpiredToken",),
    # API keys are for bedrock, which does not speak this protocol.
    _R.ERROR_REASON_INVALID_API_KEY: ("AccessDenied",),
    _R.ERROR_REASON_EXPIRED_API_KEY: ("AccessDenied",),
    # The calling workload is the edge itself: a defect of the installation, not of the client.
    _R.ERROR_REASON_CALLER_NOT_LISTED: _INTERNAL,
    _R.ERROR_REASON_ACCESS_DENIED: ("AccessDenied",),
    _R.ERROR_REASON_MODEL_ACCESS_DENIED: ("AccessDenied",),
    _R.ERROR_REASON_UNKNOWN_REGION: ("SignatureDoesNotMatch",),
    _R.ERROR_REASON_RESOURCE_NOT_FOUND: ("NoSuchEntity", "ValidationError"),
    _R.ERROR_REASON_RESOURCE_EXISTS: ("EntityAlreadyExists", "ValidationError"),
    # What an operation that deletes nothing can meet is that its object goes away meanwhile.
    _R.ERROR_REASON_RESOURCE_STATE: (
        "DeleteConflict",
        "ConcurrentModification",
        "EntityTemporarilyUnmodifiable",
        "UnmodifiableEntity",
        "NoSuchEntity",
        "ValidationError",
    ),
    _R.ERROR_REASON_KEY_DISABLED: ("ValidationError",),
    _R.ERROR_REASON_INVALID_CIPHERTEXT: ("ValidationError",),
    _R.ERROR_REASON_THROTTLED: ("Throttling",),
    _R.ERROR_REASON_QUOTA_EXCEEDED: ("LimitExceeded", "PackedPolicyTooLarge", "Throttling"),
    _R.ERROR_REASON_DEPENDENCY_UNAVAILABLE: ("ServiceUnavailable",),
    _R.ERROR_REASON_AUDIT_UNAVAILABLE: ("ServiceUnavailable",),
    _R.ERROR_REASON_MODEL_NOT_READY: ("ServiceUnavailable",),
    _R.ERROR_REASON_MODEL_TIMEOUT: ("ServiceUnavailable",),
    _R.ERROR_REASON_MODEL_ERROR: _INTERNAL,
    _R.ERROR_REASON_MODEL_STREAM_ERROR: _INTERNAL,
    _R.ERROR_REASON_DEADLINE_TOO_SHORT: ("ServiceUnavailable",),
    _R.ERROR_REASON_ALREADY_BOOTSTRAPPED: ("AccessDenied",),
    _R.ERROR_REASON_CANCELLED: ("ServiceUnavailable",),
    _R.ERROR_REASON_INVALID_IDENTITY_TOKEN: ("InvalidIdentityToken", "AccessDenied"),
    _R.ERROR_REASON_IDENTITY_TOKEN_EXPIRED: ("ExpiredTokenException", "AccessDenied"),
    _R.ERROR_REASON_IDENTITY_CLAIM_REJECTED: ("IDPRejectedClaim", "AccessDenied"),
    _R.ERROR_REASON_IDENTITY_PROVIDER_UNREACHABLE: ("IDPCommunicationError", "ServiceUnavailable"),
    # Of KMS alone, which does not speak this protocol.
    _R.ERROR_REASON_INVALID_KEY_USAGE: ("ValidationError",),
    _R.ERROR_REASON_INCORRECT_KEY: ("ValidationError",),
    _R.ERROR_REASON_INVALID_SIGNATURE: ("ValidationError",),
    _R.ERROR_REASON_INVALID_MAC: ("ValidationError",),
    _R.ERROR_REASON_INVALID_GRANT_TOKEN: ("ValidationError",),
    _R.ERROR_REASON_INVALID_GRANT_ID: ("ValidationError",),
    _R.ERROR_REASON_INVALID_ALIAS_NAME: ("ValidationError",),
    _R.ERROR_REASON_INVALID_TAG: ("ValidationError",),
    _R.ERROR_REASON_INVALID_IMPORT_TOKEN: ("ValidationError",),
    _R.ERROR_REASON_EXPIRED_IMPORT_TOKEN: ("ValidationError",),
    _R.ERROR_REASON_INCORRECT_KEY_MATERIAL: ("ValidationError",),
    _R.ERROR_REASON_UNSUPPORTED_OPERATION: ("ValidationError",),
    _R.ERROR_REASON_DRY_RUN: ("ValidationError",),
    _R.ERROR_REASON_SEALED: ("ServiceUnavailable",),
    _R.ERROR_REASON_CONFLICT: ("ValidationError",),
}
"""Codes of every reason, the fitting one first; an operation gets the first that it declares."""

_UNREADABLE = _R.Name(_R.ERROR_REASON_INVALID_FIELD).removeprefix("ERROR_REASON_")
_UNKNOWN = _R.Name(_R.ERROR_REASON_RESOURCE_NOT_FOUND).removeprefix("ERROR_REASON_")


def query_fault_of(reason: int, message: str, operation: Operation | None = None) -> Fault:
    """Translate a reason into the error that `operation` declares for it."""
    if reason not in QUERY_CODES_OF:
        reason = _R.ERROR_REASON_UNSPECIFIED
    declared = frozenset[str]() if operation is None else operation.errors
    code = next(
        (each for each in QUERY_CODES_OF[reason] if each in QUERY_COMMON or each in declared),
        "InternalFailure",
    )
    text = FIXED_MESSAGES.get(reason, message)
    short = _R.Name(reason).removeprefix("ERROR_REASON_")
    return Fault(code, QUERY_STATUS_OF[code], text, reason=short)


def validation_error(message: str) -> Fault:
    """Build AWS's answer to an input that breaks a constraint of the service model."""
    return _fault("ValidationError", message)


def malformed_input(message: str) -> Fault:
    """Build AWS's answer to a parameter of another type than its member."""
    return _fault("MalformedInput", message)


def malformed_query(message: str) -> Fault:
    """Build AWS's answer to parameters that cannot be read."""
    return _fault("MalformedQueryString", message)


def invalid_parameters(message: str) -> Fault:
    """Build AWS's answer to parameters that can be read and say nothing that has a meaning."""
    return _fault("InvalidQueryParameter", message)


def missing_action() -> Fault:
    """Build AWS's answer to a request that names no operation."""
    return _fault("MissingAction", "The request must have the parameter Action.")


def unknown_action(version: str) -> Fault:
    """Build the answer to an operation or a version that the API does not have; neither is repeated."""
    text = f"The operation is not one of version {version} of this API, the one that is served."
    return _fault("InvalidAction", text, _UNKNOWN)


def unsupported_action(operation: Operation) -> Fault:
    """Build the answer to an operation of the API that this installation does not serve."""
    return _fault("InvalidAction", f"This installation does not support {operation.name}.", _UNKNOWN)


def unsupported_service() -> Fault:
    """Build AWS's answer to a service that has no credentials of its own."""
    return _fault(
        "NotSupportedService", "The specified service does not support service-specific credentials."
    )


def request_too_large() -> Fault:
    """Build AWS's answer to a body beyond the limit."""
    return _fault("RequestEntityTooLargeException", "The request is too large.")


def _fault(code: str, message: str, reason: str = _UNREADABLE) -> Fault:
    return Fault(code, QUERY_STATUS_OF[code], message, reason=reason)
