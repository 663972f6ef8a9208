"""The stores of identities over one database, for their contract suites."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from services.auth.adapters.principal_state import SqlPrincipals
from services.auth.adapters.sql_attachments import SqlAttachments
from services.auth.adapters.sql_credentials import SqlCredentials
from services.auth.adapters.sql_directory import SqlDirectory
from services.auth.adapters.sql_groups import SqlGroups
from services.auth.adapters.sql_inline_policies import SqlInlinePolicies
from services.auth.adapters.sql_managed_policies import SqlManagedPolicies
from services.auth.adapters.sql_roles import SqlRoles
from services.auth.adapters.sql_tags import SqlTags
from services.auth.domain.identity import (
    Entity,
    EntityKind,
    Group,
    InlinePolicy,
    ManagedPolicy,
    PolicyReference,
    PolicyVersion,
)
from services.auth.domain.records import PrincipalState, User
from services.auth.domain.roles import Role
from services.auth.ports.credentials import CredentialStore
from services.auth.ports.directory import DirectoryStore
from services.auth.ports.identity import (
    AttachmentStore,
    GroupStore,
    InlinePolicyStore,
    ManagedPolicyStore,
    TagStore,
)
from services.chassis.database import Database
from tests.contract.auth.test_store import ACCOUNT, ALICE, NOW, key

ID = ACCOUNT.account_id

BOB = User(ID, "bob", "AIDABOB", NOW)

TEAM = Group(ID, "Team", "AGPATEAM", NOW)


TEAM_ENTITY = Entity(EntityKind.GROUP, "Team")

ROLE = Role(ID, "Reader", "AROAREADER", " {}", "{}", "", timedelta(hours=1), NOW)

ROLE_ENTITY = Entity(EntityKind.ROLE, "Reader")

ADMINISTRATOR = PolicyReference("aws", "AdministratorAccess")

ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["*"],"Resource":["*"]}]}'


class Stores:
    """The ports over one store."""

    directory: DirectoryStore
    inline: InlinePolicyStore
    credentials: CredentialStore
    groups: GroupStore
    managed: ManagedPolicyStore
    attachments: AttachmentStore
    tags: TagStore

    def __init__(self, database: Database) -> None:
        self.directory, self.inline = SqlDirectory(database), SqlInlinePolicies(database)
        self.credentials, self.groups = SqlCredentials(database), SqlGroups(database)
        self.managed, self.attachments = SqlManagedPolicies(database), SqlAttachments(database)
        self.tags, self.roles = SqlTags(database), SqlRoles(database)
        self.principals = SqlPrincipals(database)

    async def alice(self) -> PrincipalState:
        """Return what decides about alice."""
        state = await self.credentials.principal_state(key(1).access_key_id)
        assert state is not None
        return state

    async def managed_policy(self, name: str, text: str = "{}", **changes: Any) -> PolicyReference:
        """Create a managed policy."""
        made = replace(
            ManagedPolicy(PolicyReference(ID, name), f"ANPA{name}", "what for", 1, NOW, NOW), **changes
        )
        version = PolicyVersion(1, f" {text}", text, is_default=True, created_at=NOW)
        await self.managed.create_policy(made, version, 99)
        return made.reference

    async def version(self, policy: PolicyReference, text: str, *, as_default: bool = False) -> int:
        """Add a version and return its number."""
        made, _epoch = await self.managed.create_version(
            policy, f" {text}", text, NOW, as_default=as_default, limit=5
        )
        return made.number


async def filled_stores(database: Database) -> Stores:
    """Fill stores with an account that has the users alice, who has a key, and bob, and the group Team."""
    made = Stores(database)
    await made.directory.create_account(ACCOUNT, None, None)
    for user in (ALICE, BOB):
        await made.directory.create_user(user, 99)
    await made.directory.create_access_key(key(1), 2)
    await made.groups.create_group(TEAM, 99)
    return made


def group_policy(name: str, text: str = "{}", group: Entity = TEAM_ENTITY) -> InlinePolicy:
    """Return an inline policy of a group."""
    return InlinePolicy(ID, group, name, f" {text}", text, NOW)
