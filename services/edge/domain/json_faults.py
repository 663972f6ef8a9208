"""Errors of the services that speak AWS JSON 1.1: what they have in common, and how a table becomes a fault.

In this protocol every refusal of a client's request is 400, also that of credentials. What an operation
declares stands in its service model.
AWS: https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.edge.domain.faults import FIXED_MESSAGES, Fault
from services.edge.domain.model import Operation

JSON_STATUS_OF: Mapping[str, int] = {
    "AccessDeniedException": 400,
    "AlreadyExistsException": 400,
    "CloudTrailARNInvalidException": 400,
    "ConflictException": 400,
    "DependencyTimeoutException": 500,
    "DisabledException": 400,
    "DryRunOperationException": 400,
    "ExpiredImportTokenException": 400,
    "ExpiredTokenException": 400,
    "IncompleteSignatureException": 400,
    "IncorrectKeyException": 400,
    "IncorrectKeyMaterialException": 400,
    "InsufficientEncryptionPolicyException": 400,
    "InsufficientS3BucketPolicyException": 400,
    "InternalFailure": 500,
    "InvalidAliasNameException": 400,
    "InvalidArnException": 400,
    "InvalidCiphertextException": 400,
    "InvalidEventCategoryException": 400,
    "InvalidEventSelectorsException": 400,
    "InvalidGrantIdException": 400,
    "InvalidGrantTokenException": 400,
    "InvalidHomeRegionException": 400,
    "InvalidImportTokenException": 400,
    "InvalidKeyUsageException": 400,
    "InvalidKmsKeyIdException": 400,
    "InvalidLookupAttributesException": 400,
    "InvalidMarkerException": 400,
    "InvalidMaxResultsException": 400,
    "InvalidNextTokenException": 400,
    "InvalidS3BucketNameException": 400,
    "InvalidS3PrefixException": 400,
    "InvalidSignatureException": 400,
    "InvalidTagParameterException": 400,
    "InvalidTimeRangeException": 400,
    "InvalidTokenException": 400,
    "InvalidTrailNameException": 400,
    "KMSInternalException": 500,
    "KMSInvalidMacException": 400,
    "KMSInvalidSignatureException": 400,
    "KMSInvalidStateException": 400,
    "KeyUnavailableException": 500,
    "KmsException": 400,
    "KmsKeyNotFoundException": 400,
    "LimitExceededException": 400,
    "MalformedPolicyDocumentException": 400,
    "MaximumNumberOfTrailsExceededException": 400,
    "MissingAuthenticationTokenException": 400,
    "NotFoundException": 400,
    "RequestEntityTooLargeException": 413,
    "ResourceNotFoundException": 400,
    "S3BucketDoesNotExistException": 400,
    "SerializationException": 400,
    "ServiceUnavailable": 503,
    "TagException": 400,
    "TagsLimitExceededException": 400,
    "ThrottlingException": 400,
    "TrailAlreadyExistsException": 400,
    "TrailNotFoundException": 400,
    "UnknownOperationException": 400,
    "UnrecognizedClientException": 400,
    "UnsupportedOperationException": 400,
    "ValidationException": 400,
}
"""HTTP status of every exception that the edge sends. A test compares it with the service models."""

JSON_COMMON = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SerializationException",
        "ThrottlingException",
        "ServiceUnavailable",
        "UnrecognizedClientException",
        # Not declared everywhere, but what this installation lacks it must be able to say everywhere.
        "UnsupportedOperationException",
        "ValidationException",
    }
)
"""Any operation may answer with these, declared or not, and with what its service calls a defect."""

_R = ErrorReason
FRONT_CODES_OF: Mapping[int, tuple[str, ...]] = {
    _R.ERROR_REASON_INVALID_MODEL_BODY: ("ValidationException",),
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
    _R.ERROR_REASON_ACCESS_DENIED: ("AccessDeniedException",),
    _R.ERROR_REASON_MODEL_ACCESS_DENIED: ("AccessDeniedException",),
    _R.ERROR_REASON_UNKNOWN_REGION: ("InvalidSignatureException",),
    _R.ERROR_REASON_THROTTLED: ("ThrottlingException",),
    _R.ERROR_REASON_ALREADY_BOOTSTRAPPED: ("AccessDeniedException",),
    # Of STS alone, which speaks the query protocol.
    _R.ERROR_REASON_INVALID_IDENTITY_TOKEN: ("AccessDeniedException",),
    _R.ERROR_REASON_IDENTITY_TOKEN_EXPIRED: ("AccessDeniedException",),
    _R.ERROR_REASON_IDENTITY_CLAIM_REJECTED: ("AccessDeniedException",),
    _R.ERROR_REASON_UNSUPPORTED_OPERATION: ("UnsupportedOperationException",),
}
"""Exceptions of the reasons that every service has alike."""


@dataclass(frozen=True, slots=True)
class JsonFaults:
    """How one service's exceptions are chosen."""

    codes_of: Mapping[int, tuple[str, ...]]
    """Exceptions of every reason, the fitting one first; an operation gets the first that it declares."""
    internal: str
    """What the service calls a defect of its own; any operation may answer with it."""
    members: Mapping[str, str] = field(default_factory=dict)
    """Exceptions for members that break their constraints, where a member has one of its own."""

    def fault_of(self, reason: int, message: str, operation: Operation | None = None) -> Fault:
        """Translate a reason into the exception that `operation` declares for it."""
        if reason not in self.codes_of:
            reason = _R.ERROR_REASON_UNSPECIFIED
        allowed = JSON_COMMON if operation is None else JSON_COMMON | operation.errors
        code = next((each for each in self.codes_of[reason] if each in allowed), self.internal)
        text = FIXED_MESSAGES.get(reason, message)
        short = _R.Name(reason).removeprefix("ERROR_REASON_")
        return Fault(code, JSON_STATUS_OF[code], text, reason=short)

    def violation_of(self, member: str, message: str, operation: Operation) -> Fault:
        """Build the exception for an input whose `member` is the first that breaks a constraint."""
        code = self.members.get(member, "ValidationException")
        return json_fault(code if code in operation.errors else "ValidationException", message)


_UNREADABLE = _R.Name(_R.ERROR_REASON_INVALID_FIELD).removeprefix("ERROR_REASON_")
_UNKNOWN = _R.Name(_R.ERROR_REASON_RESOURCE_NOT_FOUND).removeprefix("ERROR_REASON_")
_LACKING = _R.Name(_R.ERROR_REASON_UNSUPPORTED_OPERATION).removeprefix("ERROR_REASON_")


def unsupported(message: str) -> Fault:
    """Build the answer to what AWS has and this installation has not."""
    return json_fault("UnsupportedOperationException", message, _LACKING)


def unsupported_operation(operation: Operation) -> Fault:
    """Build the answer to an operation of the API that this installation does not serve."""
    return unsupported(f"This installation does not support {operation.name}.")


def unknown_target() -> Fault:
    """Build AWS's answer to a request whose headers name no operation; what they name is not repeated."""
    return json_fault(
        "UnknownOperationException",
        "The headers name no operation of this service: X-Amz-Target and Content-Type say which it is, "
        "and that it is written in AWS JSON 1.1.",
        _UNKNOWN,
    )


def request_entity_too_large() -> Fault:
    """Build AWS's answer to a body beyond the limit."""
    return json_fault("RequestEntityTooLargeException", "The request is too large.")


def json_fault(code: str, message: str, reason: str = _UNREADABLE) -> Fault:
    """Build an exception by its name."""
    return Fault(code, JSON_STATUS_OF[code], message, reason=reason)
