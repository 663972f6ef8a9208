"""The contract of the stores of an organization, held against every adapter."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.auth.adapters.sql_control_policies import SqlControlPolicies
from services.auth.adapters.sql_credentials import SqlCredentials
from services.auth.adapters.sql_directory import SqlDirectory
from services.auth.adapters.sql_organization import SqlOrganization
from services.auth.domain.identity import Entity, EntityKind, InlinePolicy
from services.auth.domain.organization import ControlPolicy, PolicyType, Unit, root_id_of
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import (
    AccessKey,
    Account,
    Installation,
    KeyStatus,
    PrincipalState,
    User,
)
from services.auth.ports.credentials import CredentialStore
from services.auth.ports.directory import DirectoryStore
from services.auth.ports.organization import ControlPolicyStore, OrganizationStore
from services.chassis.database import Database, migrate, open_engine
from services.chassis.errors import DomainError
from services.chassis.policy.document import canonical, parse
from services.chassis.policy.keys import PrincipalFacts
from tests.fakes.databases import KINDS, empty_database, make_schema, replica

REVISIONS = Path(__file__).parents[3] / "services" / "auth" / "adapters" / "migrations"
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
INSTALLATION = Installation("111111111111", "o-abcdefghij")
ROOT = root_id_of(INSTALLATION.organization_id)
ACCOUNTS = ("111111111111", "222222222222", "333333333333", "444444444444")
MANAGEMENT, FIRST, SECOND, THIRD = ACCOUNTS
SCP, RCP = PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL
FULL_SCP, FULL_RCP = SCP.full_access_id, RCP.full_access_id
FULL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["*"],"Resource":["*"]}]}'
DENY = '{"Statement":{"Effect":"Deny","Action":"bedrock:*","Resource":"*"}}'
DENY_ALL = '{"Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}'


@dataclass(frozen=True)
class Stores:
    """The ports over one store."""

    directory: DirectoryStore
    tree: OrganizationStore
    policies: ControlPolicyStore
    credentials: CredentialStore

    async def state(self, account_id: str) -> PrincipalState:
        """Read the account's user."""
        state = await self.credentials.principal_state(f"AKIA{account_id}")
        assert state is not None
        return state

    async def epochs(self) -> dict[str, int]:
        return {each: (await self.state(each)).epoch for each in ACCOUNTS}

    async def names(self, account_id: str, policy_type: PolicyType = SCP) -> list[list[str]]:
        """Return the names of the policies that reach an account, a list for each level."""
        policies = (await self.policies.policies(policy_type, first())).items
        names = {each.canonical: each.name for each in policies}
        bundle = (await self.state(account_id)).policies
        levels = bundle.service_control if policy_type is SCP else bundle.resource_control
        return [[names[document] for document in level] for level in levels]


def stores_of(database: Database) -> Stores:
    return Stores(
        SqlDirectory(database),
        SqlOrganization(database),
        SqlControlPolicies(database),
        SqlCredentials(database),
    )


def person(account_id: str) -> tuple[User, InlinePolicy, AccessKey]:
    user = User(account_id, "admin", f"AIDA{account_id}", NOW)
    key = AccessKey(f"AKIA{account_id}", account_id, user, KeyStatus.ACTIVE, b"sealed", NOW)
    return user, InlinePolicy(account_id, Entity(EntityKind.USER, "admin"), "all", FULL, FULL, NOW), key


def first(size: int = 100) -> PageRequest:
    return PageRequest.parse(size, "")


def policy(name: str, policy_type: PolicyType = SCP, number: int = 0) -> ControlPolicy:
    text = DENY if policy_type is SCP else DENY_ALL
    text = text.replace('"Effect"', f'"Sid":"n{number}{name}","Effect"')
    evaluated = canonical(parse(text, policy_type.kind))
    return ControlPolicy(f"p-{name:0>8}", policy_type, name, "about it", text, evaluated, NOW)


async def reason(call: Awaitable[Any]) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.reason_name


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(empty_database(request.param, tmp_path))
    make_schema(database, REVISIONS)
    yield database
    await database.close()


@pytest.fixture
async def stores(database: Database) -> Stores:
    """Four accounts in the root."""
    made = stores_of(database)
    user, inline, key = person(MANAGEMENT)
    await made.directory.bootstrap(INSTALLATION, account(MANAGEMENT), user, inline, key)
    for account_id in ACCOUNTS[1:]:
        await made.directory.create_account(account(account_id), None, person(account_id))
    return made


def account(account_id: str) -> Account:
    return Account(account_id, "i", f"name {account_id}", NOW)


async def unit(stores: Stores, name: str, parent_id: str = ROOT, limit: int = 99, depth: int = 5) -> Unit:
    return await stores.tree.create_unit(f"ou-{ROOT[2:]}-{name:0>8}", parent_id, name, NOW, limit, depth)


async def test_whoever_is_new_stands_in_the_root_and_may_do_everything(stores: Stores) -> None:
    root, enabled = await stores.tree.root()
    assert (root.unit_id, root.parent_id, root.name, root.path) == (ROOT, None, "Root", f"{ROOT}/")
    assert set(enabled) == {SCP, RCP}
    state = await stores.state(FIRST)
    assert state.facts == PrincipalFacts("o-abcdefghij", f"o-abcdefghij/{ROOT}/", iam_resource="user/admin")
    assert await stores.names(FIRST) == [["FullAWSAccess"]] * 2
    assert await stores.names(FIRST, RCP) == [["RCPFullAWSAccess"]] * 2
    made = await unit(stores, "a")
    for target in (ROOT, made.unit_id, FIRST, MANAGEMENT):
        for policy_type in PolicyType:
            page = await stores.policies.policies_of(target, policy_type, first())
            assert [each.policy_id for each in page.items] == [policy_type.full_access_id]
    assert (await stores.tree.accounts_in(ROOT, first())).items == tuple(map(account, ACCOUNTS))


async def test_the_full_access_policies_are_what_the_language_makes_of_them(stores: Stores) -> None:
    for policy_type in PolicyType:
        full = await stores.policies.find(policy_type.full_access_id)
        assert full is not None
        assert full.canonical == canonical(parse(full.document, policy_type.kind))
        assert full.aws_managed


async def test_units_are_nested_listed_renamed_and_deleted(stores: Stores) -> None:
    a, b = await unit(stores, "a"), await unit(stores, "b")
    inner = await unit(stores, "c", a.unit_id)
    assert inner.path == f"{ROOT}/{a.unit_id}/{inner.unit_id}/"
    assert (a.depth, inner.depth) == (1, 2)
    page = await stores.tree.units_in(ROOT, first(1))
    assert page.items == (a,)
    assert (await stores.tree.units_in(ROOT, PageRequest.parse(1, page.next_token))).items == (b,)
    assert await stores.tree.parent_of(inner.unit_id) == a.unit_id
    assert await stores.tree.parent_of(FIRST) == ROOT
    assert await stores.tree.rename_unit(b.unit_id, "B") == replace(b, name="B")
    assert await stores.tree.unit(b.unit_id) == replace(b, name="B")
    assert await reason(stores.tree.rename_unit(b.unit_id, "a")) == "RESOURCE_EXISTS"
    assert await reason(unit(stores, "a")) == "RESOURCE_EXISTS"
    assert (await unit(stores, "q", a.unit_id)).parent_id == a.unit_id
    assert await reason(stores.tree.delete_unit(a.unit_id)) == "RESOURCE_STATE"
    await stores.tree.delete_unit(b.unit_id)
    missing = (
        stores.tree.unit(b.unit_id),
        stores.tree.unit(ROOT),
        stores.tree.rename_unit(ROOT, "x"),
        stores.tree.delete_unit(ROOT),
        stores.tree.units_in(b.unit_id, first()),
        stores.tree.accounts_in(b.unit_id, first()),
        stores.tree.parent_of(b.unit_id),
        stores.tree.parent_of(ROOT),
        stores.tree.parent_of("999999999999"),
        unit(stores, "d", b.unit_id),
    )
    for call in missing:
        assert await reason(call) == "RESOURCE_NOT_FOUND"


async def test_names_are_unique_among_siblings_alone(stores: Stores) -> None:
    a = await unit(stores, "a")
    again = await stores.tree.create_unit(f"ou-{ROOT[2:]}-zzzzzzzz", a.unit_id, "a", NOW, 99, 5)
    assert again.name == a.name


async def test_a_deleted_unit_leaves_no_attachments(stores: Stores) -> None:
    a = await unit(stores, "a")
    await stores.policies.create(policy("x"), 99)
    await stores.policies.attach(policy("x").policy_id, a.unit_id, 5)
    await stores.tree.delete_unit(a.unit_id)
    await stores.policies.delete(policy("x").policy_id)


async def test_the_tree_has_limits(stores: Stores) -> None:
    a = await unit(stores, "a", depth=2)
    b = await unit(stores, "b", a.unit_id, depth=2)
    assert await reason(unit(stores, "c", b.unit_id, depth=2)) == "RESOURCE_STATE"
    assert await reason(unit(stores, "c", limit=2)) == "QUOTA_EXCEEDED"


async def test_an_account_moves_from_where_it_stands(stores: Stores) -> None:
    a, b = await unit(stores, "a"), await unit(stores, "b")
    before = await stores.epochs()
    epochs = await stores.tree.move_account(FIRST, ROOT, a.unit_id)
    assert epochs == {FIRST: before[FIRST] + 1}
    assert await stores.epochs() == {**before, **epochs}
    assert (await stores.tree.accounts_in(a.unit_id, first())).items == (account(FIRST),)
    path = f"o-abcdefghij/{ROOT}/{a.unit_id}/"
    assert (await stores.state(FIRST)).facts == PrincipalFacts(
        "o-abcdefghij", path, iam_resource="user/admin"
    )
    assert len((await stores.state(FIRST)).policies.service_control) == 3
    for source, destination, expected in (
        (ROOT, b.unit_id, "RESOURCE_NOT_FOUND"),
        (a.unit_id, a.unit_id, "RESOURCE_EXISTS"),
        (a.unit_id, f"ou-{ROOT[2:]}-nowhere0", "RESOURCE_NOT_FOUND"),
    ):
        assert await reason(stores.tree.move_account(FIRST, source, destination)) == expected
    assert await reason(stores.tree.move_account("999999999999", ROOT, b.unit_id)) == "RESOURCE_NOT_FOUND"
    assert await reason(stores.tree.delete_unit(a.unit_id)) == "RESOURCE_STATE"
    await stores.tree.move_account(MANAGEMENT, ROOT, b.unit_id)
    assert (await stores.state(MANAGEMENT)).facts.organization_path.endswith(f"/{b.unit_id}/")


async def test_a_policy_reaches_every_account_below_its_target_and_no_other(stores: Stores) -> None:
    outer = await unit(stores, "a")
    inner = await unit(stores, "b", outer.unit_id)
    await stores.tree.move_account(FIRST, ROOT, outer.unit_id)
    await stores.tree.move_account(SECOND, ROOT, inner.unit_id)
    await stores.policies.create(policy("x"), 99)
    full = ["FullAWSAccess"]
    reached = {ROOT: set(ACCOUNTS), outer.unit_id: {FIRST, SECOND}, inner.unit_id: {SECOND}, THIRD: {THIRD}}
    for target, accounts in reached.items():
        for change in (stores.policies.attach(policy("x").policy_id, target, 5), None):
            before = await stores.epochs()
            epochs = await (change or stores.policies.detach(policy("x").policy_id, target))
            assert epochs == {each: before[each] + 1 for each in accounts}
            assert await stores.epochs() == {**before, **epochs}
    await stores.policies.attach(policy("x").policy_id, outer.unit_id, 5)
    both = ["x", "FullAWSAccess"]
    assert await stores.names(FIRST) == [full, both, full]
    assert await stores.names(SECOND) == [full, both, full, full]
    assert await stores.names(THIRD) == [full, full]


async def test_the_management_account_is_exempt(stores: Stores) -> None:
    for policy_type in PolicyType:
        made = policy("x", policy_type)
        made = replace(made, policy_id=f"p-{policy_type.name.lower()}")
        await stores.policies.create(made, 99)
        for target in (ROOT, MANAGEMENT):
            await stores.policies.attach(made.policy_id, target, 5)
    bundle = (await stores.state(MANAGEMENT)).policies
    assert (bundle.service_control, bundle.resource_control) == ((), ())
    assert [len(level) for level in (await stores.state(FIRST)).policies.resource_control] == [2, 1]


async def test_a_change_of_a_policy_reaches_all_who_have_it(stores: Stores) -> None:
    a = await unit(stores, "a")
    await stores.tree.move_account(FIRST, ROOT, a.unit_id)
    made = policy("x")
    await stores.policies.create(made, 99)
    await stores.policies.attach(made.policy_id, a.unit_id, 5)
    await stores.policies.attach(made.policy_id, SECOND, 5)
    before = await stores.epochs()
    new = policy("x", number=1)
    content = (new.document, new.canonical)
    changed, epochs = await stores.policies.update(made.policy_id, "y", "other", content, NOW)
    assert changed == replace(new, name="y", description="other")
    assert epochs == {each: before[each] + 1 for each in (FIRST, SECOND)}
    assert await stores.policies.find(made.policy_id) == changed
    assert (await stores.names(FIRST))[1] == ["y", "FullAWSAccess"]
    kept, _epochs = await stores.policies.update(made.policy_id, None, None, None, NOW)
    assert kept == changed


async def test_policies_have_names_limits_and_an_order(stores: Stores) -> None:
    made = policy("x")
    await stores.policies.create(made, 99)
    again = replace(made, policy_id="p-another00")
    assert await reason(stores.policies.create(again, 99)) == "RESOURCE_EXISTS"
    await stores.policies.create(replace(policy("x", RCP), policy_id="p-another00"), 99)
    await stores.policies.create(policy("y"), 99)
    assert await reason(stores.policies.create(policy("z"), 3)) == "QUOTA_EXCEEDED"
    assert await reason(stores.policies.update(made.policy_id, "y", None, None, NOW)) == "RESOURCE_EXISTS"
    page = await stores.policies.policies(SCP, first(2))
    assert [each.name for each in page.items] == ["x", "y"]
    page = await stores.policies.policies(SCP, PageRequest.parse(2, page.next_token))
    assert [each.name for each in page.items] == ["FullAWSAccess"]
    for policy_id in (FULL_SCP, FULL_RCP):
        assert await reason(stores.policies.delete(policy_id)) == "RESOURCE_STATE"
        assert await reason(stores.policies.update(policy_id, "n", None, None, NOW)) == "RESOURCE_STATE"
    await stores.policies.attach(made.policy_id, FIRST, 5)
    assert await reason(stores.policies.delete(made.policy_id)) == "RESOURCE_STATE"
    await stores.policies.detach(made.policy_id, FIRST)
    await stores.policies.delete(made.policy_id)
    assert await stores.policies.find(made.policy_id) is None
    missing = (
        stores.policies.delete(made.policy_id),
        stores.policies.update(made.policy_id, None, None, None, NOW),
        stores.policies.attach(made.policy_id, FIRST, 5),
        stores.policies.detach(made.policy_id, FIRST),
        stores.policies.targets_of(made.policy_id, first()),
        stores.policies.attach(FULL_SCP, "999999999999", 5),
        stores.policies.attach(FULL_SCP, f"ou-{ROOT[2:]}-nowhere0", 5),
        stores.policies.policies_of("999999999999", SCP, first()),
    )
    for call in missing:
        assert await reason(call) == "RESOURCE_NOT_FOUND"


async def test_a_target_keeps_one_service_control_policy_and_has_a_limit(stores: Stores) -> None:
    for name in ("x", "y"):
        await stores.policies.create(policy(name), 99)
    assert await reason(stores.policies.detach(FULL_SCP, FIRST)) == "RESOURCE_STATE"
    assert await reason(stores.policies.detach(FULL_RCP, FIRST)) == "RESOURCE_STATE"
    await stores.policies.attach(policy("x").policy_id, FIRST, 2)
    assert await reason(stores.policies.attach(policy("x").policy_id, FIRST, 2)) == "RESOURCE_STATE"
    assert await reason(stores.policies.attach(policy("y").policy_id, FIRST, 2)) == "QUOTA_EXCEEDED"
    assert await reason(stores.policies.detach(policy("y").policy_id, FIRST)) == "RESOURCE_STATE"
    await stores.policies.detach(FULL_SCP, FIRST)
    assert await stores.names(FIRST) == [["FullAWSAccess"], ["x"]]
    # A target's policies of the other type are counted for themselves.
    await stores.policies.create(replace(policy("x", RCP), policy_id="p-another00"), 99)
    await stores.policies.attach("p-another00", FIRST, 2)
    targets = await stores.policies.targets_of(policy("x").policy_id, first())
    assert [(each.node_id, each.name) for each in targets.items] == [(FIRST, f"name {FIRST}")]
    page = await stores.policies.targets_of(FULL_SCP, first(3))
    rest = await stores.policies.targets_of(FULL_SCP, PageRequest.parse(3, page.next_token))
    assert [each.node_id for each in (*page.items, *rest.items)] == [MANAGEMENT, SECOND, THIRD, ROOT]


async def test_a_type_that_is_disabled_restricts_nobody_and_is_empty_afterwards(stores: Stores) -> None:
    a = await unit(stores, "a")
    await stores.policies.create(policy("x"), 99)
    await stores.policies.attach(policy("x").policy_id, ROOT, 5)
    before = await stores.epochs()
    epochs = await stores.policies.disable_type(SCP)
    assert epochs == {each: epoch + 1 for each, epoch in before.items()}
    bundle = (await stores.state(FIRST)).policies
    assert (bundle.service_control, len(bundle.resource_control)) == ((), 2)
    assert await reason(stores.policies.disable_type(SCP)) == "RESOURCE_STATE"
    assert await reason(stores.policies.attach(policy("x").policy_id, ROOT, 5)) == "RESOURCE_STATE"
    b = await unit(stores, "b")
    assert (await stores.policies.policies_of(b.unit_id, SCP, first())).items == ()
    epochs = await stores.policies.enable_type(SCP)
    assert epochs == {each: epoch + 2 for each, epoch in before.items()}
    assert await reason(stores.policies.enable_type(SCP)) == "RESOURCE_STATE"
    assert await stores.names(FIRST) == [["FullAWSAccess"]] * 2
    for target in (a.unit_id, b.unit_id):
        page = await stores.policies.policies_of(target, SCP, first())
        assert [each.policy_id for each in page.items] == [FULL_SCP]


async def test_replicas_keep_the_last_policy_and_the_limit(stores: Stores, database: Database) -> None:
    for name in "abcdefgh":
        await stores.policies.create(policy(name), 99)
    await stores.policies.attach(policy("a").policy_id, FIRST, 5)
    async with replica(database) as another:
        replicas = (stores, stores_of(another))
        results = await asyncio.gather(
            *(
                replicas[n % 2].policies.detach((FULL_SCP, policy("a").policy_id)[n % 2], FIRST)
                for n in range(2)
            ),
            return_exceptions=True,
        )
        refused = [each for each in results if isinstance(each, DomainError)]
        assert [each.reason_name for each in refused] == ["RESOURCE_STATE"]
        results = await asyncio.gather(
            *(
                replicas[n % 2].policies.attach(policy(name).policy_id, FIRST, 5)
                for n, name in enumerate("bcdefgh")
            ),
            return_exceptions=True,
        )
    refused = [each for each in results if isinstance(each, DomainError)]
    assert [each.reason_name for each in refused] == ["QUOTA_EXCEEDED"] * 3


@pytest.mark.parametrize("kind", KINDS)
def test_an_installation_from_before_gets_its_root(kind: str, tmp_path: Path) -> None:
    engine = open_engine(empty_database(kind, tmp_path))
    older = tmp_path / "older"
    older.mkdir()
    for each in REVISIONS.glob("r000[123]_*.py"):
        (older / each.name).write_text(each.read_text())
    migrate(engine, older)
    with engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO installation VALUES (1, :account, :organization)"),
            {"account": MANAGEMENT, "organization": INSTALLATION.organization_id},
        )
        for account_id in ACCOUNTS:
            connection.execute(
                sa.text("INSERT INTO accounts VALUES (:id, 'i', 'n', 0, 1, NULL, NULL)"), {"id": account_id}
            )
    migrate(engine, REVISIONS)
    with engine.connect() as connection:
        units = connection.execute(sa.text("SELECT unit_id, path FROM organization_units")).all()
        members = connection.execute(sa.text("SELECT account_id, unit_id FROM organization_members")).all()
        attached = connection.execute(sa.text("SELECT target_id, policy_id FROM control_attachments")).all()
        types = connection.execute(sa.text("SELECT policy_type FROM control_policy_types")).scalars().all()
    engine.dispose()
    assert [tuple(each) for each in units] == [(ROOT, f"{ROOT}/")]
    assert {tuple(each) for each in members} == {(each, ROOT) for each in ACCOUNTS}
    assert {tuple(each) for each in attached} == {
        (target, each) for target in (ROOT, *ACCOUNTS) for each in (FULL_SCP, FULL_RCP)
    }
    assert set(types) == {each.value for each in PolicyType}
