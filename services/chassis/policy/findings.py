"""What is worth knowing about a policy document that can be evaluated: findings, which refuse nothing.

They are modelled after IAM Access Analyzer's ValidatePolicy; where it knows a check, its issue code and its
words are taken. AWS: https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicyFinding.html
and https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
"""

import enum
from dataclasses import dataclass

from services.chassis.policy.positions import Span

_AWS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"
_HERE = "docs/policy-language.md#findings"


class FindingType(enum.Enum):
    """How bad it is. The values are AWS's."""

    ERROR = "ERROR"
    """A part of the policy that does nothing: nothing like it exists."""
    SECURITY_WARNING = "SECURITY_WARNING"
    """It permits more than one would guess."""
    WARNING = "WARNING"
    """It does something else than it seems to."""
    SUGGESTION = "SUGGESTION"
    """It does what it says; something about it is worth knowing."""


class IssueCode(enum.Enum):
    """What was found."""

    INVALID_ACTION = "INVALID_ACTION"
    INVALID_SERVICE_IN_ACTION = "INVALID_SERVICE_IN_ACTION"
    INVALID_PARTITION = "INVALID_PARTITION"
    INVALID_ARN_REGION = "INVALID_ARN_REGION"
    INVALID_ARN_ACCOUNT = "INVALID_ARN_ACCOUNT"
    INVALID_ARN_RESOURCE = "INVALID_ARN_RESOURCE"
    UNKNOWN_SERVICE = "UNKNOWN_SERVICE"
    """AWS may have the service; this installation has not."""
    ACTION_WITHOUT_RESOURCE = "ACTION_WITHOUT_RESOURCE"
    RESOURCE_WITHOUT_ACTION = "RESOURCE_WITHOUT_ACTION"
    CONDITION_KEY_WITHOUT_ACTION = "CONDITION_KEY_WITHOUT_ACTION"
    CONDITION_KEY_NOT_FILLED = "CONDITION_KEY_NOT_FILLED"
    WILDCARD_WITHOUT_LIKE_OPERATOR = "WILDCARD_WITHOUT_LIKE_OPERATOR"
    MISSING_VERSION = "MISSING_VERSION"
    PASS_ROLE_WITH_STAR_IN_RESOURCE = "PASS_ROLE_WITH_STAR_IN_RESOURCE"  # noqa: S105 (AWS's name)
    PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE = "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE"  # noqa: S105 (AWS's name)
    ACTION_NOT_SERVED = "ACTION_NOT_SERVED"

    @property
    def finding_type(self) -> FindingType:
        """How bad it is."""
        return _TYPES.get(self, FindingType.WARNING)

    @property
    def learn_more(self) -> str:
        """Where more is said about it."""
        if self not in _OF_AWS:
            return _HERE
        general = "general_" if self.finding_type is FindingType.WARNING else ""
        heading = f"{general}{self.finding_type.value}_{self.value}".lower().replace("_", "-")
        return f"{_AWS}#access-analyzer-reference-policy-checks-{heading}"


_TYPES = {
    IssueCode.INVALID_ACTION: FindingType.ERROR,
    IssueCode.INVALID_SERVICE_IN_ACTION: FindingType.ERROR,
    IssueCode.INVALID_PARTITION: FindingType.ERROR,
    IssueCode.INVALID_ARN_REGION: FindingType.ERROR,
    IssueCode.INVALID_ARN_ACCOUNT: FindingType.ERROR,
    IssueCode.INVALID_ARN_RESOURCE: FindingType.ERROR,
    IssueCode.PASS_ROLE_WITH_STAR_IN_RESOURCE: FindingType.SECURITY_WARNING,
    IssueCode.PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE: FindingType.SECURITY_WARNING,
    IssueCode.ACTION_NOT_SERVED: FindingType.SUGGESTION,
}
_OF_AWS = frozenset(
    {
        IssueCode.INVALID_ACTION,
        IssueCode.INVALID_SERVICE_IN_ACTION,
        IssueCode.INVALID_PARTITION,
        IssueCode.INVALID_ARN_REGION,
        IssueCode.INVALID_ARN_ACCOUNT,
        IssueCode.INVALID_ARN_RESOURCE,
        IssueCode.WILDCARD_WITHOUT_LIKE_OPERATOR,
        IssueCode.MISSING_VERSION,
        IssueCode.PASS_ROLE_WITH_STAR_IN_RESOURCE,
        IssueCode.PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE,
    }
)
"""Those that AWS checks as well."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a document."""

    path: tuple[str | int, ...]
    """Names of members and indexes of items, from the top, for example ("Statement", 0, "Action", 2)."""
    span: Span
    key: bool = False
    """Whether the name at the path's end is meant, and not its value."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding."""

    code: IssueCode
    details: str
    """For people; names of the document are cut."""
    locations: tuple[Location, ...]

    @property
    def finding_type(self) -> FindingType:
        """How bad it is."""
        return self.code.finding_type
