"""Puts a witness together: the one place that names its adapters."""

from pathlib import Path

from craton.audit.v1 import witness_service_pb2_grpc

from services.chassis.audit.local import LocalAudit
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.identity import WorkloadId
from services.chassis.randomness import Randomness, SystemRandomness
from services.chassis.server import Server
from services.witness.adapters.key_file import KeyFile
from services.witness.adapters.sql_logs import SqlKnownLogs
from services.witness.config import WitnessConfig
from services.witness.events import EVENTS
from services.witness.operations.witnessing import Witnessing
from services.witness.servicer import WitnessServicer
from tlog.note import VerifierKey

_FOLDER = Path(__file__).parent
_REVISIONS = _FOLDER / "adapters" / "migrations"


def build(config: WitnessConfig, clock: Clock, randomness: Randomness | None = None) -> Server:
    """Build the server. The key exists and the schema is current afterwards; nothing listens yet.

    Raises OSError, and TlogError or ValueError for keys that are none.
    """
    random = randomness or SystemRandomness()
    workload = WorkloadId(config.server.trust_domain, config.server.kind, config.server.name)
    trusted = [VerifierKey.parse(text) for text in config.logs]
    cosigner = KeyFile(config.key_file, config.name)
    database = Database(config.database_url)
    database.migrate(_REVISIONS)
    audit = LocalAudit.over_grpc(config.audit, config.tls, workload, EVENTS, clock=clock, randomness=random)
    server = Server(
        config.server,
        config.tls,
        callers=_FOLDER / "callers.toml",
        events=EVENTS,
        clock=clock,
        randomness=random,
        recorder=audit.recorder,
        tokens=None,
        telemetry=config.telemetry,
    )
    server.add(
        witness_service_pb2_grpc.add_WitnessServiceServicer_to_server,
        WitnessServicer(Witnessing(SqlKnownLogs(database), cosigner, clock, trusted)),
    )
    server.add_task("database", database.failed)
    server.add_closer(database.close)
    audit.attach(server)
    return server
