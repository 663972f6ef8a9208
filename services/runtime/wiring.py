"""Runtime's adapters, named in one place."""

from pathlib import Path

from craton.auth.v1 import token_service_pb2_grpc
from craton.runtime.v1 import catalog_service_pb2_grpc, inference_service_pb2_grpc, receipt_service_pb2_grpc

from services.chassis.audit.local import LocalAudit
from services.chassis.channels import Channel
from services.chassis.clock import Clock, SystemClock
from services.chassis.config import load
from services.chassis.enforcement import EnforcementPoint
from services.chassis.identity import WorkloadId
from services.chassis.randomness import SystemRandomness
from services.chassis.server import Server
from services.chassis.server import run as run_server
from services.chassis.token_keys import RemoteTokenKeys, fetch_over
from services.chassis.tokens import TokenVerifier
from services.runtime.adapters.catalogue_files import CatalogueFiles
from services.runtime.adapters.kms_receipt_certifier import KmsReceiptCertifier
from services.runtime.adapters.triton_pool import TritonPool
from services.runtime.config import RuntimeConfig
from services.runtime.domain.receipts import KeptReceipts
from services.runtime.events import EVENTS
from services.runtime.operations.invocation import Invocations
from services.runtime.operations.receipt_keys import ReceiptKeys
from services.runtime.operations.receipts import Receipts
from services.runtime.servicer import (
    CatalogServicer,
    InferenceServicer,
    PublicTokenServicer,
    ReceiptServicer,
)


def build(config: RuntimeConfig, clock: Clock) -> Server:
    """Put runtime together; nothing is opened but the audit spool."""
    randomness = SystemRandomness()
    domain = config.server.trust_domain
    workload = WorkloadId(domain, "service", config.server.name)
    auth = Channel(config.auth, config.tls, domain, clock)
    token_keys = RemoteTokenKeys(fetch_over(auth), clock)
    audit = LocalAudit.over_grpc(
        config.audit, config.tls, workload, EVENTS, clock=clock, randomness=randomness
    )
    server = Server(
        config.server,
        config.tls,
        callers=Path(__file__).with_name("callers.toml"),
        events=EVENTS,
        clock=clock,
        randomness=randomness,
        recorder=audit.recorder,
        tokens=TokenVerifier("runtime", token_keys, clock),
        telemetry=config.telemetry,
    )
    audit.attach(server)
    point = EnforcementPoint(auth, config.redis, clock, randomness)
    access = point.authorizer
    catalogue = CatalogueFiles(config.catalog, frozenset(config.regions))
    pools: dict[str, TritonPool] = {}
    for settings in config.pools:
        agent = Channel(settings.agent, config.tls, domain, clock)
        pool = TritonPool(settings.agent.name, agent, settings.door, settings.tls, randomness)
        pools[settings.provider] = pool
        server.add_task(f"pool-{settings.provider}", pool.run)
        server.add_closer(pool.close)
        server.add_closer(agent.close)
    kms = Channel(config.kms, config.tls, domain, clock)
    receipt_keys, kept = ReceiptKeys(KmsReceiptCertifier(kms), clock), KeptReceipts()
    receipts = Receipts(receipt_keys, kept, access, clock, randomness)
    server.add_task("receipt-keys", receipt_keys.run)
    server.metrics.gauge(
        "craton_receipt_key_seconds",
        "How long the key that signs receipts is certified for; 0 without one.",
        lambda: receipt_keys.seconds_left,
    )
    server.metrics.gauge("craton_receipts_kept", "Receipts that are kept for their owners.", kept.__len__)
    server.add_closer(kms.close)
    invocations = Invocations(catalogue, access, pools, clock, server.metrics, receipts)
    server.add(
        inference_service_pb2_grpc.add_InferenceServiceServicer_to_server, InferenceServicer(invocations)
    )
    server.add(receipt_service_pb2_grpc.add_ReceiptServiceServicer_to_server, ReceiptServicer(receipts))
    server.add(
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server, CatalogServicer(catalogue, access)
    )
    server.add(
        token_service_pb2_grpc.add_TokenServiceServicer_to_server,
        PublicTokenServicer(auth),
        only=("GetToken",),
    )
    server.add_public_listener(config.public.listen, config.public.tls)
    server.add_task("catalogue", catalogue.run)
    point.attach(server)
    server.add_readiness("catalogue", catalogue.refresh)
    server.add_readiness("token-keys", token_keys.ready)
    server.add_closer(auth.close)
    return server


def run(config_path: Path) -> int:
    """Serve until told to stop; returns the exit status."""
    return run_server(lambda: build(load(config_path, RuntimeConfig), SystemClock()))
