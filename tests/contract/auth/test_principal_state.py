"""What a principal has, read in one snapshot."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from services.auth.adapters.sql_sessions import SqlSessions
from services.auth.adapters.tables_identity import ATTACHMENTS
from services.auth.domain.identity import (
    Entity,
    EntityFacts,
    EntityKind,
    Tag,
)
from services.chassis.database import Database
from tests.contract.auth.identity_stores import (
    ADMINISTRATOR,
    ALLOW_ALL,
    ID,
    ROLE,
    ROLE_ENTITY,
    TEAM_ENTITY,
    Stores,
    group_policy,
)
from tests.contract.auth.test_roles import SESSION
from tests.contract.auth.test_store import ALICE, ALICE_ENTITY, policy


async def test_a_principal_has_what_it_and_its_groups_have(stores: Stores) -> None:
    assert (await stores.alice()).policies.identity == ()
    own, shared = (
        await stores.managed_policy("own", "{own}"),
        await stores.managed_policy("shared", "{shared}"),
    )
    await stores.inline.put_policy(policy("p", text="{inline}"), 99)
    await stores.inline.put_policy(group_policy("p", "{of the group}"), 99)
    for entity, each in ((ALICE_ENTITY, own), (ALICE_ENTITY, shared), (TEAM_ENTITY, shared)):
        await stores.attachments.attach(ID, entity, each, 9)
    await stores.attachments.attach(ID, TEAM_ENTITY, ADMINISTRATOR, 9)
    assert (await stores.alice()).policies.identity == ("{inline}", "{own}", "{shared}")
    await stores.groups.add_member(ID, "Team", "alice", 9)
    identity = (await stores.alice()).policies.identity
    assert identity[:2] == ("{inline}", "{of the group}")
    assert sorted(identity[2:]) == sorted(("{own}", "{shared}", ALLOW_ALL))
    # A version in force replaces another one, for everybody at once.
    await stores.version(shared, "{shared 2}", as_default=True)
    assert "{shared 2}" in (await stores.alice()).policies.identity
    assert "{shared}" not in (await stores.alice()).policies.identity
    await stores.managed.set_default_version(shared, 1)
    assert "{shared 2}" not in (await stores.alice()).policies.identity
    await stores.managed.set_default_version(shared, 2)
    await stores.groups.remove_member(ID, "Team", "alice")
    assert set((await stores.alice()).policies.identity) == {"{inline}", "{own}", "{shared 2}"}


async def _facts(stores: Stores, user_name: str) -> EntityFacts:
    facts = await stores.attachments.facts(ID, Entity(EntityKind.USER, user_name))
    assert facts is not None
    return facts


async def test_a_boundary_is_one_policy_in_force(stores: Stores) -> None:
    made = await stores.managed_policy("P", "{1}")
    assert (await stores.alice()).policies.boundary is None
    await stores.attachments.put_boundary(ID, ALICE_ENTITY, made)
    assert (await stores.alice()).policies.boundary == ("{1}",)
    await stores.version(made, "{2}", as_default=True)
    assert (await stores.alice()).policies.boundary == ("{2}",)
    assert (await _facts(stores, "alice")).boundary == made
    assert (await _facts(stores, "bob")).boundary is None
    assert await stores.attachments.facts(ID, Entity(EntityKind.USER, "nobody")) is None
    await stores.attachments.put_boundary(ID, ALICE_ENTITY, ADMINISTRATOR)
    assert (await stores.alice()).policies.boundary == (ALLOW_ALL,)
    assert (await stores.alice()).policies.identity == ()
    # That of another user does not bind.
    await stores.attachments.delete_boundary(ID, ALICE_ENTITY)
    await stores.attachments.put_boundary(ID, Entity(EntityKind.USER, "bob"), made)
    assert (await stores.alice()).policies.boundary is None


async def test_a_session_has_what_its_role_has_and_tags_of_its_own(
    stores: Stores, database: Database
) -> None:
    await stores.roles.create_role(ROLE, 99)
    session = replace(SESSION, role=ROLE, tags=(("TEAM", "blue"), ("x", "1")))
    await SqlSessions(database).create_session(session)
    made = await stores.managed_policy("P", "{1}")
    await stores.attachments.attach(ID, ROLE_ENTITY, made, 9)
    await stores.attachments.put_boundary(ID, ROLE_ENTITY, ADMINISTRATOR)
    await stores.tags.tag(ID, ROLE_ENTITY, (Tag("team", "red"), Tag("cost", "7")), 9)
    state = await stores.credentials.principal_state(session.access_key_id)
    assert state is not None
    assert (state.policies.identity, state.policies.boundary) == (("{1}",), (ALLOW_ALL,))
    assert state.facts.tags == (("cost", "7"), ("TEAM", "blue"), ("x", "1"))
    # Another kind of entity with the same id is somebody else.
    assert (await stores.alice()).policies.boundary is None


async def test_a_policy_that_this_version_does_not_know_refuses_its_bearer(
    stores: Stores, database: Database
) -> None:
    await database.run(
        lambda connection: connection.execute(
            sa.insert(ATTACHMENTS).values(
                entity_kind="user", entity_id=ALICE.user_id, policy_id="ANPAFUTURE", account_id=ID
            )
        )
    )
    with pytest.raises(KeyError):
        await stores.alice()
