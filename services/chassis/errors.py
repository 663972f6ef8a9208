"""Domain errors, and the one mapping from reason to gRPC status."""

from collections.abc import Mapping

import grpc
from craton.common.v1.error_reason_pb2 import ErrorReason

_PREFIX = "ERROR_REASON_"


class DomainError(Exception):
    """A refusal or failure with a reason that clients can act on.

    `message` is for people: it says what, where and what would be right, and never carries prompts,
    keys, secrets or paths. `metadata` goes into ErrorInfo and obeys the same rule.
    """

    def __init__(
        self,
        reason: int,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        field: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """Build an error. `field` names the request field at fault, `retry_after_s` when to try again."""
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.field = field
        self.retry_after_s = retry_after_s

    @property
    def reason_name(self) -> str:
        """The reason without its enum prefix, for example "ACCESS_DENIED"."""
        return ErrorReason.Name(self.reason).removeprefix(_PREFIX)


_INVALID = grpc.StatusCode.INVALID_ARGUMENT
_UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
_DENIED = grpc.StatusCode.PERMISSION_DENIED
_UNAVAILABLE = grpc.StatusCode.UNAVAILABLE

STATUS_OF_REASON: Mapping[int, grpc.StatusCode] = {
    ErrorReason.ERROR_REASON_UNSPECIFIED: grpc.StatusCode.UNKNOWN,
    ErrorReason.ERROR_REASON_INTERNAL: grpc.StatusCode.INTERNAL,
    ErrorReason.ERROR_REASON_INVALID_FIELD: _INVALID,
    ErrorReason.ERROR_REASON_INVALID_MODEL_BODY: _INVALID,
    ErrorReason.ERROR_REASON_UNSUPPORTED_POLICY: _INVALID,
    ErrorReason.ERROR_REASON_UNKNOWN_ACCESS_KEY: _UNAUTHENTICATED,
    ErrorReason.ERROR_REASON_SIGNATURE_MISMATCH: _UNAUTHENTICATED,
    ErrorReason.ERROR_REASON_SIGNATURE_EXPIRED: _UNAUTHENTICATED,
    ErrorReason.ERROR_REASON_SIGNATURE_REPLAYED: _UNAUTHENTICATED,
    ErrorReason.ERROR_REASON_MISSING_CREDENTIALS: _UNAUTHENTICATED,
    ErrorReason.ERROR_REASON_INCOMPLETE_SIGNATURE: _UNAUTHENTICATED,
    ErrorReason.ERROR_REASON_INVALID_TOKEN: _UNAUTHENTICATED,
    ErrorReason.ERROR_REASON_INVALID_API_KEY: _UNAUTHENTICATED,
    ErrorReason.ERROR_REASON_EXPIRED_API_KEY: _UNAUTHENTICATED,
    ErrorReason.ERROR_REASON_CALLER_NOT_LISTED: _DENIED,
    ErrorReason.ERROR_REASON_ACCESS_DENIED: _DENIED,
    ErrorReason.ERROR_REASON_MODEL_ACCESS_DENIED: _DENIED,
    ErrorReason.ERROR_REASON_ALREADY_BOOTSTRAPPED: _DENIED,
    ErrorReason.ERROR_REASON_UNKNOWN_REGION: _INVALID,
    ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    ErrorReason.ERROR_REASON_RESOURCE_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    ErrorReason.ERROR_REASON_RESOURCE_STATE: grpc.StatusCode.FAILED_PRECONDITION,
    ErrorReason.ERROR_REASON_KEY_DISABLED: grpc.StatusCode.FAILED_PRECONDITION,
    ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT: _INVALID,
    ErrorReason.ERROR_REASON_THROTTLED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorReason.ERROR_REASON_QUOTA_EXCEEDED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE: _UNAVAILABLE,
    ErrorReason.ERROR_REASON_AUDIT_UNAVAILABLE: _UNAVAILABLE,
    ErrorReason.ERROR_REASON_MODEL_NOT_READY: _UNAVAILABLE,
    ErrorReason.ERROR_REASON_MODEL_TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
    ErrorReason.ERROR_REASON_MODEL_ERROR: grpc.StatusCode.INTERNAL,
    ErrorReason.ERROR_REASON_MODEL_STREAM_ERROR: grpc.StatusCode.INTERNAL,
    ErrorReason.ERROR_REASON_DEADLINE_TOO_SHORT: _INVALID,
    ErrorReason.ERROR_REASON_CANCELLED: grpc.StatusCode.CANCELLED,
    ErrorReason.ERROR_REASON_INVALID_IDENTITY_TOKEN: _UNAUTHENTICATED,
    ErrorReason.ERROR_REASON_IDENTITY_TOKEN_EXPIRED: _UNAUTHENTICATED,
    ErrorReason.ERROR_REASON_IDENTITY_CLAIM_REJECTED: _DENIED,
    ErrorReason.ERROR_REASON_IDENTITY_PROVIDER_UNREACHABLE: _UNAVAILABLE,
    ErrorReason.ERROR_REASON_INVALID_KEY_USAGE: grpc.StatusCode.FAILED_PRECONDITION,
    ErrorReason.ERROR_REASON_INCORRECT_KEY: _INVALID,
    ErrorReason.ERROR_REASON_INVALID_SIGNATURE: _INVALID,
    ErrorReason.ERROR_REASON_INVALID_MAC: _INVALID,
    ErrorReason.ERROR_REASON_INVALID_GRANT_TOKEN: _INVALID,
    ErrorReason.ERROR_REASON_INVALID_GRANT_ID: _INVALID,
    ErrorReason.ERROR_REASON_INVALID_ALIAS_NAME: _INVALID,
    ErrorReason.ERROR_REASON_INVALID_TAG: _INVALID,
    ErrorReason.ERROR_REASON_INVALID_IMPORT_TOKEN: _INVALID,
    ErrorReason.ERROR_REASON_EXPIRED_IMPORT_TOKEN: grpc.StatusCode.FAILED_PRECONDITION,
    ErrorReason.ERROR_REASON_INCORRECT_KEY_MATERIAL: _INVALID,
    ErrorReason.ERROR_REASON_UNSUPPORTED_OPERATION: grpc.StatusCode.UNIMPLEMENTED,
    ErrorReason.ERROR_REASON_DRY_RUN: grpc.StatusCode.FAILED_PRECONDITION,
    ErrorReason.ERROR_REASON_SEALED: _UNAVAILABLE,
    ErrorReason.ERROR_REASON_CONFLICT: grpc.StatusCode.FAILED_PRECONDITION,
}
