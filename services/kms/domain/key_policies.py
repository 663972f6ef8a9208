"""Key policies: the ones that keys get by themselves, and how they are asked about principals.

A policy is kept with ids in place of the names of users and roles (chassis/named_principals.py), and is
asked about a session by the id of its role.
AWS: https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from services.chassis.arn import assumed_role_arn, root_arn
from services.chassis.named_principals import session_of
from services.chassis.policy.conditions import Context
from services.chassis.policy.document import parse_accepted
from services.chassis.policy.kinds import KEY
from services.chassis.policy.model import Decision, Layer, Verdict
from services.chassis.policy.principals import Match, Name, NameKind, Principals, Requester, RequesterKind
from services.chassis.policy.resource_evaluator import ResourcePolicySet

MAX_POLICY_SIZE = 32_768
"""Bytes of a key policy. AWS: https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html"""

POLICY_NAME = "default"
"""The one name that a policy of a key can have."""

_MAX_CHARS = 8_000_000
"""Characters of policies that are kept compiled: about 28 bytes of memory each."""

_GRANTED = Decision(Verdict.ALLOW, layer=Layer.RESOURCE)


@lru_cache(maxsize=1024)
def default_policy(account_id: str, partition: str) -> str:
    """Return the policy of a key that was created without one: it leaves the key to its account.

    AWS: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    return _document("key-default-1", [_statement("Enable IAM User Permissions", account_id, partition)])


def managed_policy(account_id: str, region: str, service: str, partition: str) -> str:
    """Return the policy of a key that a service looks after: principals of the account use it through it.

    `service` is its name in policies, "bedrock.amazonaws.com". The account itself can look at the key.
    AWS: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk
    """
    name, _, domain = service.partition(".")
    used = {
        "Sid": f"Allow access through {name} for all principals in the account that are authorized to use it",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncrypt*",
            "kms:GenerateDataKey*",
            "kms:CreateGrant",
            "kms:DescribeKey",
        ],
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "kms:CallerAccount": account_id,
                "kms:ViaService": f"{name}.{region}.{domain}",
            }
        },
    }
    seen = _statement("Allow direct access to key metadata to the account", account_id, partition)
    seen["Action"] = ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"]
    return _document(f"auto-{name}", [used, seen])


class KeyPolicy(ResourcePolicySet):
    """A key policy that is kept by ids, compiled."""

    def evaluate(
        self, requester: Requester, action: str, resource: str, context: Context
    ) -> tuple[Decision, Match]:
        """Decide about a requester by its ids."""
        return super().evaluate(by_ids(requester), action, resource, context)


class _Around(ResourcePolicySet):
    """Decides by another policy, and by more than it says."""

    def __init__(self, policy: ResourcePolicySet) -> None:
        super().__init__([])
        self._policy = policy
        self.conditional = policy.conditional

    def conditional_for(self, action: str) -> bool:
        """As the policy itself."""
        return self._policy.conditional_for(action)


class GrantedPolicy(_Around):
    """A key policy together with grants that permit a request: what one of them gives, a Deny takes."""

    def __init__(self, policy: ResourcePolicySet, grantees: Iterable[str]) -> None:
        """Add to `policy` what grants give to `grantees`, as grants keep them."""
        super().__init__(policy)
        names = (Name(NameKind.AWS, each) for each in grantees)
        self._grantees = tuple(Principals((name,)) for name in names)

    def evaluate(
        self, requester: Requester, action: str, resource: str, context: Context
    ) -> tuple[Decision, Match]:
        """Decide: the grants for a requester allow whatever the policy does not deny."""
        decision, match = self._policy.evaluate(requester, action, resource, context)
        if decision.verdict is Verdict.EXPLICIT_DENY:
            return decision, match
        closest = max((each.match(by_ids(requester)) for each in self._grantees), default=Match.NONE)
        return (_GRANTED, closest) if closest > match else (decision, match)


class WorkloadPolicy(_Around):
    """What a workload has that comes with a grant: what a policy denies, and nothing that it allows.

    Nobody uses a customer's key on its own word, whatever service it is.
    """

    def __init__(self, policy: ResourcePolicySet, *, granted: bool) -> None:
        """Let what `policy` does not deny pass if a grant was found."""
        super().__init__(policy)
        self._granted = granted

    def evaluate(
        self, requester: Requester, action: str, resource: str, context: Context
    ) -> tuple[Decision, Match]:
        """Decide by the grant, unless the policy denies."""
        decision, match = self._policy.evaluate(requester, action, resource, context)
        if decision.verdict is Verdict.EXPLICIT_DENY:
            return decision, match
        silent = Decision(Verdict.IMPLICIT_DENY, layer=Layer.RESOURCE)
        return (_GRANTED, Match.REQUESTER) if self._granted else (silent, Match.NONE)


class NamingPolicy(_Around):
    """A key policy of which a service has what is given to it by its name.

    What is given to everybody was not meant for services: they would use it on their own word.
    """

    def evaluate(
        self, requester: Requester, action: str, resource: str, context: Context
    ) -> tuple[Decision, Match]:
        """Decide; an Allow counts that names the requester."""
        decision, match = self._policy.evaluate(requester, action, resource, context)
        if decision.allowed and match is not Match.REQUESTER:
            return Decision(Verdict.IMPLICIT_DENY, layer=Layer.RESOURCE), Match.NONE
        return decision, match


SILENT_POLICY = KeyPolicy([])
"""Says nothing, so that a grant alone decides."""


class CompiledKeyPolicies:
    """Compiles key policies, each distinct text once while it is in use."""

    def __init__(self, partition: str, max_chars: int = _MAX_CHARS) -> None:
        """Keep those used last, of at most `max_chars` together."""
        self._partition = partition
        self._max_chars = max_chars
        self._chars = 0
        self._compiled: OrderedDict[str, KeyPolicy] = OrderedDict()

    def text(self, policy: str, account_id: str) -> str:
        """Return the text of a key's policy, which is the default one when it has none of its own."""
        return policy or default_policy(account_id, self._partition)

    def compiled(self, policy: str, account_id: str) -> KeyPolicy:
        """Return it compiled. Raises DomainError(UNSUPPORTED_POLICY) for what was never accepted."""
        text = self.text(policy, account_id)
        found = self._compiled.get(text)
        if found is not None:
            self._compiled.move_to_end(text)
            return found
        found = self._compiled[text] = KeyPolicy([parse_accepted(text, KEY)])
        self._chars += len(text)
        while self._chars > self._max_chars and len(self._compiled) > 1:
            # Whoever holds it still uses it for the one decision that it was fetched for.
            evicted, _ = self._compiled.popitem(last=False)
            self._chars -= len(evicted)
        return found


def by_ids(requester: Requester) -> Requester:
    """Return a requester whose session is named by the id of its role, as policies and grants keep it."""
    return _session_by_ids(requester) if requester.kind is RequesterKind.ROLE else requester


@lru_cache(maxsize=4096)
def _session_by_ids(requester: Requester) -> Requester:
    session = session_of(requester.name)
    if session is None:
        return requester
    name = assumed_role_arn(session.account_id, requester.unique_id, session.session_name, session.partition)
    return replace(requester, name=name)


def _statement(sid: str, account_id: str, partition: str) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": root_arn(account_id, partition)},
        "Action": "kms:*",
        "Resource": "*",
    }


def _document(name: str, statements: Sequence[Mapping[str, Any]]) -> str:
    whole = {"Version": "2012-10-17", "Id": name, "Statement": statements}
    return json.dumps(whole, indent=2)
