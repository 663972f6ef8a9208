"""The contract of stores of roles and temporary credentials."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.auth.adapters.principal_state import SqlPrincipals
from services.auth.adapters.sql_credentials import SqlCredentials
from services.auth.adapters.sql_directory import SqlDirectory
from services.auth.adapters.sql_inline_policies import SqlInlinePolicies
from services.auth.adapters.sql_passed_roles import SqlPassedRoles
from services.auth.adapters.sql_roles import SqlRoles
from services.auth.adapters.sql_sessions import SqlSessions
from services.auth.domain.identity import Entity, EntityKind, InlinePolicy
from services.auth.domain.passed_roles import PassedRole
from services.auth.domain.roles import Role, TemporarySession
from services.auth.ports.credentials import CredentialStore, PrincipalReader
from services.auth.ports.identity import InlinePolicyStore
from services.auth.ports.passed_roles import PassedRoleStore
from services.auth.ports.roles import RoleStore, SessionStore
from services.chassis.arn import IamEntity
from services.chassis.database import Database, migrate, open_engine
from services.chassis.policy.bundle import PolicyBundle
from tests.contract.auth.test_store import ACCOUNT, ALICE, NOW, REVISIONS, first, reason
from tests.fakes.databases import KINDS, empty_database, make_schema

ROLE = Role(ACCOUNT.account_id, "Reader", "AROA1", " {}", "{}", "reads", timedelta(hours=2), NOW)
ROLE_ENTITY = Entity(EntityKind.ROLE, "Reader")
SESSION = TemporarySession(
    access_key_id="ASIA1",
    account_id=ACCOUNT.account_id,
    role=ROLE,
    user_id=None,
    session_name="today",
    token_sha256=b"t" * 32,
    sealed_secret=b"sealed",
    policies=("{1}", "{2}"),
    policy_ids=(),
    tags=(("a", "b"), ("é", "")),
    transitive_keys=frozenset({"a"}),
    source_identity="carol",
    issued_at=NOW,
    expires_at=NOW + timedelta(hours=1),
)


class Stores:
    roles: RoleStore
    policies: InlinePolicyStore
    sessions: SessionStore
    credentials: CredentialStore
    directory: SqlDirectory
    principals: PrincipalReader

    def __init__(self, database: Database) -> None:
        self.roles, self.sessions = SqlRoles(database), SqlSessions(database)
        self.policies = SqlInlinePolicies(database)
        self.principals = SqlPrincipals(database)
        self.passed: PassedRoleStore = SqlPassedRoles(database)
        self.credentials, self.directory = SqlCredentials(database), SqlDirectory(database)


@pytest.fixture(params=KINDS)
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    database = Database(empty_database(request.param, tmp_path))
    make_schema(database, REVISIONS)
    made = Stores(database)
    await made.directory.create_account(ACCOUNT, None, None)
    await made.directory.create_user(ALICE, 99)
    yield made
    await database.close()


def policy(name: str, text: str = "{}") -> InlinePolicy:
    return InlinePolicy(ACCOUNT.account_id, ROLE_ENTITY, name, f" {text}", text, NOW)


async def test_roles_are_kept_by_name(stores: Stores) -> None:
    before = await stores.directory.create_user(replace(ALICE, user_name="x", user_id="AIDAX"), 99)
    assert await stores.roles.create_role(ROLE, 2) == before + 1
    assert await stores.roles.role(ACCOUNT.account_id, "Reader") == ROLE
    same = replace(ROLE, role_name="READER", role_id="AROA2")
    assert await reason(stores.roles.create_role(same, 2)) == "RESOURCE_EXISTS"
    for name in ("reader", "nobody"):
        assert await reason(stores.roles.role(ACCOUNT.account_id, name)) == "RESOURCE_NOT_FOUND"
    other = replace(ROLE, role_name="Alpha", role_id="AROA3")
    await stores.roles.create_role(other, 2)
    third = replace(ROLE, role_name="third", role_id="AROA4")
    assert await reason(stores.roles.create_role(third, 2)) == "QUOTA_EXCEEDED"
    page = await stores.roles.roles(ACCOUNT.account_id, first(1))
    assert (page.items, bool(page.next_token)) == ((other,), True)


async def test_a_role_changes_and_goes(stores: Stores) -> None:
    before = await stores.roles.create_role(ROLE, 9)
    changed = replace(ROLE, trust="t", canonical_trust="c", description="", max_session=timedelta(hours=1))
    # Whoever changes one half has read the other before somebody else has changed it.
    assert await stores.roles.update_role(replace(changed, trust="old", canonical_trust="old")) == before + 1
    half = replace(changed, trust=ROLE.trust, canonical_trust=ROLE.canonical_trust)
    assert await stores.roles.role(ACCOUNT.account_id, "Reader") == half
    old = replace(changed, description="old", max_session=timedelta(hours=9))
    assert await stores.roles.update_role(old, frozenset()) == before + 2
    assert await stores.roles.role(ACCOUNT.account_id, "Reader") == changed
    await stores.policies.put_policy(policy("p"), 10)
    assert await reason(stores.roles.delete_role(ACCOUNT.account_id, "Reader")) == "RESOURCE_STATE"
    await stores.policies.delete_policy(ACCOUNT.account_id, ROLE_ENTITY, "p")
    await stores.sessions.create_session(SESSION)
    await stores.roles.delete_role(ACCOUNT.account_id, "Reader")
    assert await stores.credentials.principal_state("ASIA1") is None
    assert await reason(stores.roles.update_role(changed)) == "RESOURCE_NOT_FOUND"
    assert await reason(stores.roles.delete_role(ACCOUNT.account_id, "Reader")) == "RESOURCE_NOT_FOUND"
    assert await reason(stores.sessions.create_session(SESSION)) == "RESOURCE_STATE"


async def test_a_session_is_a_principal_of_its_role(stores: Stores) -> None:
    await stores.roles.create_role(ROLE, 9)
    await stores.policies.put_policy(policy("b", "{2}"), 99)
    await stores.policies.put_policy(policy("a", "{1}"), 99)
    await stores.sessions.create_session(SESSION)
    state = await stores.credentials.principal_state("ASIA1")
    assert state is not None
    assert (state.session, state.user, state.root) == (SESSION, None, False)
    assert state.principal_id == "AROA1:today"
    assert state.policies == PolicyBundle(("{1}", "{2}"), session=("{1}", "{2}"))


async def test_a_session_of_a_user_has_the_users_rights(stores: Stores) -> None:
    own = replace(SESSION, role=None, user_id=ALICE.user_id, policies=(), session_name="")
    await stores.sessions.create_session(own)
    state = await stores.credentials.principal_state("ASIA1")
    assert state is not None
    assert (state.session, state.user, state.policies.session) == (own, ALICE, None)
    await stores.directory.delete_user(ACCOUNT.account_id, ALICE.user_name)
    assert await stores.credentials.principal_state("ASIA1") is None
    ghost = replace(own, access_key_id="ASIA2", user_id="AIDANOBODY")
    assert await reason(stores.sessions.create_session(ghost)) == "RESOURCE_STATE"


async def test_sessions_that_ended_long_ago_are_forgotten(stores: Stores) -> None:
    await stores.roles.create_role(ROLE, 9)
    await stores.sessions.create_session(SESSION)
    soon, later = NOW + timedelta(hours=24), NOW + timedelta(hours=26)
    await stores.sessions.create_session(replace(SESSION, access_key_id="ASIA2", issued_at=soon))
    assert await stores.credentials.principal_state("ASIA1") is not None
    await stores.sessions.create_session(replace(SESSION, access_key_id="ASIA3", issued_at=later))
    assert await stores.credentials.principal_state("ASIA1") is None


async def test_sessions_and_the_end_of_their_role_at_once(stores: Stores) -> None:
    """Whoever comes second finds out: no session outlives its role."""
    for number in range(5):
        role = replace(ROLE, role_id=f"AROA{number}", role_name=f"r{number}")
        await stores.roles.create_role(role, 99)
        session = replace(SESSION, access_key_id=f"ASIA{number}", role=role)
        await asyncio.gather(
            stores.sessions.create_session(session),
            stores.roles.delete_role(ACCOUNT.account_id, role.role_name),
            return_exceptions=True,
        )
        assert await stores.credentials.principal_state(session.access_key_id) is None


PASSED = PassedRole("a" * 32, ACCOUNT.account_id, "AROA1", "training", "arn:x:job/1", "arn:alice", NOW)


async def test_what_was_passed_is_kept_once(stores: Stores) -> None:
    assert await reason(stores.passed.pass_role(PASSED, 9)) == "RESOURCE_STATE"
    await stores.roles.create_role(ROLE, 9)
    assert await stores.passed.pass_role(PASSED, 2) == PASSED
    again = replace(PASSED, pass_id="b" * 32, passed_by="arn:bob", created_at=NOW + timedelta(days=1))
    assert await stores.passed.pass_role(again, 2) == PASSED
    others = (
        replace(again, resource_arn="arn:x:job/2"),
        replace(again, service="runtime", pass_id="c" * 32),
    )
    assert await stores.passed.pass_role(others[0], 2) == others[0]
    assert await reason(stores.passed.pass_role(others[1], 2)) == "QUOTA_EXCEEDED"
    assert await stores.passed.passed_role(PASSED.pass_id) == (PASSED, ROLE)
    assert await reason(stores.passed.passed_role("c" * 32)) == "RESOURCE_NOT_FOUND"


async def test_sessions_of_a_pass_end_with_it(stores: Stores) -> None:
    await stores.roles.create_role(ROLE, 9)
    await stores.passed.pass_role(PASSED, 9)
    assert await stores.passed.session_of(PASSED.pass_id, NOW) is None
    mine = replace(SESSION, passed=PASSED)
    await stores.sessions.create_session(SESSION)
    for key_id, hours in (("ASIA2", 1), ("ASIA3", 2), ("ASIA4", 1)):
        await stores.sessions.create_session(
            replace(mine, access_key_id=key_id, expires_at=NOW + timedelta(hours=hours))
        )
    assert await stores.passed.session_of(PASSED.pass_id, NOW) == "ASIA3"
    assert await stores.passed.session_of(PASSED.pass_id, NOW + timedelta(hours=2)) is None
    state = await stores.credentials.principal_state("ASIA3")
    assert state is not None
    assert state.session is not None
    assert state.session.passed == PASSED
    epoch = await stores.passed.revoke_pass(PASSED.pass_id)
    assert epoch > state.epoch
    assert await stores.credentials.principal_state("ASIA3") is None
    assert await stores.credentials.principal_state(SESSION.access_key_id) is not None
    late = replace(mine, access_key_id="ASIA5")
    assert await reason(stores.sessions.create_session(late)) == "RESOURCE_STATE"
    assert await reason(stores.passed.revoke_pass(PASSED.pass_id)) == "RESOURCE_NOT_FOUND"


async def test_a_deleted_role_was_passed_to_nobody(stores: Stores) -> None:
    await stores.roles.create_role(ROLE, 9)
    await stores.passed.pass_role(PASSED, 9)
    await stores.sessions.create_session(replace(SESSION, passed=PASSED))
    await stores.roles.delete_role(ACCOUNT.account_id, ROLE.role_name)
    assert await reason(stores.passed.passed_role(PASSED.pass_id)) == "RESOURCE_NOT_FOUND"
    await stores.roles.create_role(replace(ROLE, role_id="AROA2"), 9)
    assert await reason(stores.passed.passed_role(PASSED.pass_id)) == "RESOURCE_NOT_FOUND"


async def test_revoking_waits_for_sessions_that_begin(stores: Stores) -> None:
    """Whichever comes first, no session is left of what is not passed any more."""
    await stores.roles.create_role(ROLE, 9)
    for number in range(10):
        passed = await stores.passed.pass_role(replace(PASSED, pass_id=f"{number:032x}"), 99)
        session = replace(SESSION, access_key_id=f"ASIA{number}", passed=passed)
        begun = stores.sessions.create_session(session)
        ended = stores.passed.revoke_pass(passed.pass_id)
        await asyncio.gather(begun, ended, return_exceptions=True)
        assert await stores.credentials.principal_state(session.access_key_id) is None


async def test_users_and_roles_are_found_by_their_ids(stores: Stores) -> None:
    """Of all accounts, however many are asked for."""
    await stores.roles.create_role(replace(ROLE, path="/a/"), 9)
    other = replace(ACCOUNT, account_id="210987654321", incarnation="other")
    await stores.directory.create_account(other, None, None)
    await stores.directory.create_user(
        replace(ALICE, account_id=other.account_id, user_id="AIDAOTHER", user_name="Bob"), 9
    )
    many = {f"AROA{number}" for number in range(10, 1600)}
    assert await stores.principals.present({ALICE.user_id, "AROA1", "AIDAOTHER", "AIDANOBODY", *many}) == {
        ALICE.user_id: IamEntity(ACCOUNT.account_id, "user", ALICE.user_name),
        "AROA1": IamEntity(ACCOUNT.account_id, "role", "Reader", "/a/"),
        "AIDAOTHER": IamEntity(other.account_id, "user", "Bob"),
    }
    assert await stores.principals.present(()) == {}
    await stores.roles.delete_role(ACCOUNT.account_id, "Reader")
    assert await stores.principals.present({"AROA1"}) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_trust_from_before_is_by_ids(kind: str, tmp_path: Path) -> None:
    """What let somebody in goes on to do so, and says whom."""
    engine = open_engine(empty_database(kind, tmp_path))
    older = tmp_path / "older"
    older.mkdir()
    for each in REVISIONS.glob("r*.py"):
        if each.name < "r0013":
            (older / each.name).write_text(each.read_text())
    migrate(engine, older)
    head = "arn:aws:sts::123456789012:assumed-role"

    def document(*named: str, element: str = "Principal") -> str:
        statement = {"Effect": "Deny", element: {"AWS": list(named)}, "Action": ["sts:AssumeRole"]}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))

    everybody = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]}}]}'
    provider = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":["x"]}}]}'
    canonical = {
        "AROASRC": everybody,
        "AROA2": document("AIDAALICEALICEALICE", "arn:aws:iam::123456789012:root"),
        "AROA3": document(f"{head}/src/bob", "*", element="NotPrincipal"),
        "AROA4": document(f"{head}/Src/bob", f"{head.replace('12:', '13:')}/src/bob"),
        "AROA5": provider,
    }
    row = "(:id, '123456789012', '/', :name, :key, 'as written', :trust, '', 3600, 0)"
    columns = "role_id, account_id, path, role_name, name_key, trust, canonical_trust, description"
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO accounts (account_id, incarnation, display_name, created_us, policy_epoch) "
                "VALUES ('123456789012', 'i', 'n', 0, 1)"
            )
        )
        for role_id, trust in canonical.items():
            name = "src" if role_id == "AROASRC" else role_id.lower()
            connection.execute(
                sa.text(f"INSERT INTO roles ({columns}, max_session_s, created_us) VALUES {row}"),  # noqa: S608
                {"id": role_id, "name": name, "key": name, "trust": trust},
            )
    migrate(engine, REVISIONS)
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT role_id, trust, canonical_trust FROM roles")).all()
    engine.dispose()
    found = {role_id: (trust, evaluated) for role_id, trust, evaluated in rows}
    nobody = f"AROA{'0' * 17}"
    bound = {
        "AROA2": canonical["AROA2"],
        "AROA3": document(f"{head}/AROASRC/bob", "*", element="NotPrincipal"),
        "AROA4": document(f"{head}/{nobody}/bob", f"{head.replace('12:', '13:')}/{nobody}/bob"),
    }
    assert found == {
        **{each: ("as written", canonical[each]) for each in ("AROASRC", "AROA5")},
        **{each: (text, text) for each, text in bound.items()},
    }
