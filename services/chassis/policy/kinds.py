"""The kinds of policies: what a document of each may say.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#access_policy-types
and https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html
"""

import enum
from dataclasses import dataclass


class PrincipalRule(enum.Enum):
    """What a kind says of the elements Principal and NotPrincipal."""

    ABSENT = "is refused: the policy is about whom it is attached to"
    REQUIRED = "is required"
    EVERYBODY = 'must be "*"'


@dataclass(frozen=True, slots=True)
class PolicyKind:
    """The rules of one kind."""

    name: str
    """For messages, in the plural."""
    max_chars: int
    """White space not counted."""
    principal: PrincipalRule = PrincipalRule.ABSENT
    has_resource: bool = True
    """False where the policy hangs on the one thing that it is about."""
    not_action: bool = True
    denies_only: bool = False
    """Allow stands only in the statement that permits everything, which each level of an organization has."""
    service: str = ""
    """The one service whose actions it can name; empty for any."""
    free_sid: bool = False
    """Whether a Sid can be any text, as "Enable IAM User Permissions" of the key policy that AWS gives."""

    @property
    def has_id(self) -> bool:
        """Whether the document may have an Id, a name that means nothing: where a resource has the policy."""
        return self.principal is PrincipalRule.REQUIRED


IDENTITY = PolicyKind("identity policies", 6144)
"""Also a permissions boundary, which is a managed policy that is attached as one."""
SESSION = PolicyKind("session policies", 2048)
SERVICE_CONTROL = PolicyKind("service control policies", 5120)
RESOURCE_CONTROL = PolicyKind(
    "resource control policies", 5120, PrincipalRule.EVERYBODY, not_action=False, denies_only=True
)
ENDPOINT = PolicyKind("endpoint policies", 20_480, PrincipalRule.REQUIRED)
KEY = PolicyKind("key policies", 32_768, PrincipalRule.REQUIRED, service="kms", free_sid=True)
MODEL = PolicyKind("resource policies of models", 20_480, PrincipalRule.REQUIRED, service="bedrock")
TRUST = PolicyKind("trust policies", 2048, PrincipalRule.REQUIRED, has_resource=False, service="sts")
