"""Puts the pool's agent together: the one place that names its adapters."""

import socket
from pathlib import Path

from craton.pool.v1 import pool_service_pb2_grpc

from services.chassis.audit.local import LocalAudit
from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.identity import WorkloadId
from services.chassis.randomness import SystemRandomness
from services.chassis.server import Server
from services.chassis.tls import CertificateWatcher
from services.pool.adapters.door_socket import DoorSocket
from services.pool.adapters.handover_socket import HandoverSocket
from services.pool.adapters.key_service import RemoteModelKeys
from services.pool.adapters.launcher import LauncherCage
from services.pool.adapters.object_store import ObjectStoreFiles
from services.pool.adapters.repository import FolderRepository
from services.pool.adapters.shelf import CatalogShelf
from services.pool.adapters.triton import TritonServer
from services.pool.config import PoolConfig, Users
from services.pool.events import EVENTS
from services.pool.operations.keeper import Keeper
from services.pool.ports import RunningCage
from services.pool.servicer import PoolServicer

_FOLDER = Path(__file__).parent


def build(config: PoolConfig, clock: Clock, launcher: socket.socket, uids: Users) -> Server:
    """Build the agent; `launcher` is its end of the socketpair, `uids` what is really used."""
    randomness = SystemRandomness()
    workload = WorkloadId(config.server.trust_domain, config.server.kind, config.server.name)
    audit = LocalAudit.over_grpc(
        config.audit, config.tls, workload, EVENTS, clock=clock, randomness=randomness
    )
    kms = Channel(config.kms, config.tls, config.server.trust_domain, clock)
    server = Server(
        config.server,
        config.tls,
        callers=_FOLDER / "callers.toml",
        events=EVENTS,
        clock=clock,
        randomness=randomness,
        recorder=audit.recorder,
        tokens=None,
        telemetry=config.telemetry,
    )
    cage = LauncherCage(launcher)
    door = DoorSocket(config.door_socket, uids.runtime)
    handovers = HandoverSocket(config.handover_socket, uids.sandbox, cage.inside)
    watcher = CertificateWatcher(config.triton.tls)

    def connect(running: RunningCage) -> TritonServer:
        return TritonServer(running, config.triton.tls, config.triton.server_name, randomness)

    keeper = Keeper(
        cage=cage,
        connect=connect,
        door=door,
        handovers=handovers,
        files=ObjectStoreFiles(config.objects),
        keys=RemoteModelKeys(kms),
        repository=FolderRepository(
            config.repository, config.handover_socket_for_models, config.sandbox.python_path
        ),
        shelf=CatalogShelf(config.catalog, config.provider),
        settings=config.watchdog,
        certificate_changed=lambda: watcher.poll() is not None,
        clock=clock,
        randomness=randomness,
    )
    server.add(pool_service_pb2_grpc.add_PoolServiceServicer_to_server, PoolServicer(keeper))
    for name, run in (
        ("launcher", cage.listen),
        ("door", door.serve),
        ("handovers", handovers.serve),
        ("keeper", keeper.run),
        ("keys", keeper.watch_keys),
    ):
        server.add_task(name, run)
    server.add_readiness("models", keeper.settled)
    server.add_closer(kms.close)
    server.metrics.gauge(
        "craton_pool_models_ready",
        "Models whose last inference succeeded.",
        lambda: sum(model.ready for model in keeper.models),
    )
    server.metrics.gauge("craton_pool_sandbox_restarts", "Restarts of the sandbox.", lambda: keeper.restarts)
    audit.attach(server)
    return server
