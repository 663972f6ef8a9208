"""A log over the operations of the audit service."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from craton.audit.v1 import resources_pb2 as pb

from services.audit.adapters.file_log import FileLog
from services.audit.adapters.sql_events import SqlEventStore
from services.audit.adapters.sql_heads import SqlHeadStore
from services.audit.adapters.sql_index import SqlIndex
from services.audit.operations.cosigning import Cosigning
from services.audit.operations.index_check import IndexCheck
from services.audit.operations.index_scan import IndexScan
from services.audit.operations.index_tables import IndexTables
from services.audit.operations.log import Log
from services.audit.operations.nodes import Nodes
from services.audit.operations.proofs import Proofs
from services.audit.ports import Witness
from tests.fakes.log_signer import InMemoryLogSigner
from tests.unit.audit.conftest import ACCOUNT, AUDIT, AUTH, Service, by_operator, event
from tests.unit.tlog.keys import LOG
from tlog.checkpoint import Trust
from tlog.fsck import check

OPERATOR = by_operator()
TRUST = Trust(LOG.key)
SPOOL = "ab" * 16


@dataclass
class World:
    """A log over the operations of the audit service."""

    service: Service
    folder: Path
    signer: InMemoryLogSigner
    witnesses: tuple[Witness, ...] = ()
    taken: int = 0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget everything that is held in memory."""
        self.files = FileLog(self.folder)
        events, heads = SqlEventStore(self.service.database), SqlHeadStore(self.service.database)
        nodes = Nodes(self.files)
        cosigning = Cosigning(self.witnesses, nodes, events, self.signer, self.service.clock)
        self.log = Log(events, heads, self.files, self.signer, cosigning, self.signer.origin)
        self.proofs = Proofs(events, heads, self.files, nodes, self.signer, cosigning, self.service.lookup)

    def scan(self, from_part: float = 0.0) -> IndexScan:
        """Begin to compare the database with the log."""
        index = SqlIndex(self.service.database)
        check = IndexCheck(index, self.files, self.service.keys, AUDIT)
        tables = IndexTables(index, self.files, self.signer, check, self.service.clock)
        return IndexScan(check, tables, self.files, from_part)

    async def take_in(self, count: int, account: str = ACCOUNT) -> list[pb.Event]:
        events = [event(self.taken + number, account) for number in range(count)]
        self.taken = await self.service.ingestor.append(AUTH, SPOOL, self.taken, events)
        return events

    async def run(self, statement: sa.Executable) -> None:
        await self.service.database.run(lambda connection: connection.execute(statement))

    async def checked(self) -> int:
        return (await check(self.files.get, TRUST)).checkpoint.size
