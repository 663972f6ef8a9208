"""The audit service's operations over an in-memory database and key service."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from craton.audit.v1 import resources_pb2 as pb
from craton.common.v1.error_reason_pb2 import ErrorReason

import services.audit
from services.audit.adapters.sql_events import SqlEventStore
from services.audit.adapters.sql_keys import SqlDataKeyStore
from services.audit.operations.account_keys import AccountKeys
from services.audit.operations.ingest import Ingestor
from services.audit.operations.lookup import Lookup
from services.chassis.context import CallContext
from services.chassis.database import Database
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.principal import PrincipalClaims
from services.chassis.randomness import SystemRandomness
from tests.fakes.databases import make_schema
from tests.fakes.key_service import InMemoryKeyService

ACCOUNT = "123456789012"
OTHER = "210987654321"
AUTH = WorkloadId("craton.local", "service", "auth")
EDGE = WorkloadId("craton.local", "service", "edge")
AUDIT = WorkloadId("craton.local", "service", "audit")
ADMIN = WorkloadId("craton.local", "operator", "admin")


class SettableClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.boot = 1_000.0

    def now(self) -> datetime:
        return self.wall

    def boottime(self) -> float:
        return self.boot

    def advance(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.boot += seconds


class ListedActions:
    """An Authorization that permits what stands in `allowed`."""

    def __init__(self) -> None:
        self.allowed = {("cloudtrail:LookupEvents", "*")}

    async def authorize(self, call: CallContext, action: str, resource: str) -> None:
        if (action, resource) not in self.allowed:
            raise DomainError(ErrorReason.ERROR_REASON_ACCESS_DENIED, "not authorized")


@dataclass
class Service:
    """The operations and what stands around them."""

    clock: SettableClock
    kms: InMemoryKeyService
    authorization: ListedActions
    database: Database
    keys: AccountKeys
    ingestor: Ingestor
    lookup: Lookup

    def restart(self) -> None:
        """Forget everything that is held in memory."""
        store = SqlEventStore(self.database)
        self.keys = AccountKeys(SqlDataKeyStore(self.database), self.kms, self.clock, SystemRandomness())
        self.ingestor = Ingestor(store, self.keys, SystemRandomness())
        self.lookup = Lookup(store, self.keys, self.authorization)


def service_over(database: Database) -> Service:
    """The operations over a database whose schema is current."""
    parts = (SettableClock(), InMemoryKeyService(), ListedActions(), database)
    made = Service(*parts, None, None, None)
    made.restart()
    return made


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    database = Database("sqlite://")
    make_schema(database, Path(services.audit.__file__).parent / "adapters" / "migrations")
    made = service_over(database)
    yield made
    await database.close()


def event(number: int = 0, account: str = ACCOUNT, **changes) -> pb.Event:
    """An event of auth, one a second."""
    made = pb.Event(
        event_id=str(uuid.uuid4()),
        call_id=f"call-{number}",
        request_id=f"request-{number}",
        phase=pb.EVENT_PHASE_OUTCOME,
        recorder="auth",
        event_source="iam.amazonaws.com",
        event_name="CreateUser",
        account_id=account,
        count=1,
    )
    made.event_time.FromSeconds(1_772_366_400 + number)
    if account:
        made.principal.account_id = account
        made.principal.arn = f"arn:aws:iam::{account}:user/alice"
    resources = changes.pop("resources", [f"arn:aws:iam::{account}:user/u{number}"])
    made.resources.extend(resources)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def by_principal(account: str = ACCOUNT) -> CallContext:
    claims = PrincipalClaims(
        account, "inc", f"arn:aws:iam::{account}:user/alice", "AIDA", "AKIA", False, 1, "us-east-1",
        "audit", "t", 1, 2,
    )  # fmt: skip
    return CallContext("/m", "r", "c", EDGE, principal=claims)


def by_operator() -> CallContext:
    return CallContext("/m", "r", "c", ADMIN)
