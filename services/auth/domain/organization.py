"""An organization: a tree of units with the accounts in it, and the policies that bound them.

AWS: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_getting-started_concepts.html
and https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
"""

import base64
import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.auth.domain.records import Installation
from services.chassis.policy.kinds import RESOURCE_CONTROL, SERVICE_CONTROL, PolicyKind
from services.chassis.randomness import Randomness

MAX_DEPTH = 5
"""Organizational units between the root and an account, as at AWS."""
MAX_UNITS = 2_000
"""Organizational units of an organization, as at AWS."""
MAX_POLICIES = 2_000
"""Policies of one type; AWS permits 2,000 service control policies."""
MAX_ATTACHED = 5
"""Policies of one type on one target. With depth and size this bounds what a lease carries to 350 KiB."""

ROOT_NAME = "Root"

Epochs = Mapping[str, int]
"""The policy epochs that a change has raised, by account id."""


class PolicyType(enum.Enum):
    """What a policy bounds: what principals of an account can do, or what can be done to its resources."""

    SERVICE_CONTROL = "SERVICE_CONTROL_POLICY"
    RESOURCE_CONTROL = "RESOURCE_CONTROL_POLICY"

    @property
    def kind(self) -> PolicyKind:
        """What a document of this type may say."""
        return SERVICE_CONTROL if self is PolicyType.SERVICE_CONTROL else RESOURCE_CONTROL

    @property
    def full_access_id(self) -> str:
        """Id of AWS's policy that forbids nothing; whoever is new in the organization has it."""
        return "p-FullAWSAccess" if self is PolicyType.SERVICE_CONTROL else "p-RCPFullAWSAccess"


_AWS_MANAGED = frozenset(each.full_access_id for each in PolicyType)


class NodeKind(enum.Enum):
    """What stands in the tree."""

    ROOT = "ROOT"
    ORGANIZATIONAL_UNIT = "ORGANIZATIONAL_UNIT"
    ACCOUNT = "ACCOUNT"


@dataclass(frozen=True, slots=True)
class Unit:
    """The root, or an organizational unit."""

    unit_id: str
    parent_id: str | None
    """None for the root."""
    name: str
    path: str
    """Ids from the root down to itself, each with a "/" behind it. It never changes: units do not move."""
    created_at: datetime

    @property
    def depth(self) -> int:
        """Zero for the root."""
        return self.path.count("/") - 1


@dataclass(frozen=True, slots=True)
class Node:
    """The root, a unit or an account, as something that policies are attached to."""

    node_id: str
    name: str

    @property
    def kind(self) -> NodeKind:
        """What it is."""
        return kind_of(self.node_id)


@dataclass(frozen=True, slots=True)
class ControlPolicy:
    """A service control policy or a resource control policy."""

    policy_id: str
    policy_type: PolicyType
    name: str
    description: str
    document: str
    """As it was written."""
    canonical: str
    """As it is evaluated."""
    updated_at: datetime

    @property
    def aws_managed(self) -> bool:
        """Whether it is one of AWS's own, which nobody changes."""
        return self.policy_id in _AWS_MANAGED


@dataclass(frozen=True, slots=True)
class OrganizationArns:
    """The ARNs of an organization's parts.

    AWS: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
    """

    installation: Installation
    partition: str = "aws"

    def organization(self) -> str:
        """Return the ARN of the organization itself."""
        return self._arn(self._account, f"organization/{self.installation.organization_id}")

    def node(self, node_id: str) -> str:
        """Return the ARN of the root, of a unit or of an account."""
        resource = {
            NodeKind.ROOT: "root",
            NodeKind.ORGANIZATIONAL_UNIT: "ou",
            NodeKind.ACCOUNT: "account",
        }[kind_of(node_id)]
        return self._arn(self._account, f"{resource}/{self.installation.organization_id}/{node_id}")

    def policy(self, policy_id: str, policy_type: PolicyType) -> str:
        """Return the ARN of a policy; AWS's own belong to no organization."""
        if policy_id in _AWS_MANAGED:
            return self._arn("aws", f"policy/{policy_type.value.lower()}/{policy_id}")
        organization_id = self.installation.organization_id
        return self._arn(self._account, f"policy/{organization_id}/{policy_type.value.lower()}/{policy_id}")

    @property
    def _account(self) -> str:
        return self.installation.management_account_id

    def _arn(self, account: str, resource: str) -> str:
        return f"arn:{self.partition}:organizations::{account}:{resource}"


def kind_of(node_id: str) -> NodeKind:
    """Say what an id names, by its form."""
    if node_id.startswith("r-"):
        return NodeKind.ROOT
    return NodeKind.ORGANIZATIONAL_UNIT if node_id.startswith("ou-") else NodeKind.ACCOUNT


def root_id_of(organization_id: str) -> str:
    """Return the id of an organization's only root: "r-" and four characters.

    It follows from the organization's id, so that installations from before there were roots get theirs.
    """
    digest = hashlib.sha256(organization_id.encode()).digest()
    return "r-" + base64.b32encode(digest).decode().lower()[:4]


def new_unit_id(root_id: str, randomness: Randomness) -> str:
    """Return "ou-", the four characters of the root, and eight characters of a-z and 2-7."""
    return f"ou-{root_id.removeprefix('r-')}-{_token(randomness, 8)}"


def new_policy_id(randomness: Randomness) -> str:
    """Return "p-" and ten characters of a-z and 2-7."""
    return f"p-{_token(randomness, 10)}"


def _token(randomness: Randomness, length: int) -> str:
    return base64.b32encode(randomness.token_bytes(10)).decode().lower()[:length]
