"""Errors of AWS KMS, and the one table from our reasons to them.

AWS: https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
"""

from collections.abc import Mapping

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.edge.domain.faults import Fault
from services.edge.domain.json_faults import FRONT_CODES_OF, JsonFaults, json_fault
from services.edge.domain.model import Operation

_R = ErrorReason
_INTERNAL = ("KMSInternalException",)
_UNREACHABLE = ("DependencyTimeoutException", "KMSInternalException")
_CODES_OF: Mapping[int, tuple[str, ...]] = {
    **FRONT_CODES_OF,
    _R.ERROR_REASON_UNSPECIFIED: _INTERNAL,
    _R.ERROR_REASON_INTERNAL: _INTERNAL,
    _R.ERROR_REASON_INVALID_FIELD: ("ValidationException",),
    _R.ERROR_REASON_UNSUPPORTED_POLICY: ("MalformedPolicyDocumentException", "ValidationException"),
    # The calling workload is the edge itself: a defect of the installation, not of the client.
    _R.ERROR_REASON_CALLER_NOT_LISTED: _INTERNAL,
    _R.ERROR_REASON_RESOURCE_NOT_FOUND: ("NotFoundException", "ValidationException"),
    _R.ERROR_REASON_RESOURCE_EXISTS: ("AlreadyExistsException", "ValidationException"),
    _R.ERROR_REASON_RESOURCE_STATE: ("KMSInvalidStateException", "ValidationException"),
    _R.ERROR_REASON_KEY_DISABLED: ("DisabledException", "KMSInvalidStateException", "ValidationException"),
    _R.ERROR_REASON_INVALID_CIPHERTEXT: ("InvalidCiphertextException", "ValidationException"),
    _R.ERROR_REASON_QUOTA_EXCEEDED: ("LimitExceededException", "ThrottlingException"),
    _R.ERROR_REASON_DEPENDENCY_UNAVAILABLE: _UNREACHABLE,
    _R.ERROR_REASON_AUDIT_UNAVAILABLE: _UNREACHABLE,
    # Of models, which KMS has none of.
    _R.ERROR_REASON_MODEL_NOT_READY: _INTERNAL,
    _R.ERROR_REASON_MODEL_TIMEOUT: _INTERNAL,
    _R.ERROR_REASON_MODEL_ERROR: _INTERNAL,
    _R.ERROR_REASON_MODEL_STREAM_ERROR: _INTERNAL,
    _R.ERROR_REASON_DEADLINE_TOO_SHORT: _UNREACHABLE,
    _R.ERROR_REASON_CANCELLED: _UNREACHABLE,
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
    _R.ERROR_REASON_DRY_RUN: ("DryRunOperationException", "ValidationException"),
    _R.ERROR_REASON_SEALED: ("KeyUnavailableException", *_UNREACHABLE),
    _R.ERROR_REASON_CONFLICT: ("ConflictException", "KMSInvalidStateException", "ValidationException"),
}

KMS_FAULTS = JsonFaults(_CODES_OF, "KMSInternalException")


def invalid_arn(text: str, operation: Operation) -> Fault:
    """Build AWS's answer to an ARN that is none, or is of something that KMS does not have."""
    code = "InvalidArnException" if "InvalidArnException" in operation.errors else "NotFoundException"
    return json_fault(code, text)


def invalid_marker() -> Fault:
    """Build AWS's answer to a marker that no answer had."""
    return json_fault("InvalidMarkerException", "The marker is not one of an earlier answer.")
