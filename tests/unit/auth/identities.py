"""All operations on identities over one store, for tests."""

import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from services.auth.adapters.principal_state import SqlPrincipals
from services.auth.adapters.sql_attachments import SqlAttachments
from services.auth.adapters.sql_groups import SqlGroups
from services.auth.adapters.sql_inline_policies import SqlInlinePolicies
from services.auth.adapters.sql_managed_policies import SqlManagedPolicies
from services.auth.adapters.sql_roles import SqlRoles
from services.auth.adapters.sql_tags import SqlTags
from services.auth.domain.identity import (
    Entity,
    EntityKind,
)
from services.auth.domain.pages import PageRequest
from services.auth.operations.entities import IdentityAdmission
from services.auth.operations.groups import Groups
from services.auth.operations.inline_policies import InlinePolicies
from services.auth.operations.key_uses import LastUses
from services.auth.operations.managed_policies import Attachments, ManagedPolicies
from services.auth.operations.principal_names import PrincipalNames
from services.auth.operations.roles import Roles
from services.auth.operations.tags import Boundaries, PolicyTags, Tags
from services.auth.operations.trust_policies import TrustPolicies
from services.auth.operations.users import Users
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.principal import ClientContext

ACCOUNT = "123456789012"

ALICE = Entity(EntityKind.USER, "alice")

GROUP = Entity(EntityKind.GROUP, "g")

ALLOW = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"

FIRST = PageRequest(99, "")


class Announcements:
    """Revocations that remember."""

    def __init__(self) -> None:
        self.published: list[tuple[str, int]] = []

    async def publish(self, account_id: str, epoch: int) -> None:
        self.published.append((account_id, epoch))

    async def publish_all(self, epochs: Mapping[str, int]) -> None:
        self.published += epochs.items()


@dataclass
class Iam:
    """All of it, with alice, and root whom no policy hinders."""

    auth: Any
    users: Users
    groups: Groups
    inline: InlinePolicies
    policies: ManagedPolicies
    attachments: Attachments
    boundaries: Boundaries
    tags: Tags
    policy_tags: PolicyTags
    last_uses: LastUses
    roles: Roles
    announcements: Announcements
    root: CallContext

    async def alice(self) -> CallContext:
        return await call_of(self.auth, self.auth.key.key.access_key_id)

    async def allow(self, *statements: dict[str, Any]) -> None:
        """Give alice these statements alone."""
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        await self.auth.allow("alice", document)

    async def policy(self, name: str, document: str = ALLOW) -> str:
        """Create a managed policy and return its ARN."""
        await self.policies.create(self.root, name, document, "")
        return f"arn:aws:iam::{ACCOUNT}:policy/{name}"


async def call_of(auth: Any, access_key_id: str) -> CallContext:
    """Return a call of whoever has the access key."""
    state = await auth.credentials.principal_state(access_key_id)
    _, claims = auth.issuer.issue(state, "us-east-1", "auth", ClientContext())
    return CallContext(method="/m", request_id="r", call_id="c", caller=None, principal=claims)


async def make_iam(auth: Any) -> Iam:
    """Put it together over the store of `auth`."""
    database, announcements = auth.credentials._database, Announcements()
    attachments, tags = SqlAttachments(database), SqlTags(database)
    identities = IdentityAdmission(auth.admission, attachments, "aws")
    shared = (announcements, auth.clock, auth.randomness)
    root = await auth.keys.make(ACCOUNT, None)
    await auth.directory.create_access_key(root.key, 2)
    trusts = TrustPolicies(PrincipalNames(SqlRoles(database), SqlPrincipals(database), "aws"))
    return Iam(
        auth,
        Users(auth.directory, tags, identities, *shared),
        Groups(SqlGroups(database), identities, *shared),
        InlinePolicies(SqlInlinePolicies(database), identities, announcements, auth.clock),
        ManagedPolicies(SqlManagedPolicies(database), identities, *shared),
        Attachments(attachments, identities, announcements),
        Boundaries(attachments, identities, announcements),
        Tags(tags, identities, announcements),
        PolicyTags(tags, SqlManagedPolicies(database), identities, announcements),
        LastUses(auth.uses, identities, "aws"),
        Roles(SqlRoles(database), identities, *shared, trusts),
        announcements,
        await call_of(auth, root.key.access_key_id),
    )


async def refused(call: Awaitable[Any]) -> tuple[str, str]:
    """Return reason and message of a refusal."""
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.reason_name, caught.value.message


def allow(action: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
    """Return a statement."""
    found = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**found, "Condition": condition} if condition else found
