"""Puts audit together: the one place that names its adapters."""

from functools import partial
from pathlib import Path

from craton.audit.v1 import (
    anchor_service_pb2_grpc,
    index_service_pb2_grpc,
    ingest_service_pb2_grpc,
    log_service_pb2_grpc,
    lookup_service_pb2_grpc,
    purge_log_service_pb2_grpc,
    trail_service_pb2_grpc,
)
from craton.purge.v1 import purger_service_pb2_grpc

from services.audit.adapters.file_log import FileLog
from services.audit.adapters.grpc_witness import GrpcWitness
from services.audit.adapters.kms import KmsKeyService
from services.audit.adapters.kms_digest_key import KmsDigestSigner
from services.audit.adapters.kms_log_key import KmsLogSigner
from services.audit.adapters.kms_trail_key import KmsTrailSealer
from services.audit.adapters.own_spool import OwnIngest
from services.audit.adapters.s3_buckets import NoBuckets, S3Buckets
from services.audit.adapters.s3_client import S3Client
from services.audit.adapters.s3_log import S3Log
from services.audit.adapters.sql_anchors import SqlAnchorStore
from services.audit.adapters.sql_events import SqlEventStore
from services.audit.adapters.sql_heads import SqlHeadStore
from services.audit.adapters.sql_index import SqlIndex
from services.audit.adapters.sql_keys import SqlDataKeyStore
from services.audit.adapters.sql_purge import SqlPurge
from services.audit.adapters.sql_trails import SqlTrailStore
from services.audit.config import AuditConfig
from services.audit.events import EVENTS
from services.audit.operations.account_keys import AccountKeys
from services.audit.operations.account_purge import AccountPurge
from services.audit.operations.anchors import Anchors
from services.audit.operations.bucket_access import BucketAccess
from services.audit.operations.cosigning import Cosigning
from services.audit.operations.delivery import Delivery
from services.audit.operations.digest_keys import PublicKeys
from services.audit.operations.digests import Digests
from services.audit.operations.index_check import IndexCheck
from services.audit.operations.index_report import IndexReport
from services.audit.operations.index_scan import IndexScan
from services.audit.operations.index_tables import IndexTables
from services.audit.operations.ingest import Ingestor
from services.audit.operations.log import Log
from services.audit.operations.lookup import Lookup
from services.audit.operations.nodes import Nodes
from services.audit.operations.proofs import Proofs
from services.audit.operations.scrub import Scrub
from services.audit.operations.trail_files import TrailFiles
from services.audit.operations.trails import Trails
from services.audit.operations.witnessed import WitnessedLog
from services.audit.ports import LogFiles
from services.audit.servicer.events import AnchorServicer, IngestServicer, LogServicer, LookupServicer
from services.audit.servicer.index import IndexServicer
from services.audit.servicer.purge_log import PurgeLogServicer
from services.audit.servicer.trails import TrailServicer
from services.chassis.account_purge import PurgerServicer
from services.chassis.audit.local import LocalAudit
from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.data_keys.service_keys import ServiceKeys
from services.chassis.database import Database
from services.chassis.enforcement import EnforcementPoint
from services.chassis.identity import WorkloadId
from services.chassis.randomness import Randomness, SystemRandomness
from services.chassis.server import Server
from services.chassis.token_keys import RemoteTokenKeys, fetch_over
from services.chassis.tokens import TokenVerifier

AUDIENCE = "audit"
LOG_MIB = 64
"""Of the database's write-ahead log, as long as no reader holds it up. Most pages that a batch changes are
the ends of indexes by account, principal or resource, which the next batch changes again."""
_FOLDER = Path(__file__).parent
_REVISIONS = _FOLDER / "adapters" / "migrations"


def build(config: AuditConfig, clock: Clock, randomness: Randomness | None = None) -> Server:
    """Build the server. The schema is current afterwards; nothing listens yet."""
    random = randomness or SystemRandomness()
    workload = WorkloadId(config.server.trust_domain, config.server.kind, config.server.name)
    database = Database(config.database_url, log_mib=LOG_MIB)
    database.migrate(_REVISIONS)
    auth = Channel(config.auth, config.tls, config.server.trust_domain, clock)
    kms = Channel(config.kms, config.tls, config.server.trust_domain, clock)

    service_keys = ServiceKeys(kms, config.redis, clock, random, timeout_s=5.0)
    events = SqlEventStore(database)
    keys = AccountKeys(SqlDataKeyStore(database), KmsKeyService(service_keys.cache), clock, random)
    ingestor = Ingestor(events, keys, random)
    point = EnforcementPoint(auth, config.redis, clock, random)
    lookup = Lookup(events, keys, point.authorizer)
    heads, told = SqlHeadStore(database), config.log
    log_bucket, customers_buckets = S3Client(told.s3), S3Client(config.delivery.s3)
    files: LogFiles = (
        S3Log(log_bucket, told.bucket, told.prefix) if told.folder is None else FileLog(told.folder)
    )
    signer = KmsLogSigner(kms, config.log.origin)
    watching = [Channel(each, config.tls, config.server.trust_domain, clock) for each in config.witnesses]
    witnesses = [
        GrpcWitness(channel, settings.name)
        for channel, settings in zip(watching, config.witnesses, strict=True)
    ]
    trails, delivered = SqlTrailStore(database), config.delivery
    buckets = S3Buckets(customers_buckets) if delivered.s3.endpoint else NoBuckets()
    access = BucketAccess(buckets, clock, config.partition)
    digest_signer = KmsDigestSigner(kms)
    digests = Digests(trails, buckets, access, digest_signer, clock, delivered.digest_interval_s)
    sealer = KmsTrailSealer(kms, config.partition)
    log_files = TrailFiles(trails, events, lookup, sealer)
    delivery = Delivery(trails, events, log_files, buckets, access, digests, clock, delivered.interval_s)
    nodes = Nodes(files)
    cosigning = Cosigning(witnesses, nodes, events, signer, clock)
    log = Log(events, heads, files, signer, cosigning, config.log.origin)
    audit = LocalAudit(
        config.audit,
        workload,
        EVENTS,
        clock=clock,
        randomness=random,
        ingest=OwnIngest(ingestor, workload),
    )
    server = Server(
        config.server,
        config.tls,
        callers=_FOLDER / "callers.toml",
        events=EVENTS,
        clock=clock,
        randomness=random,
        recorder=audit.recorder,
        tokens=TokenVerifier(AUDIENCE, RemoteTokenKeys(fetch_over(auth), clock), clock),
        telemetry=config.telemetry,
    )
    server.add(ingest_service_pb2_grpc.add_IngestServiceServicer_to_server, IngestServicer(ingestor))
    # Answers before any key does: the key service waits for it when it starts.
    server.add(
        anchor_service_pb2_grpc.add_AnchorServiceServicer_to_server,
        AnchorServicer(Anchors(SqlAnchorStore(database), events, WitnessedLog(events, files))),
    )
    server.add(lookup_service_pb2_grpc.add_LookupServiceServicer_to_server, LookupServicer(lookup))
    server.add(
        log_service_pb2_grpc.add_LogServiceServicer_to_server,
        LogServicer(Proofs(events, heads, files, nodes, signer, cosigning, lookup)),
    )
    server.add(
        trail_service_pb2_grpc.add_TrailServiceServicer_to_server,
        TrailServicer(
            Trails(trails, events, access, sealer, point.authorizer, clock, random, config.partition),
            PublicKeys(digest_signer, point.authorizer, clock),
        ),
    )
    purge = AccountPurge(SqlPurge(database), events, keys, clock)
    server.add(purger_service_pb2_grpc.add_PurgerServiceServicer_to_server, PurgerServicer(purge))
    server.add(purge_log_service_pb2_grpc.add_PurgeLogServiceServicer_to_server, PurgeLogServicer(purge))
    index = SqlIndex(database)
    check = IndexCheck(index, files, keys, workload)
    compared = partial(IndexScan, check, IndexTables(index, files, signer, check, clock), files)
    server.add(
        index_service_pb2_grpc.add_IndexServiceServicer_to_server, IndexServicer(IndexReport(compared))
    )
    scrub = Scrub(compared, random.token_bytes(1)[0] / 256)
    server.add_task("log", log.run)
    server.add_task("scrub", scrub.run)
    server.add_task("delivery", delivery.run)
    server.metrics.gauge("craton_audit_log_entries", "Entries that a checkpoint covers.", lambda: log.size)
    server.metrics.gauge(
        "craton_audit_log_waits",
        "1 while the log does not grow because kms or the place of its files is away.",
        lambda: log.waiting,
    )
    server.metrics.gauge(
        "craton_audit_log_damage",
        "Differences between database and log, in this round or the one before it: 0, or a person looks.",
        lambda: scrub.damaged,
    )
    server.metrics.gauge(
        "craton_audit_log_stopped",
        "1 while the log does not grow because its files, database and checkpoint do not fit each other.",
        lambda: log.damaged,
    )
    point.attach(server)
    service_keys.attach(server)
    server.add_task("database", database.failed)
    server.add_closer(database.close)
    server.add_closer(auth.close)
    server.add_closer(kms.close)
    server.add_closer(log_bucket.close)
    server.add_closer(customers_buckets.close)
    for channel in watching:
        server.add_closer(channel.close)
    audit.attach(server)
    return server
