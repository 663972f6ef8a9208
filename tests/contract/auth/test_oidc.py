"""The contract of the store of OpenID Connect providers, and of the sessions that they vouch for."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.auth.adapters.sql_credentials import SqlCredentials
from services.auth.adapters.sql_directory import SqlDirectory
from services.auth.adapters.sql_oidc import SqlOidcProviders
from services.auth.adapters.sql_roles import SqlRoles
from services.auth.adapters.sql_sessions import SqlSessions
from services.auth.domain.federation import Federation
from services.auth.domain.identity import Tag
from services.auth.domain.oidc import OidcProvider
from services.auth.domain.roles import TemporarySession
from services.auth.ports.oidc import OidcProviderStore
from services.chassis.database import Database
from tests.contract.auth.test_roles import ROLE, SESSION
from tests.contract.auth.test_store import ACCOUNT, NOW, REVISIONS, first, reason
from tests.fakes.databases import KINDS, empty_database, make_schema

URL = "https://token.example.com"
ARN = f"arn:aws:iam::{ACCOUNT.account_id}:oidc-provider/token.example.com"
PROVIDER = OidcProvider(
    ACCOUNT.account_id, "OIDC1", URL, ("one", "two"), ("a" * 40,), NOW, (Tag("Team", "réd"), Tag("x", ""))
)
OTHER = replace(PROVIDER, provider_id="OIDC2", url="https://a.example.com/path")


class Stores:
    providers: OidcProviderStore

    def __init__(self, database: Database) -> None:
        self.providers = SqlOidcProviders(database)
        self.roles, self.sessions = SqlRoles(database), SqlSessions(database)
        self.credentials, self.directory = SqlCredentials(database), SqlDirectory(database)

    async def begin(self, key_id: str, provider: OidcProvider = PROVIDER, audience: str = "one") -> None:
        federation = Federation(
            provider.provider_id,
            f"arn:aws:iam::{ACCOUNT.account_id}:oidc-provider/{provider.issuer_name}",
            audience,
            "alice",
            ("mfa", "pwd"),
        )
        await self.sessions.create_session(replace(SESSION, access_key_id=key_id, federation=federation))

    async def session(self, key_id: str) -> TemporarySession | None:
        state = await self.credentials.principal_state(key_id)
        return None if state is None else state.session


@pytest.fixture(params=KINDS)
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    database = Database(empty_database(request.param, tmp_path))
    make_schema(database, REVISIONS)
    made = Stores(database)
    await made.directory.create_account(ACCOUNT, None, None)
    await made.roles.create_role(ROLE, 9)
    yield made
    await database.close()


async def test_providers_are_kept_by_their_issuer(stores: Stores) -> None:
    epoch = await stores.providers.create_provider(PROVIDER, 2)
    assert await stores.providers.provider(ACCOUNT.account_id, URL) == PROVIDER
    assert await stores.providers.provider(ACCOUNT.account_id, f"{URL}/") is None
    assert await stores.providers.provider("000000000001", URL) is None
    same = replace(PROVIDER, provider_id="OIDC3")
    assert await reason(stores.providers.create_provider(same, 9)) == "RESOURCE_EXISTS"
    assert await stores.providers.create_provider(OTHER, 2) > epoch
    third = replace(PROVIDER, provider_id="OIDC4", url="https://c.example.com")
    assert await reason(stores.providers.create_provider(third, 2)) == "QUOTA_EXCEEDED"
    page = await stores.providers.providers(ACCOUNT.account_id, first(1))
    assert page.items == (OTHER,)
    assert page.next_token
    both = await stores.providers.providers(ACCOUNT.account_id, first(9))
    assert both.items == (OTHER, PROVIDER)
    assert not both.next_token


async def test_changes_see_what_was_before(stores: Stores) -> None:
    before = await stores.providers.create_provider(PROVIDER, 9)
    for name in ("three", "four"):
        epoch = await stores.providers.change_provider(
            ACCOUNT.account_id, URL, lambda p, name=name: replace(p, client_ids=(*p.client_ids, name))
        )
        assert epoch is not None
        assert epoch > before
    found = await stores.providers.provider(ACCOUNT.account_id, URL)
    assert found is not None
    assert found.client_ids == ("one", "two", "three", "four")
    missing = await stores.providers.change_provider(ACCOUNT.account_id, OTHER.url, lambda p: p)
    assert missing is None


async def test_a_session_remembers_who_vouched_for_it(stores: Stores) -> None:
    await stores.providers.create_provider(PROVIDER, 9)
    await stores.begin("ASIA1")
    session = await stores.session("ASIA1")
    assert session is not None
    assert session.federation == Federation("OIDC1", ARN, "one", "alice", ("mfa", "pwd"))
    state = await stores.credentials.principal_state("ASIA1")
    assert state is not None
    assert dict(state.facts.session_keys) == {
        "aws:FederatedProvider": (ARN,),
        "token.example.com:aud": ("one",),
        "token.example.com:sub": ("alice",),
        "token.example.com:amr": ("mfa", "pwd"),
    }


async def test_without_its_provider_there_is_no_session(stores: Stores) -> None:
    assert await reason(stores.begin("ASIA1")) == "RESOURCE_STATE"
    await stores.providers.create_provider(PROVIDER, 9)
    assert await reason(stores.begin("ASIA1", audience="nine")) == "RESOURCE_STATE"
    assert await stores.session("ASIA1") is None
    await stores.begin("ASIA1")
    assert await stores.providers.delete_provider(ACCOUNT.account_id, URL) is not None
    assert await stores.session("ASIA1") is None
    assert await stores.providers.delete_provider(ACCOUNT.account_id, URL) is None
    # Who registers the same issuer again has another provider.
    await stores.providers.create_provider(replace(PROVIDER, provider_id="OIDC9"), 9)
    assert await reason(stores.begin("ASIA1")) == "RESOURCE_STATE"


async def test_a_removed_client_id_ends_its_sessions(stores: Stores) -> None:
    await stores.providers.create_provider(PROVIDER, 9)
    await stores.begin("ASIA1", audience="one")
    await stores.begin("ASIA2", audience="two")
    await stores.providers.change_provider(ACCOUNT.account_id, URL, lambda p: replace(p, client_ids=("two",)))
    assert await stores.session("ASIA1") is None
    assert await stores.session("ASIA2") is not None


async def test_sessions_whose_provider_is_trusted_no_more_end(stores: Stores) -> None:
    await stores.providers.create_provider(PROVIDER, 9)
    await stores.providers.create_provider(OTHER, 9)
    await stores.begin("ASIA1")
    await stores.begin("ASIA2", OTHER)
    await stores.sessions.create_session(replace(SESSION, access_key_id="ASIA3"))
    await stores.roles.update_role(replace(ROLE, description="new"))
    assert await stores.session("ASIA1") is not None
    await stores.roles.update_role(ROLE, frozenset({ARN}))
    assert await stores.session("ASIA1") is not None
    assert await stores.session("ASIA2") is None
    await stores.roles.update_role(ROLE, frozenset())
    assert await stores.session("ASIA1") is None
    assert await stores.session("ASIA3") is not None


async def test_what_ends_sessions_ends_these(stores: Stores) -> None:
    await stores.providers.create_provider(PROVIDER, 9)
    await stores.begin("ASIA1")
    later = replace(
        SESSION,
        access_key_id="ASIA9",
        issued_at=SESSION.expires_at + timedelta(days=2),
        expires_at=SESSION.expires_at + timedelta(days=3),
    )
    await stores.sessions.create_session(later)
    assert await stores.session("ASIA1") is None
    await stores.begin("ASIA1")
    await stores.roles.delete_role(ACCOUNT.account_id, ROLE.role_name)
    assert await stores.session("ASIA1") is None
