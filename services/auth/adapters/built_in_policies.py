"""The managed policies that come with this software, read once from their files."""

import base64
import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from services.auth.domain.identity import BUILT_IN_OWNER, ManagedPolicy, PolicyReference, PolicyVersion
from services.chassis.policy.document import canonical, parse

_FOLDER = Path(__file__).parents[1] / "domain" / "managed"


@dataclass(frozen=True, slots=True)
class BuiltInPolicy:
    """A built-in policy and its one version."""

    policy: ManagedPolicy
    version: PolicyVersion


@dataclass(frozen=True, slots=True)
class BuiltInPolicies:
    """All built-in policies. They never change while the service runs."""

    by_name: Mapping[str, BuiltInPolicy]
    """In the order of their names."""
    by_id: Mapping[str, BuiltInPolicy]


@functools.cache
def built_in_policies() -> BuiltInPolicies:
    """Read the files. Raises DomainError(UNSUPPORTED_POLICY) for one that cannot be evaluated exactly."""
    found = [_read(file) for file in sorted(_FOLDER.glob("*.json"))]
    return BuiltInPolicies(
        {each.policy.reference.policy_name: each for each in found},
        {each.policy.policy_id: each for each in found},
    )


def _read(file: Path) -> BuiltInPolicy:
    content = json.loads(file.read_text(encoding="utf-8"))
    document = json.dumps(content["document"], indent=4)
    created = datetime.fromisoformat(content["created"])
    # The id must be the same in every installation and after every restart, so it follows from the name.
    digest = hashlib.sha256(file.stem.encode()).digest()
    policy = ManagedPolicy(
        reference=PolicyReference(BUILT_IN_OWNER, file.stem),
        policy_id="ANPA" + base64.b32encode(digest).decode()[:17],
        description=content["description"],
        default_version=1,
        created_at=created,
        updated_at=created,
    )
    version = PolicyVersion(1, document, canonical(parse(document)), is_default=True, created_at=created)
    return BuiltInPolicy(policy, version)
