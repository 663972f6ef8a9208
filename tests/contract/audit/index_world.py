"""A log over a real database, with a purged account, and whoever can write that database by other ways."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from craton.audit.v1 import resources_pb2 as pb

from services.audit.adapters.sql_events import SqlEventStore
from services.audit.adapters.sql_purge import SqlPurge
from services.audit.domain.index_check import Finding, purge_names
from services.audit.operations.account_purge import AccountPurge
from services.chassis.account_purge import Purge
from services.chassis.database import Database
from services.chassis.identity import WorkloadId
from tests.fakes.log_signer import InMemoryLogSigner
from tests.unit.audit.conftest import ACCOUNT, AUDIT, AUTH, OTHER, Service, event, service_over
from tests.unit.audit.log_world import World

INCARNATION, NEXT = "0" * 32, "1" * 32
SPOOLS = {AUTH: "ab" * 16, AUDIT: "cd" * 16}


class IndexWorld:
    """An audit service without its server."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.service: Service = service_over(database)
        self.log = World(self.service, folder / "log", InMemoryLogSigner())
        self.positions = dict.fromkeys(SPOOLS, 0)
        self.purge = AccountPurge(
            SqlPurge(database), SqlEventStore(database), self.service.keys, self.service.clock
        )
        self.database = database

    @property
    def dialect(self) -> str:
        """Return "sqlite" or "postgresql"."""
        return self.database.engine.dialect.name

    async def take_in(self, events: Sequence[pb.Event], workload: WorkloadId = AUTH) -> None:
        """Ship events, and have the log cover them."""
        self.positions[workload] = await self.service.ingestor.append(
            workload, SPOOLS[workload], self.positions[workload], events
        )
        while await self.log.log.extend():
            pass

    async def fill(self, count: int = 40) -> None:
        """Take in events of two accounts and of the installation."""
        accounts = (ACCOUNT, OTHER, "")
        events = [event(number, accounts[number % 3]) for number in range(count)]
        for each in events:
            each.principal.account_incarnation = INCARNATION if each.account_id else ""
        await self.take_in(events)

    async def purged(self, account: str = OTHER, *, go_on: bool = True) -> None:
        """Purge an account as auth has it done, and take in what audit records of it, and what is late."""
        names = purge_names(account, INCARNATION, "p-1")
        await self.take_in([self.said("PurgeAccount", names, pb.EVENT_PHASE_INTENT)], AUDIT)
        progress = await self.purge.purge(Purge("p-1", account, INCARNATION))
        await self.take_in([self.said("PurgeAccount", (*names, *progress.named))], AUDIT)
        late = event(990, account)
        late.principal.account_incarnation = INCARNATION
        await self.take_in([late])
        if go_on:
            await self.take_in([self.said("ContinueAccount", names[:2], pb.EVENT_PHASE_INTENT)], AUDIT)
            await self.purge.proceed(account, INCARNATION)
            await self.take_in([self.said("ContinueAccount", names[:2])], AUDIT)
            fresh = event(991, account)
            fresh.principal.account_incarnation = NEXT
            await self.take_in([fresh])

    def said(
        self, name: str, resources: Sequence[str], phase: pb.EventPhase = pb.EVENT_PHASE_OUTCOME
    ) -> pb.Event:
        """Return an event that audit records of itself."""
        made = event(0, "", recorder="audit", event_source="audit.craton", event_name=name, phase=phase)
        made.event_time.FromDatetime(self.service.clock.now())
        del made.resources[:]
        made.resources.extend(resources)
        made.status_code = "OK" if phase == pb.EVENT_PHASE_OUTCOME else ""
        return made

    async def findings(self) -> list[Finding]:
        """Check everything."""
        scan, found = self.log.scan(), list[Finding]()
        while not scan.done:
            found += await scan.step()
        return found + list(await scan.structure())

    @contextlib.asynccontextmanager
    async def intruder(self) -> AsyncIterator[sa.Connection]:
        """Write the database past the service, and past what the schema forbids."""
        engine = sa.create_engine(self.database.engine.url)
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql("SET session_replication_role = replica")
            yield connection
        engine.dispose()

    async def write(self, *statements: sa.Executable) -> None:
        """Do something to the database."""
        async with self.intruder() as connection:
            for statement in statements:
                connection.execute(statement)

    async def row(self, table: sa.Table, *conditions: Any) -> dict[str, Any]:
        """Return a row, the first one that there is."""
        statement = sa.select(table).where(*conditions).order_by(*table.primary_key.columns).limit(1)
        async with self.intruder() as connection:
            return dict(connection.execute(statement).one()._mapping)


def of(table: sa.Table, row: dict[str, Any]) -> sa.ColumnElement[bool]:
    """Return the condition that finds a row."""
    return sa.and_(*(column == row[column.name] for column in table.primary_key.columns))
