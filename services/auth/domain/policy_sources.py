"""Which policy a statement comes from, in the words of IAM's simulator.

AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Statement.html
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass


class SourceType(enum.Enum):
    """Where a policy comes from. The values are IAM's."""

    USER = "user"
    """Inline, of a user."""
    GROUP = "group"
    ROLE = "role"
    AWS_MANAGED = "aws-managed"
    """Comes with this software."""
    USER_MANAGED = "user-managed"
    """A managed policy of the account."""
    RESOURCE = "resource"
    NONE = "none"
    """It stands in the request."""


@dataclass(frozen=True, slots=True)
class PolicySource:
    """A policy that is decided by, by its name in answers and as it was written.

    AWS says of none of them what the name is, and shows some: of a managed policy its name; of an inline one
    its kind, its bearer's name and its own, joined by "_"; of one in the request its list and its place
    there, from 1, for example "PolicyInputList.1".
    https://docs.aws.amazon.com/cli/latest/reference/iam/simulate-principal-policy.html#examples
    """

    policy_id: str
    source_type: SourceType
    document: str


@dataclass(frozen=True, slots=True)
class PrincipalSources:
    """The policies behind the identity layer of a user or a role, and its boundary.

    Equal policies stand here each by itself, which layers hold once.
    """

    identity: tuple[PolicySource, ...] = ()
    boundary: tuple[PolicySource, ...] = ()


NO_SOURCES = PrincipalSources()


def inline(kind: SourceType, bearer_name: str, policy_name: str, document: str) -> PolicySource:
    """Return an inline policy of a user, a group or a role."""
    return PolicySource(f"{kind.value}_{bearer_name}_{policy_name}", kind, document)


def identity_inputs(documents: Sequence[str]) -> tuple[PolicySource, ...]:
    """Return the identity policies of a request."""
    return tuple(
        PolicySource(f"PolicyInputList.{number}", SourceType.NONE, document)
        for number, document in enumerate(documents, 1)
    )


def boundary_input(document: str) -> PolicySource:
    """Return the boundary of a request, which has one at the most."""
    return PolicySource("PermissionsBoundaryPolicyInputList.1", SourceType.NONE, document)


def resource_input(document: str) -> PolicySource:
    """Return the policy of the resources of a request."""
    return PolicySource("ResourcePolicy", SourceType.RESOURCE, document)
