"""Errors of AWS KMS, which speaks AWS JSON 1.1, and the one table from our reasons to them.

AWS: https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html; what an operation declares stands
in its service model. In this protocol every refusal of a client's request is 400, also that of credentials.
"""

from collections.abc import Mapping

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.edge.domain.faults import FIXED_MESSAGES, Fault
from services.edge.domain.model import Operation

JSON_STATUS_OF: Mapping[str, int] = {
    "AccessDeniedException": 400,
    "AlreadyExistsException": 400,
    "ConflictException": 400,
    "DependencyTimeoutException": 500,
    "DisabledException": 400,
    "DryRunOperationException": 400,
    "ExpiredImportTokenException": 400,
    "ExpiredTokenException": 400,
    "IncompleteSignatureException": 400,
    "IncorrectKeyException": 400,
    "IncorrectKeyMaterialException": 400,
    "InvalidAliasNameException": 400,
    "InvalidArnException": 400,
    "InvalidCiphertextException": 400,
    "InvalidGrantIdException": 400,
    "InvalidGrantTokenException": 400,
    "InvalidImportTokenException": 400,
    "InvalidKeyUsageException": 400,
    "InvalidMarkerException": 400,
    "InvalidSignatureException": 400,
    "KMSInternalException": 500,
    "KMSInvalidMacException": 400,
    "KMSInvalidSignatureException": 400,
    "KMSInvalidStateException": 400,
    "KeyUnavailableException": 500,
    "LimitExceededException": 400,
    "MalformedPolicyDocumentException": 400,
    "MissingAuthenticationTokenException": 400,
    "NotFoundException": 400,
    "RequestEntityTooLargeException": 413,
    "SerializationException": 400,
    "TagException": 400,
    "ThrottlingException": 400,
    "UnknownOperationException": 400,
    "UnrecognizedClientException": 400,
    "UnsupportedOperationException": 400,
    "ValidationException": 400,
}
"""HTTP status of every exception that the edge sends. A test compares it with the service model."""

JSON_COMMON = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "KMSInternalException",
        "MissingAuthenticationTokenException",
        "SerializationException",
        "ThrottlingException",
        "UnrecognizedClientException",
        # Not declared everywhere, but what this installation lacks it must be able to say everywhere.
        "UnsupportedOperationException",
        "ValidationException",
    }
)
"""Any operation may answer with these, declared or not."""

_R = ErrorReason
_INTERNAL = ("KMSInternalException",)
_UNREACHABLE = ("DependencyTimeoutException", "KMSInternalException")
JSON_CODES_OF: Mapping[int, tuple[str, ...]] = {
    _R.ERROR_REASON_UNSPECIFIED: _INTERNAL,
    _R.ERROR_REASON_INTERNAL: _INTERNAL,
    _R.ERROR_REASON_INVALID_FIELD: ("ValidationException",),
    _R.ERROR_REASON_INVALID_MODEL_BODY: ("ValidationException",),
    _R.ERROR_REASON_UNSUPPORTED_POLICY: ("MalformedPolicyDocumentException", "ValidationException"),
    _R.ERROR_REASON_UNKNOWN_ACCESS_KEY: ("UnrecognizedClientException",),
    _R.ERROR_REASON_SIGNATURE_MISMATCH: ("InvalidSignatureException",),
    _R.ERROR_REASON_SIGNATURE_EXPIRED: ("InvalidSignatureException",),
    _R.ERROR_REASON_SIGNATURE_REPLAYED: ("InvalidSignatureException",),
    _R.ERROR_REASON_MISSING_CREDENTIALS: ("MissingAuthenticationTokenException",),
    _R.ERROR_REASON_INCOMPLETE_SIGNATURE: ("IncompleteSignatureException",),
    _R.ERROR_REASON_INVALID_TOKEN: ("ExpiredTokenException",),
    # API keys are for bedrock alone.
    _R.ERROR_REASON_INVALID_API_KEY: ("AccessDeniedException",),
    _R.ERROR_REASON_EXPIRED_API_KEY: ("AccessDeniedException",),
    # The calling workload is the edge itself: a defect of the installation, not of the client.
    _R.ERROR_REASON_CALLER_NOT_LISTED: _INTERNAL,
    _R.ERROR_REASON_ACCESS_DENIED: ("AccessDeniedException",),
    _R.ERROR_REASON_MODEL_ACCESS_DENIED: ("AccessDeniedException",),
    _R.ERROR_REASON_UNKNOWN_REGION: ("InvalidSignatureException",),
    _R.ERROR_REASON_RESOURCE_NOT_FOUND: ("NotFoundException", "ValidationException"),
    _R.ERROR_REASON_RESOURCE_EXISTS: ("AlreadyExistsException", "ValidationException"),
    _R.ERROR_REASON_RESOURCE_STATE: ("KMSInvalidStateException", "ValidationException"),
    _R.ERROR_REASON_KEY_DISABLED: ("DisabledException", "KMSInvalidStateException", "ValidationException"),
    _R.ERROR_REASON_INVALID_CIPHERTEXT: ("InvalidCiphertextException", "ValidationException"),
    _R.ERROR_REASON_THROTTLED: ("ThrottlingException",),
    _R.ERROR_REASON_QUOTA_EXCEEDED: ("LimitExceededException", "ThrottlingException"),
    _R.ERROR_REASON_DEPENDENCY_UNAVAILABLE: _UNREACHABLE,
    _R.ERROR_REASON_AUDIT_UNAVAILABLE: _UNREACHABLE,
    # Of models, which KMS has none of.
    _R.ERROR_REASON_MODEL_NOT_READY: _INTERNAL,
    _R.ERROR_REASON_MODEL_TIMEOUT: _INTERNAL,
    _R.ERROR_REASON_MODEL_ERROR: _INTERNAL,
    _R.ERROR_REASON_MODEL_STREAM_ERROR: _INTERNAL,
    _R.ERROR_REASON_DEADLINE_TOO_SHORT: _UNREACHABLE,
    _R.ERROR_REASON_ALREADY_BOOTSTRAPPED: ("AccessDeniedException",),
    _R.ERROR_REASON_CANCELLED: _UNREACHABLE,
    # Of STS alone, which speaks the query protocol.
    _R.ERROR_REASON_INVALID_IDENTITY_TOKEN: ("AccessDeniedException",),
    _R.ERROR_REASON_IDENTITY_TOKEN_EXPIRED: ("AccessDeniedException",),
    _R.ERROR_REASON_IDENTITY_CLAIM_REJECTED: ("AccessDeniedException",),
    _R.ERROR_REASON_IDENTITY_PROVIDER_UNREACHABLE: _UNREACHABLE,
    _R.ERROR_REASON_INVALID_KEY_USAGE: (
        "InvalidKeyUsageException",
        "UnsupportedOperationException",
    ),
    _R.ERROR_REASON_INCORRECT_KEY: ("IncorrectKeyException", "ValidationException"),
    _R.ERROR_REASON_INVALID_SIGNATURE: ("KMSInvalidSignatureException", "ValidationException"),
    _R.ERROR_REASON_INVALID_MAC: ("KMSInvalidMacException", "ValidationException"),
    _R.ERROR_REASON_INVALID_GRANT_TOKEN: ("InvalidGrantTokenException", "ValidationException"),
    _R.ERROR_REASON_INVALID_GRANT_ID: ("InvalidGrantIdException", "ValidationException"),
    _R.ERROR_REASON_INVALID_ALIAS_NAME: ("InvalidAliasNameException", "ValidationException"),
    _R.ERROR_REASON_INVALID_TAG: ("TagException", "ValidationException"),
    _R.ERROR_REASON_INVALID_IMPORT_TOKEN: ("InvalidImportTokenException", "ValidationException"),
    _R.ERROR_REASON_EXPIRED_IMPORT_TOKEN: ("ExpiredImportTokenException", "ValidationException"),
    _R.ERROR_REASON_INCORRECT_KEY_MATERIAL: ("IncorrectKeyMaterialException", "ValidationException"),
    _R.ERROR_REASON_UNSUPPORTED_OPERATION: ("UnsupportedOperationException",),
    _R.ERROR_REASON_DRY_RUN: ("DryRunOperationException", "ValidationException"),
    _R.ERROR_REASON_SEALED: ("KeyUnavailableException", *_UNREACHABLE),
    _R.ERROR_REASON_CONFLICT: ("ConflictException", "KMSInvalidStateException", "ValidationException"),
}
"""Exceptions of every reason, the fitting one first; an operation gets the first that it declares."""

_UNREADABLE = _R.Name(_R.ERROR_REASON_INVALID_FIELD).removeprefix("ERROR_REASON_")
_UNKNOWN = _R.Name(_R.ERROR_REASON_RESOURCE_NOT_FOUND).removeprefix("ERROR_REASON_")
_LACKING = _R.Name(_R.ERROR_REASON_UNSUPPORTED_OPERATION).removeprefix("ERROR_REASON_")


def json_fault_of(reason: int, message: str, operation: Operation | None = None) -> Fault:
    """Translate a reason into the exception that `operation` declares for it."""
    if reason not in JSON_CODES_OF:
        reason = _R.ERROR_REASON_UNSPECIFIED
    declared = frozenset[str]() if operation is None else operation.errors
    code = next(
        (each for each in JSON_CODES_OF[reason] if each in JSON_COMMON or each in declared),
        "KMSInternalException",
    )
    text = FIXED_MESSAGES.get(reason, message)
    short = _R.Name(reason).removeprefix("ERROR_REASON_")
    return Fault(code, JSON_STATUS_OF[code], text, reason=short)


def invalid_arn(text: str, operation: Operation) -> Fault:
    """Build AWS's answer to an ARN that is none, or is of something that KMS does not have."""
    code = "InvalidArnException" if "InvalidArnException" in operation.errors else "NotFoundException"
    return _fault(code, text)


def invalid_marker() -> Fault:
    """Build AWS's answer to a marker that no answer had."""
    return _fault("InvalidMarkerException", "The marker is not one of an earlier answer.")


def unsupported(message: str) -> Fault:
    """Build the answer to what AWS has and this installation has not."""
    return _fault("UnsupportedOperationException", message, _LACKING)


def unsupported_operation(operation: Operation) -> Fault:
    """Build the answer to an operation of the API that this installation does not serve."""
    return unsupported(f"This installation does not support {operation.name}.")


def unknown_target() -> Fault:
    """Build AWS's answer to a request whose headers name no operation; what they name is not repeated."""
    return _fault(
        "UnknownOperationException",
        "The headers name no operation of this service: X-Amz-Target and Content-Type say which it is, "
        "and that it is written in AWS JSON 1.1.",
        _UNKNOWN,
    )


def request_entity_too_large() -> Fault:
    """Build AWS's answer to a body beyond the limit."""
    return _fault("RequestEntityTooLargeException", "The request is too large.")


def _fault(code: str, message: str, reason: str = _UNREADABLE) -> Fault:
    return Fault(code, JSON_STATUS_OF[code], message, reason=reason)
