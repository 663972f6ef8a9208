"""Errors of AWS CloudTrail, and the one table from our reasons to them.

AWS: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/CommonErrors.html
"""

from collections.abc import Mapping

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.edge.domain.faults import Fault
from services.edge.domain.json_faults import FRONT_CODES_OF, JsonFaults, json_fault

_R = ErrorReason
_INTERNAL = ("InternalFailure",)
_UNREACHABLE = ("ServiceUnavailable",)
_INVALID = ("ValidationException",)
_CODES_OF: Mapping[int, tuple[str, ...]] = {
    **dict.fromkeys(_R.values(), _INTERNAL),
    **FRONT_CODES_OF,
    _R.ERROR_REASON_INVALID_FIELD: _INVALID,
    _R.ERROR_REASON_UNSUPPORTED_POLICY: _INVALID,
    _R.ERROR_REASON_RESOURCE_NOT_FOUND: _INVALID,
    _R.ERROR_REASON_RESOURCE_EXISTS: _INVALID,
    _R.ERROR_REASON_RESOURCE_STATE: _INVALID,
    _R.ERROR_REASON_INVALID_TAG: _INVALID,
    _R.ERROR_REASON_CONFLICT: ("ConflictException", *_INVALID),
    _R.ERROR_REASON_QUOTA_EXCEEDED: ("ThrottlingException",),
    _R.ERROR_REASON_DEPENDENCY_UNAVAILABLE: _UNREACHABLE,
    _R.ERROR_REASON_AUDIT_UNAVAILABLE: _UNREACHABLE,
    _R.ERROR_REASON_SEALED: _UNREACHABLE,
    _R.ERROR_REASON_DEADLINE_TOO_SHORT: _UNREACHABLE,
    _R.ERROR_REASON_CANCELLED: _UNREACHABLE,
    _R.ERROR_REASON_IDENTITY_PROVIDER_UNREACHABLE: _UNREACHABLE,
}

TRAIL_FAULTS = JsonFaults(
    _CODES_OF,
    "InternalFailure",
    {
        "EventCategory": "InvalidEventCategoryException",
        "LookupAttributes": "InvalidLookupAttributesException",
        "MaxResults": "InvalidMaxResultsException",
        "NextToken": "InvalidNextTokenException",
    },
)


def invalid_attributes(message: str) -> Fault:
    """Build AWS's answer to lookup attributes that cannot be asked for."""
    return json_fault("InvalidLookupAttributesException", message)


def invalid_time_range() -> Fault:
    """Build AWS's answer to a time range that ends before it begins."""
    return json_fault("InvalidTimeRangeException", "StartTime must not be after EndTime.")


def invalid_next_token() -> Fault:
    """Build AWS's answer to a token that no answer had, or one to another question."""
    return json_fault(
        "InvalidNextTokenException", "NextToken is not one of an earlier answer to the same question."
    )
