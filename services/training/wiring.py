"""Puts training together: the one place that names its adapters."""

from pathlib import Path

from craton.purge.v1 import purger_service_pb2_grpc
from craton.training.v1 import customization_job_service_pb2_grpc

from services.chassis.account_purge import PurgerServicer
from services.chassis.audit.local import LocalAudit
from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.enforcement import EnforcementPoint
from services.chassis.identity import WorkloadId
from services.chassis.randomness import Randomness, SystemRandomness
from services.chassis.server import Server
from services.chassis.token_keys import RemoteTokenKeys, fetch_over
from services.chassis.tokens import TokenVerifier
from services.training.adapters.sql_jobs import SqlJobStore
from services.training.adapters.sql_purge import SqlPurge
from services.training.config import TrainingConfig
from services.training.events import EVENTS
from services.training.operations.listing import JobListing
from services.training.servicer import CustomizationJobServicer

AUDIENCE = "training"
_FOLDER = Path(__file__).parent
_REVISIONS = _FOLDER / "adapters" / "migrations"


def build(config: TrainingConfig, clock: Clock, randomness: Randomness | None = None) -> Server:
    """Build the server."""
    random = randomness or SystemRandomness()
    database = Database(config.database_url)
    database.migrate(_REVISIONS)

    workload = WorkloadId(config.server.trust_domain, config.server.kind, config.server.name)
    audit = LocalAudit.over_grpc(config.audit, config.tls, workload, EVENTS, clock=clock, randomness=random)
    auth = Channel(config.auth, config.tls, config.server.trust_domain, clock)
    token_keys = RemoteTokenKeys(fetch_over(auth), clock)
    server = Server(
        config.server,
        config.tls,
        callers=_FOLDER / "callers.toml",
        events=EVENTS,
        clock=clock,
        randomness=random,
        recorder=audit.recorder,
        tokens=TokenVerifier(AUDIENCE, token_keys, clock),
        telemetry=config.telemetry,
    )
    point = EnforcementPoint(auth, config.redis, clock, random)
    server.add(
        customization_job_service_pb2_grpc.add_CustomizationJobServiceServicer_to_server,
        CustomizationJobServicer(JobListing(SqlJobStore(database), point.authorizer)),
    )
    server.add(
        purger_service_pb2_grpc.add_PurgerServiceServicer_to_server, PurgerServicer(SqlPurge(database))
    )
    # Every method of clients needs a principal: before tokens can be verified there is nothing to serve.
    server.add_readiness("token-keys", token_keys.ready)
    server.add_task("database", database.failed)
    point.attach(server)
    server.add_closer(database.close)
    server.add_closer(auth.close)
    audit.attach(server)
    return server
