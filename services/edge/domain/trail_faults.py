"""Errors of AWS CloudTrail, and the one table from our reasons to them.

AWS: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/CommonErrors.html
"""

import enum
from collections.abc import Mapping

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
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


class TrailProblem(enum.Enum):
    """What can be wrong with a request about trails; the value is AWS's exception."""

    NAME = "InvalidTrailNameException"
    ARN = "CloudTrailARNInvalidException"
    BUCKET_NAME = "InvalidS3BucketNameException"
    PREFIX = "InvalidS3PrefixException"
    SELECTORS = "InvalidEventSelectorsException"
    TAG = "InvalidTagParameterException"
    TAGS = "TagsLimitExceededException"
    MARKER = "InvalidNextTokenException"
    TAG_MARKER = "InvalidTokenException"
    HOME = "InvalidHomeRegionException"
    NOT_FOUND = "TrailNotFoundException"
    NO_RESOURCE = "ResourceNotFoundException"
    EXISTS = "TrailAlreadyExistsException"
    TOO_MANY = "MaximumNumberOfTrailsExceededException"
    NO_BUCKET = "S3BucketDoesNotExistException"
    BUCKET_POLICY = "InsufficientS3BucketPolicyException"
    KEY_ID = "InvalidKmsKeyIdException"
    NO_KEY = "KmsKeyNotFoundException"
    KEY_POLICY = "InsufficientEncryptionPolicyException"
    KEY = "KmsException"
    CONFLICT = "ConflictException"

    def fault(self, message: str) -> Fault:
        """Build the exception."""
        return json_fault(self.value, message)


_FIELDS = {
    "name": TrailProblem.NAME,
    "bucket": TrailProblem.BUCKET_NAME,
    "prefix": TrailProblem.PREFIX,
    "selectors": TrailProblem.SELECTORS,
    "tags": TrailProblem.TAG,
}

_KEY_CODES = {
    "KMS.NotFoundException": TrailProblem.NO_KEY,
    "KMS.AccessDeniedException": TrailProblem.KEY_POLICY,
}
"""Why a key cannot be used, as audit says it. AWS has one exception for all states in which a key is not."""


def invalid_arn() -> Fault:
    """Build AWS's answer to an ARN that is not one of a trail."""
    return TrailProblem.ARN.fault(
        "The ARN is not one of a trail: arn:aws:cloudtrail:region:account:trail/name."
    )


def trail_fault(error: DomainError, *, of_tags: bool) -> Fault | None:
    """Return audit's refusal of a request about trails as AWS names it; None for what every service has."""
    reason, field = error.reason, error.field or ""
    problem: TrailProblem | None = None
    if reason == _R.ERROR_REASON_INVALID_FIELD:
        problem = _FIELDS.get(field.partition("[")[0].partition(".")[0])
    elif reason == _R.ERROR_REASON_RESOURCE_NOT_FOUND:
        problem = TrailProblem.NO_RESOURCE if of_tags else TrailProblem.NOT_FOUND
    elif reason == _R.ERROR_REASON_RESOURCE_EXISTS:
        problem = TrailProblem.EXISTS
    elif reason == _R.ERROR_REASON_QUOTA_EXCEEDED:
        problem = TrailProblem.TAGS if field == "tags" else TrailProblem.TOO_MANY
    elif reason == _R.ERROR_REASON_CONFLICT:
        problem = TrailProblem.CONFLICT
    elif reason == _R.ERROR_REASON_RESOURCE_STATE and field == "name":
        problem = TrailProblem.HOME
    elif reason == _R.ERROR_REASON_RESOURCE_STATE and field == "bucket":
        missing = error.metadata.get("code") in ("NoSuchBucket", "404")
        problem = TrailProblem.NO_BUCKET if missing else TrailProblem.BUCKET_POLICY
    elif reason == _R.ERROR_REASON_RESOURCE_STATE and field == "key_name":
        problem = _KEY_CODES.get(error.metadata.get("code", ""), TrailProblem.KEY)
    if problem is None:
        return None
    short = _R.Name(reason).removeprefix("ERROR_REASON_")
    return json_fault(problem.value, error.message, short)
