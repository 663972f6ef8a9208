"""For services that keep policies of resources: who is named, and what protects the resources."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.auth.domain.points import EnforcementPointId
from services.auth.domain.records import ResourceOwner
from services.auth.errors import access_denied
from services.auth.operations.lease import Registrar, read_for
from services.auth.operations.principal_names import PrincipalNames
from services.auth.ports.credentials import CredentialStore
from services.chassis.context import CallContext
from services.chassis.named_principals import unique_id_of


@dataclass(frozen=True, slots=True)
class ResourceLease:
    """One answer. `unchanged` means that the caller holds the content of `digest` already."""

    owner: ResourceOwner
    digest: str
    unchanged: bool


@dataclass(frozen=True, slots=True)
class ResourcePolicies:
    """Answers services."""

    credentials: CredentialStore
    names: PrincipalNames
    points: Registrar

    async def lease(
        self, call: CallContext, account_id: str, known_digest: str, instance_id: str
    ) -> ResourceLease:
        """Lease what protects an account's resources.

        Raises DomainError: RESOURCE_NOT_FOUND for an account that there is not, THROTTLED when the service
        has too many enforcement points.
        """
        if call.caller is None or call.caller.kind != "service":
            raise access_denied("Leases are for services.")
        point = EnforcementPointId(call.caller.name, instance_id)
        owner = await read_for(self.points, point, lambda: self.credentials.resource_owner(account_id))
        digest = _digest(owner)
        return ResourceLease(owner, digest, digest == known_digest)

    async def bind(self, names: Sequence[str], known_ids: Collection[str]) -> list[str]:
        """Return what is kept of each name, empty for one that is nobody's.

        `known_ids` may be named although nobody has them any more.
        """
        wanted = frozenset(map(unique_id_of, names)) - {""} - frozenset(known_ids)
        known = (await self.names.present(wanted)).keys() | frozenset(known_ids)
        # Most policies name the same few again and again.
        bound = {name: await self.names.bound(name, known) for name in dict.fromkeys(names)}
        return [bound[name] for name in names]

    async def tell(self, unique_ids: Collection[str]) -> list[tuple[str, str]]:
        """Return id and ARN of those users and roles that exist."""
        found = await self.names.present(unique_ids)
        return [(unique_id, entity.arn(self.names.partition)) for unique_id, entity in found.items()]


def _digest(owner: ResourceOwner) -> str:
    content = [owner.incarnation, [list(level) for level in owner.resource_control]]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
