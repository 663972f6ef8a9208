"""Grants: what somebody may do with one key besides its policy.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.chassis.policy.principals import Requester, RequesterKind
from services.kms.domain.key_policies import by_ids
from services.kms.domain.names import GrantName
from services.kms.domain.request_facts import GrantFacts, RequestFacts
from services.kms.domain.specs import KeySpec, KeyUsage
from services.kms.errors import invalid_field

MAX_GRANTS = 50_000
"""Of a key. AWS: https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html"""
MAX_GRANTS_OF_ONE = 500
"""Grants on a key for one grantee: every request of a grantee can cost a look at each of them. AWS had the
same quota once; it has none today.
"""
MAX_PAIRS = 8
"""Pairs of a constraint."""
MAX_PAIR_VALUE = 384
"""Characters of a value in a constraint."""

_CREATE, _RETIRE = "CreateGrant", "RetireGrant"
_ADMINISTRATION = frozenset({_CREATE, "DescribeKey", _RETIRE})
"""Of every key; without an encryption context."""
_SYMMETRIC = frozenset(
    {
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "ReEncryptFrom",
        "ReEncryptTo",
    }
)
_ASYMMETRIC = frozenset({"Decrypt", "Encrypt", "GetPublicKey", "ReEncryptFrom", "ReEncryptTo"})
_OF_USAGE: Mapping[KeyUsage, frozenset[str]] = {
    KeyUsage.SIGN_VERIFY: frozenset({"GetPublicKey", "Sign", "Verify"}),
    KeyUsage.GENERATE_VERIFY_MAC: frozenset({"GenerateMac", "VerifyMac"}),
    KeyUsage.KEY_AGREEMENT: frozenset({"DeriveSharedSecret", "GetPublicKey"}),
}
GRANTABLE = _ADMINISTRATION.union(_SYMMETRIC, _ASYMMETRIC, *_OF_USAGE.values())
"""All that a grant can have, by AWS's names."""

WORKLOAD_SERVICE = "bedrock.amazonaws.com"
"""What policies call the workloads that can have grants: they all work for the model service."""

_NAME = re.compile(r"[a-zA-Z0-9:/_-]{1,256}")
_WORKLOAD = re.compile(r"pool/[a-z][a-z0-9-]{0,31}|service/(?:runtime|training)")
"""Workloads that work for customers. Edge carries principals' requests alone, and gets nothing of its own."""

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Constraint:
    """What the encryption context of a request must be; one of the two at most is not None."""

    equals: Pairs | None = None
    """The context is these pairs, in the order of their names."""
    subset: Pairs | None = None
    """The context holds these pairs."""

    @property
    def pairs(self) -> Mapping[str, str]:
        """The pairs of either; none without a constraint."""
        return dict(self.equals or self.subset or ())

    def permits(self, context: Mapping[str, str]) -> bool:
        """Say whether a request with this encryption context is meant. Case counts, in names as well."""
        if self.equals is not None and dict(self.equals) != dict(context):
            return False
        return self.subset is None or context.items() >= dict(self.subset).items()

    def covers(self, other: GrantFacts) -> bool:
        """Say whether every request that the constraint of `other` permits is permitted by this one."""
        if self.equals is not None:
            return other.equals is not None and dict(self.equals) == dict(other.equals)
        if self.subset is not None:
            narrowed = other.equals if other.equals is not None else other.subset
            return narrowed is not None and narrowed.items() >= dict(self.subset).items()
        return True


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as it is kept."""

    name: GrantName
    grantee: str
    """Id of a user or a role, ARN of a role's session with the role's id for its name, ARN of an account's
    root, or path of a workload."""
    retiring: str
    """The same of who may retire it; empty for nobody."""
    operations: tuple[str, ...]
    """By AWS's names, in the order of the request."""
    constraint: Constraint
    friendly_name: str
    issuing_account: str
    """ARN of the root of the account whose principal created it."""
    created: datetime

    def permits(self, action: str, facts: RequestFacts) -> bool:
        """Say whether the grant gives its grantee an action ("kms:Encrypt") in a request."""
        operation = action.removeprefix("kms:")
        if operation not in self.operations:
            return False
        if operation == _CREATE:
            return facts.grant is not None and self._passes_on(facts.grant)
        return operation in _ADMINISTRATION or self.constraint.permits(facts.encryption_context)

    def _passes_on(self, other: GrantFacts) -> bool:
        """Whoever may create grants by a grant gives no more than it has itself."""
        return set(other.operations) <= set(self.operations) and self.constraint.covers(other)


def check_operations(operations: Sequence[str], spec: KeySpec, usage: KeyUsage) -> tuple[str, ...]:
    """Return the operations of a new grant. Raises DomainError(INVALID_FIELD) for what the key cannot do."""
    if not operations:
        raise invalid_field("operations", "a grant has at least one operation")
    possible = _ADMINISTRATION | _possible(spec, usage)
    for operation in operations:
        if operation not in possible:
            whole = f"a grant on a key of {spec.value} for {usage.value}"
            raise invalid_field(
                "operations",
                f"{operation} is no operation of {whole}, which can have {', '.join(sorted(possible))}",
            )
    return tuple(dict.fromkeys(operations))


def check_constraint(facts: GrantFacts, spec: KeySpec) -> Constraint:
    """Return the constraint of a new grant. Raises DomainError(INVALID_FIELD)."""
    if facts.equals is not None and facts.subset is not None:
        raise invalid_field("constraints", "one of them at most can be set")
    pairs = facts.equals if facts.equals is not None else facts.subset
    if pairs is None:
        return Constraint()
    if spec is not KeySpec.SYMMETRIC_DEFAULT:
        raise invalid_field("constraints", f"keys of {spec.value} are used without an encryption context")
    if not 1 <= len(pairs) <= MAX_PAIRS:
        raise invalid_field("constraints", f"a constraint has 1 to {MAX_PAIRS} pairs")
    if any(len(value) > MAX_PAIR_VALUE for value in pairs.values()):
        raise invalid_field("constraints", f"a value has at most {MAX_PAIR_VALUE} characters")
    ordered = tuple(sorted(pairs.items()))
    return Constraint(equals=ordered) if facts.equals is not None else Constraint(subset=ordered)


def check_friendly_name(text: str) -> str:
    """Return the name that the creator of a grant chose, or none. Raises DomainError(INVALID_FIELD)."""
    if text and not _NAME.fullmatch(text):
        raise invalid_field("friendly_name", "letters, digits and :/_- are expected, at most 256")
    return text


def is_workload(text: str) -> bool:
    """Say whether a grantee is a workload, by its path."""
    return _WORKLOAD.fullmatch(text) is not None


def grantees_of(requester: Requester, account_root: str) -> tuple[str, ...]:
    """Return by what grants can name a requester; `account_root` is the ARN of its account's root."""
    if requester.kind is RequesterKind.ROLE:
        return requester.unique_id, by_ids(requester).name, account_root
    if requester.kind is RequesterKind.USER:
        return requester.unique_id, account_root
    return (account_root,)


def _possible(spec: KeySpec, usage: KeyUsage) -> frozenset[str]:
    if usage is KeyUsage.ENCRYPT_DECRYPT:
        return _ASYMMETRIC if spec.asymmetric else _SYMMETRIC
    return _OF_USAGE[usage]
