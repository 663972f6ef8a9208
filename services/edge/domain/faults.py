"""Errors as AWS clients see them, and the one table from our reasons to AWS's exceptions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.edge.domain.model import Operation, ServiceModel


@dataclass(eq=False)
class Fault(Exception):  # noqa: N818 (the word of the protocol; what it renders is named after the exception)
    """An AWS exception: what the client gets instead of an answer."""

    code: str
    status: int
    message: str
    members: Mapping[str, object] = field(default_factory=dict)
    """Further members of the exception, for example originalStatusCode."""
    reason: str = ""
    """Our reason, for the audit log."""


STATUS_OF: Mapping[str, int] = {
    "AccessDeniedException": 403,
    "ConflictException": 400,
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 400,
    "InternalServerException": 500,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "ModelStreamErrorException": 424,
    "ModelTimeoutException": 408,
    "ResourceInUseException": 400,
    "ResourceNotFoundException": 404,
    "SerializationException": 400,
    "ServiceQuotaExceededException": 400,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "TooManyTagsException": 400,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 403,
    "ValidationException": 400,
}
"""HTTP status of every exception that the edge sends. A test compares it with the service models."""

# Any operation may answer with these, declared or not: they come from the layers in front of a service.
_COMMON = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InternalServerException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SerializationException",
        "ServiceUnavailableException",
        "ThrottlingException",
        "UnknownOperationException",
        "UnrecognizedClientException",
        "ValidationException",
    }
)

_R = ErrorReason
EXCEPTIONS_OF: Mapping[int, tuple[str, ...]] = {
    _R.ERROR_REASON_UNSPECIFIED: ("InternalServerException",),
    _R.ERROR_REASON_INTERNAL: ("InternalServerException",),
    _R.ERROR_REASON_INVALID_FIELD: ("ValidationException",),
    _R.ERROR_REASON_INVALID_MODEL_BODY: ("ValidationException",),
    _R.ERROR_REASON_UNSUPPORTED_POLICY: ("ValidationException",),
    _R.ERROR_REASON_UNKNOWN_ACCESS_KEY: ("UnrecognizedClientException",),
    _R.ERROR_REASON_SIGNATURE_MISMATCH: ("InvalidSignatureException",),
    _R.ERROR_REASON_SIGNATURE_EXPIRED: ("InvalidSignatureException",),
    _R.ERROR_REASON_SIGNATURE_REPLAYED: ("InvalidSignatureException",),
    _R.ERROR_REASON_MISSING_CREDENTIALS: ("MissingAuthenticationTokenException",),
    _R.ERROR_REASON_INCOMPLETE_SIGNATURE: ("IncompleteSignatureException",),
    _R.ERROR_REASON_INVALID_TOKEN: ("ExpiredTokenException",),
    _R.ERROR_REASON_INVALID_API_KEY: ("AccessDeniedException",),
    _R.ERROR_REASON_EXPIRED_API_KEY: ("AccessDeniedException",),
    # The calling workload is the edge itself: a defect of the installation, not of the client.
    _R.ERROR_REASON_CALLER_NOT_LISTED: ("InternalServerException",),
    _R.ERROR_REASON_ACCESS_DENIED: ("AccessDeniedException",),
    _R.ERROR_REASON_MODEL_ACCESS_DENIED: ("AccessDeniedException",),
    _R.ERROR_REASON_UNKNOWN_REGION: ("InvalidSignatureException",),
    _R.ERROR_REASON_RESOURCE_NOT_FOUND: ("ResourceNotFoundException", "ValidationException"),
    _R.ERROR_REASON_RESOURCE_EXISTS: ("ConflictException", "ValidationException"),
    _R.ERROR_REASON_RESOURCE_STATE: ("ConflictException", "ValidationException"),
    _R.ERROR_REASON_KEY_DISABLED: ("ValidationException",),
    _R.ERROR_REASON_INVALID_CIPHERTEXT: ("ValidationException",),
    _R.ERROR_REASON_THROTTLED: ("ThrottlingException",),
    _R.ERROR_REASON_QUOTA_EXCEEDED: ("ServiceQuotaExceededException", "ThrottlingException"),
    _R.ERROR_REASON_DEPENDENCY_UNAVAILABLE: ("ServiceUnavailableException",),
    _R.ERROR_REASON_AUDIT_UNAVAILABLE: ("ServiceUnavailableException",),
    _R.ERROR_REASON_MODEL_NOT_READY: ("ModelNotReadyException", "ServiceUnavailableException"),
    _R.ERROR_REASON_MODEL_TIMEOUT: ("ModelTimeoutException", "ServiceUnavailableException"),
    _R.ERROR_REASON_MODEL_ERROR: ("ModelErrorException", "InternalServerException"),
    _R.ERROR_REASON_MODEL_STREAM_ERROR: (
        "ModelStreamErrorException",
        "ModelErrorException",
        "InternalServerException",
    ),
    _R.ERROR_REASON_DEADLINE_TOO_SHORT: ("ServiceUnavailableException",),
    _R.ERROR_REASON_ALREADY_BOOTSTRAPPED: ("AccessDeniedException",),
    _R.ERROR_REASON_CANCELLED: ("ServiceUnavailableException",),
    # Of STS alone, which speaks the query protocol.
    _R.ERROR_REASON_INVALID_IDENTITY_TOKEN: ("AccessDeniedException",),
    _R.ERROR_REASON_IDENTITY_TOKEN_EXPIRED: ("AccessDeniedException",),
    _R.ERROR_REASON_IDENTITY_CLAIM_REJECTED: ("AccessDeniedException",),
    _R.ERROR_REASON_IDENTITY_PROVIDER_UNREACHABLE: ("ServiceUnavailableException",),
    # Of KMS alone, which has codes of its own.
    _R.ERROR_REASON_INVALID_KEY_USAGE: ("ValidationException",),
    _R.ERROR_REASON_INCORRECT_KEY: ("ValidationException",),
    _R.ERROR_REASON_INVALID_SIGNATURE: ("ValidationException",),
    _R.ERROR_REASON_INVALID_MAC: ("ValidationException",),
    _R.ERROR_REASON_INVALID_GRANT_TOKEN: ("ValidationException",),
    _R.ERROR_REASON_INVALID_GRANT_ID: ("ValidationException",),
    _R.ERROR_REASON_INVALID_ALIAS_NAME: ("ValidationException",),
    _R.ERROR_REASON_INVALID_TAG: ("ValidationException",),
    _R.ERROR_REASON_INVALID_IMPORT_TOKEN: ("ValidationException",),
    _R.ERROR_REASON_EXPIRED_IMPORT_TOKEN: ("ValidationException",),
    _R.ERROR_REASON_INCORRECT_KEY_MATERIAL: ("ValidationException",),
    _R.ERROR_REASON_UNSUPPORTED_OPERATION: ("ValidationException",),
    _R.ERROR_REASON_DRY_RUN: ("ValidationException",),
    _R.ERROR_REASON_SEALED: ("ServiceUnavailableException",),
    _R.ERROR_REASON_CONFLICT: ("ValidationException",),
}
"""Exceptions of every reason, the fitting one first; an operation gets the first that it declares."""

_UNEXPECTED = "The system encountered an unexpected error during processing. Try your request again."
_INVALID_MODEL = "The provided model identifier is invalid."
_UNKNOWN_OPERATION = "The requested operation is not known, or is not supported by this endpoint."
FIXED_MESSAGES: Mapping[int, str] = {
    _R.ERROR_REASON_INTERNAL: _UNEXPECTED,
    _R.ERROR_REASON_UNSPECIFIED: _UNEXPECTED,
    _R.ERROR_REASON_CALLER_NOT_LISTED: _UNEXPECTED,
    _R.ERROR_REASON_UNKNOWN_ACCESS_KEY: "The security token included in the request is invalid.",
    _R.ERROR_REASON_INVALID_TOKEN: "The security token included in the request is expired",
    _R.ERROR_REASON_INVALID_API_KEY: "Authentication failed: Please make sure your API Key is valid.",
    _R.ERROR_REASON_EXPIRED_API_KEY: "Bearer Token has expired",
    _R.ERROR_REASON_UNKNOWN_REGION: "Credential should be scoped to a valid region.",
    _R.ERROR_REASON_DEPENDENCY_UNAVAILABLE: "The service is temporarily unavailable. Try your request again.",
    _R.ERROR_REASON_AUDIT_UNAVAILABLE: "The service is temporarily unavailable. Try your request again.",
}
"""Texts that stand for themselves at AWS, where ours would say more than the client should learn."""


def fault_of(
    reason: int,
    message: str,
    operation: Operation | None = None,
    members: Mapping[str, object] | None = None,
) -> Fault:
    """Translate a reason into the exception that `operation` declares for it."""
    if reason not in EXCEPTIONS_OF:
        reason = _R.ERROR_REASON_UNSPECIFIED
    short = ErrorReason.Name(reason).removeprefix("ERROR_REASON_")
    if (
        reason == _R.ERROR_REASON_RESOURCE_NOT_FOUND
        and operation is not None
        and operation.name in ("InvokeModel", "InvokeModelWithResponseStream")
    ):
        # AWS answers an unknown model here as an invalid identifier, although 404 is declared as well.
        return Fault("ValidationException", 400, _INVALID_MODEL, reason=short)
    candidates = EXCEPTIONS_OF[reason]
    code = next(
        (each for each in candidates if each in _COMMON or (operation and each in operation.errors)),
        "InternalServerException",
    )
    text = FIXED_MESSAGES.get(reason, message)
    return Fault(code, STATUS_OF[code], text, dict(members or {}), short)


def validation(message: str) -> Fault:
    """Build a ValidationException."""
    return Fault("ValidationException", 400, message, reason="INVALID_FIELD")


def serialization(message: str) -> Fault:
    """Build AWS's answer to a body that is not the JSON it should be."""
    return Fault("SerializationException", 400, message, reason="INVALID_FIELD")


def unknown_operation() -> Fault:
    """Build the answer to a path that no served operation has: AWS's code and status, with a text.

    No service model declares this exception, and what AWS's front end sends with it tells nobody anything.
    The text is the same for every path, so that nothing a client sent comes back.
    """
    return Fault("UnknownOperationException", 404, _UNKNOWN_OPERATION, reason="RESOURCE_NOT_FOUND")


def stream_exceptions(model: ServiceModel, union: str) -> frozenset[str]:
    """Return the exceptions that the event stream `union` can carry, by their shape names."""
    members = model.shapes[union]["members"].values()
    return frozenset(
        member["shape"] for member in members if model.shapes[member["shape"]].get("exception", False)
    )
