"""Puts kms together: the one place that names its adapters."""

from pathlib import Path

from craton.kms.v1 import (
    crypto_service_pb2_grpc,
    key_admin_service_pb2_grpc,
    model_key_service_pb2_grpc,
    service_key_service_pb2_grpc,
)

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
from services.kms.adapters.file_custody import FileCustody
from services.kms.adapters.sql_keys import SqlInstallations, SqlKeyStore
from services.kms.config import KmsConfig
from services.kms.events import EVENTS
from services.kms.operations.access import Access
from services.kms.operations.boot import open_installation
from services.kms.operations.customer_keys import CustomerKeys
from services.kms.operations.key_admin import KeyAdministration
from services.kms.operations.keyring import Keyring
from services.kms.operations.model_keys import ModelKeys
from services.kms.operations.service_keys import ServiceKeys
from services.kms.servicer import CryptoServicer, KeyAdminServicer, ModelKeyServicer, ServiceKeyServicer

AUDIENCE = "kms"
_FOLDER = Path(__file__).parent
_REVISIONS = _FOLDER / "adapters" / "migrations"


def build(config: KmsConfig, clock: Clock, randomness: Randomness | None = None) -> Server:
    """Build the server. Raises CustodyError when the root key and the store cannot be used together."""
    random = randomness or SystemRandomness()
    custody = FileCustody(config.custody_file, random)
    database = Database(config.database_url)
    database.migrate(_REVISIONS)
    open_installation(custody, SqlInstallations(database.engine), random)

    workload = WorkloadId(config.server.trust_domain, config.server.kind, config.server.name)
    audit = LocalAudit.over_grpc(config.audit, config.tls, workload, EVENTS, clock=clock, randomness=random)
    auth = Channel(config.auth, config.tls, config.server.trust_domain, clock)
    server = Server(
        config.server,
        config.tls,
        callers=_FOLDER / "callers.toml",
        events=EVENTS,
        clock=clock,
        randomness=random,
        recorder=audit.recorder,
        # Without auth no token verifies, which closes customer keys; everything else goes on.
        tokens=TokenVerifier(AUDIENCE, RemoteTokenKeys(fetch_over(auth), clock), clock),
        telemetry=config.telemetry,
    )
    keyring = Keyring(SqlKeyStore(database), custody, clock, random)
    point = EnforcementPoint(auth, config.redis, clock, random)
    access = Access(point.authorizer, config.partition)
    server.add(
        service_key_service_pb2_grpc.add_ServiceKeyServiceServicer_to_server,
        ServiceKeyServicer(ServiceKeys(keyring)),
    )
    server.add(
        model_key_service_pb2_grpc.add_ModelKeyServiceServicer_to_server, ModelKeyServicer(ModelKeys(keyring))
    )
    server.add(
        crypto_service_pb2_grpc.add_CryptoServiceServicer_to_server,
        CryptoServicer(CustomerKeys(keyring, access)),
    )
    server.add(
        key_admin_service_pb2_grpc.add_KeyAdminServiceServicer_to_server,
        KeyAdminServicer(KeyAdministration(keyring, access)),
    )
    server.add_task("database", database.failed)
    point.attach(server)
    server.add_closer(database.close)
    server.add_closer(auth.close)
    audit.attach(server)
    return server
