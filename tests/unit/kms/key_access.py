"""Accounts with principals, keys and grants, over records and leases that tests write."""

import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.arn import IamEntity, assumed_role_arn, iam_entity, user_arn
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.leases import LeaseAnswer, Leases
from services.chassis.named_principals import session_of, unique_id_of
from services.chassis.policy.bundle import PolicyBundle
from services.chassis.policy.document import canonical, parse_accepted
from services.chassis.policy.kinds import RESOURCE_CONTROL
from services.chassis.principal import PrincipalClaims
from services.chassis.resource_leases import ResourceLeaseAnswer, ResourceLeases
from services.kms.adapters.leased_policies import LeasedPolicies
from services.kms.domain.keys import Key, KeyState
from services.kms.domain.names import KeyName
from services.kms.domain.request_facts import NO_FACTS, RequestFacts
from services.kms.operations.access import Access
from services.kms.operations.grant_records import GrantRecords
from services.kms.operations.grant_tokens import GrantTokens
from services.kms.operations.grants import Grants
from services.kms.operations.key_policies import KeyPolicies
from services.kms.operations.key_records import KeyRecords
from tests.fakes.clock import CountingRandomness, ManualClock
from tests.fakes.records import MemoryRecords

OWNER, OTHER = "111122223333", "444455556666"
REGION = "us-east-1"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROOT = f"arn:aws:iam::{OWNER}:root"


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str] = "kms:*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": "*", **more}


def deny(action: str | list[str] = "kms:*", **more: Any) -> dict[str, Any]:
    return {**allow(action, **more), "Effect": "Deny"}


def to(*arns: str) -> dict[str, Any]:
    return {"Principal": {"AWS": list(arns)}}


def controlling(*statements: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Return the one level of an organization that has these statements besides AWS's own."""
    everything = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    written = document(everything, *({**each, "Principal": "*"} for each in statements))
    return ((canonical(parse_accepted(written, RESOURCE_CONTROL)),),)


class Revocations:
    """A KeyRevocations that remembers."""

    def __init__(self) -> None:
        self.revoked: list[KeyName] = []

    async def revoke(self, name: KeyName) -> None:
        self.revoked.append(name)

    async def revoke_all(self) -> None:
        raise AssertionError("nothing is sealed here")


@dataclass
class World:
    """Everything that decides about keys, in memory.

    Principals are named by "user/alice" or "role/r"; a call of a role is one of its session "s".
    """

    clock: ManualClock = field(default_factory=ManualClock)
    ids: dict[str, str] = field(default_factory=dict)
    """ARN of a user or role to its id."""
    bundles: dict[str, PolicyBundle] = field(default_factory=dict)
    """By the id of the principal; none for the root user."""
    controls: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    """Resource control policies by account."""
    incarnations: dict[str, str] = field(default_factory=lambda: {OWNER: "i1", OTHER: "i2"})
    down: bool = False
    """Whether auth does not answer."""

    def __post_init__(self) -> None:
        self.records = MemoryRecords()
        self.randomness = CountingRandomness()
        self.keys = KeyRecords(self.records, self.clock)
        self.grant_records = GrantRecords(self.records)
        self.tokens = GrantTokens(self.records, self.randomness)
        self.leases = Leases(self, self.clock)
        self.owners = ResourceLeases(_Owners(self), self.clock)
        self.enforcer = LeasedPolicies(self.leases, self.owners, self.clock)
        self.access = Access(self.enforcer, self.keys, self.grant_records, self.tokens)
        self.revocations = Revocations()
        self.policies = KeyPolicies(self.keys, self.access, self, self.revocations)
        self.grants = Grants(
            *(self.grant_records, self.keys, self.access, self.tokens, self, self.revocations),
            *(self.clock, self.randomness),
        )
        self._numbers = itertools.count(1)

    def make(self, name: str, *statements: Mapping[str, Any], account: str = OWNER, **layers: Any) -> str:
        """Create a user or role with one identity policy and return its ARN."""
        arn = f"arn:aws:iam::{account}:{name}"
        prefix = "AIDA" if name.startswith("user/") else "AROA"
        self.ids[arn] = f"{prefix}{next(self._numbers):017d}"
        identity = (document(*statements),) if statements else ()
        self.bundles[self.ids[arn]] = PolicyBundle(identity, **layers)
        return arn

    def narrow(self, arn: str, **layers: Any) -> None:
        """Change layers of a principal."""
        self.bundles[self.ids[arn]] = replace(self.bundles[self.ids[arn]], **layers)
        self.leases.revoke_all()

    def call(self, arn: str, *, region: str = REGION, via: tuple[str, ...] = ()) -> CallContext:
        """Return a call of the root user, a user, or a role's session."""
        account, root = arn.split(":")[4], arn.endswith(":root")
        unique_id = "" if root else self.ids[arn]
        caller_arn, principal_id = arn, unique_id or account
        if ":role/" in arn:
            caller_arn = assumed_role_arn(account, arn.rpartition("/")[2], "s")
            principal_id = f"{unique_id}:s"
        principal = PrincipalClaims(
            *(account, self.incarnations[account], caller_arn, principal_id, f"K{principal_id}", root),
            *(1, region, "kms", "t", 0, 2**33),
            via=via,
        )
        caller = WorkloadId("craton.local", "service", "edge")
        token = f"{account} {'' if root else unique_id}"
        return CallContext("/m", "r", "c", caller, principal=principal, principal_token=token)

    def workload(self, path: str) -> CallContext:
        return CallContext("/m", "r", "c", WorkloadId("craton.local", *path.split("/")))

    async def key(self, policy: str = "", account: str = OWNER, **fields: Any) -> Key:
        """Keep a key with a policy in which names stand as ARNs."""
        bound = await self.policies._bound(policy, "") if policy else ""
        name = KeyName.parse(f"accounts/{account}/regions/{REGION}/keys/k{next(self._numbers)}")
        key = Key(*(name, self.incarnations[account], KeyState.ENABLED, "", NOW, 1), policy=bound, **fields)
        await self.keys.change(lambda change: change.put_key(key))
        return key

    async def change(self, key: Key, policy: str) -> Key:
        """Keep a key with another policy, as nobody could who has to ask."""
        changed = replace(key, policy=await self.policies._bound(policy, key.policy))
        await self.keys.change(lambda change: change.put_key(changed))
        return changed

    async def may(
        self, call: CallContext, key: Key, action: str = "kms:Decrypt", facts: RequestFacts = NO_FACTS
    ) -> bool:
        try:
            await self.access.admit(call, key, action, facts)
        except DomainError as error:
            if error.reason != ErrorReason.ERROR_REASON_ACCESS_DENIED:
                raise
            return False
        return True

    # A LeaseSource.

    async def fetch(self, token: str, known_digest: str, continuing: bool = False) -> LeaseAnswer:
        account, _, unique_id = token.partition(" ")
        bundle = self.bundles.get(unique_id, PolicyBundle())
        bundle = replace(bundle, resource_control=self.controls.get(account, ()))
        if self.down:
            raise DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "no answer")
        return LeaseAnswer(bundle, frozenset(), 1, str(hash(bundle)), 5.0)

    # A PrincipalDirectory.

    async def bind(self, names: Sequence[str], known_ids: Collection[str] = ()) -> Sequence[str]:
        known = {*self.ids.values(), *known_ids}
        return [self._bound(name, known) for name in names]

    def _bound(self, text: str, known: set[str]) -> str:
        unique_id = unique_id_of(text)
        if unique_id:
            return text if unique_id in known else ""
        session = session_of(text)
        if session is not None:
            role = self.ids.get(f"arn:aws:iam::{session.account_id}:role/{session.role_name}")
            return assumed_role_arn(session.account_id, role, session.session_name) if role else ""
        if not text.startswith("arn:") or text.endswith(":root"):
            return text
        return self.ids.get(text, "")

    async def living(self, unique_ids: Collection[str]) -> Mapping[str, IamEntity]:
        return {kept: iam_entity(arn) for arn, kept in self.ids.items() if kept in unique_ids}


class _Owners:
    """A ResourceLeaseSource."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def fetch(self, account_id: str, known_digest: str) -> ResourceLeaseAnswer:
        if self._world.down:
            raise DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "no answer")
        incarnation = self._world.incarnations.get(account_id)
        if incarnation is None:
            raise DomainError(ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, "no account")
        return ResourceLeaseAnswer(incarnation, self._world.controls.get(account_id, ()), 1, "d", 5.0)


def user(name: str, account: str = OWNER) -> str:
    return user_arn(account, name)
