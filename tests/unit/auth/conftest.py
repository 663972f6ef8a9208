"""auth's operations over a store in memory, with a clock and bytes that tests decide about."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from services.auth.adapters.sql_attachments import SqlAttachments
from services.auth.adapters.sql_credentials import SqlCredentials
from services.auth.adapters.sql_directory import SqlDirectory
from services.auth.adapters.sql_inline_policies import SqlInlinePolicies
from services.auth.adapters.sql_key_uses import SqlKeyUses
from services.auth.adapters.sql_managed_policies import SqlManagedPolicies
from services.auth.adapters.sql_service_credentials import SqlServiceCredentials
from services.auth.adapters.sql_sessions import SqlSessions
from services.auth.domain.identity import Entity, EntityKind, InlinePolicy
from services.auth.domain.records import Account, User
from services.auth.operations.admission import Admission
from services.auth.operations.api_keys import ApiKeys
from services.auth.operations.credentials import KeyMaker, NewKey
from services.auth.operations.entities import IdentityAdmission
from services.auth.operations.issuing import TokenIssuer
from services.auth.operations.key_uses import KeyUses
from services.auth.operations.keyring import Keyring
from services.auth.operations.session_maker import SessionMaker
from services.auth.operations.session_narrowing import SessionNarrowing
from services.auth.operations.sessions import TemporaryCredentials
from services.auth.operations.signatures import Signatures
from services.auth.ports.roles import RoleStore
from services.chassis.database import Database
from tests.fakes.clock import CountingRandomness, ManualClock
from tests.fakes.databases import make_schema
from tests.fakes.sealer import MemorySealer
from tests.unit.auth.identities import Iam, make_iam

REVISIONS = Path(__file__).parents[3] / "services" / "auth" / "adapters" / "migrations"
HOST = "auth.craton.internal"


@dataclass
class Auth:
    """The parts of auth that tests drive."""

    clock: ManualClock
    randomness: CountingRandomness
    sealer: MemorySealer
    directory: SqlDirectory
    policies: SqlInlinePolicies
    credentials: SqlCredentials
    keyring: Keyring
    issuer: TokenIssuer
    uses: KeyUses
    signatures: Signatures
    service_credentials: SqlServiceCredentials
    api_keys: ApiKeys
    admission: Admission
    keys: KeyMaker
    account: Account
    user: User
    key: NewKey

    def another_keyring(self) -> Keyring:
        """A second replica, or this one after a restart."""
        return Keyring(self.credentials, self.sealer, self.clock, self.randomness, timedelta(days=30))

    def temporary(self, roles: RoleStore) -> TemporaryCredentials:
        """Temporary credentials of the roles of a store, over the database that everything is in."""
        database = self.credentials._database
        maker = SessionMaker(SqlSessions(database), self.sealer, self.clock, self.randomness)
        identities = IdentityAdmission(self.admission, SqlAttachments(database), "aws")
        narrowing = SessionNarrowing(SqlManagedPolicies(database), identities)
        return TemporaryCredentials(roles, maker, narrowing, self.admission, "aws")

    async def allow(
        self, user_name: str, document: str, policy_name: str = "p", account_id: str = ""
    ) -> None:
        """Give a user an inline policy, of the first account without another one."""
        user = Entity(EntityKind.USER, user_name)
        account_id, now = account_id or self.account.account_id, self.clock.now()
        policy = InlinePolicy(account_id, user, policy_name, document, document, now)
        await self.policies.put_policy(policy, 99_999)


@pytest.fixture
async def auth() -> AsyncIterator[Auth]:
    """One account with the user alice and her access key."""
    clock, randomness, sealer = ManualClock(), CountingRandomness(), MemorySealer()
    database = Database("sqlite://")
    make_schema(database, REVISIONS)
    directory, policies = SqlDirectory(database), SqlInlinePolicies(database)
    credentials = SqlCredentials(database)
    keyring = Keyring(credentials, sealer, clock, randomness, timedelta(days=30))
    issuer = TokenIssuer(
        keyring,
        credentials,
        clock,
        randomness,
        audiences=frozenset({"auth", "kms", "runtime"}),
        exchanges=frozenset({("runtime", "kms")}),
        partition="aws",
    )
    uses = KeyUses(SqlKeyUses(database), clock)
    signatures = Signatures(
        credentials,
        sealer,
        clock,
        randomness,
        regions=frozenset({"us-east-1"}),
        signing_names=frozenset({"bedrock"}),
        token_hosts=(HOST,),
        uses=uses,
    )
    service_credentials = SqlServiceCredentials(database)
    keys = KeyMaker(sealer, clock, randomness)
    account = Account("123456789012", "incarnation", "first", clock.now())
    user = User(account.account_id, "alice", "AIDAALICEALICEALICEAA", clock.now())
    await directory.create_account(account, None, None)
    await directory.create_user(user, 99)
    key = await keys.make(account.account_id, user)
    await directory.create_access_key(key.key, 2)
    assert await keyring.ready()
    yield Auth(
        clock,
        randomness,
        sealer,
        directory,
        policies,
        credentials,
        keyring,
        issuer,
        uses,
        signatures,
        service_credentials,
        ApiKeys(credentials, service_credentials, signatures, clock),
        Admission(credentials, directory, clock),
        keys,
        account,
        user,
        key,
    )
    await database.close()


@pytest.fixture
async def iam(auth: Auth) -> Iam:
    """All operations on identities of that account."""
    return await make_iam(auth)
