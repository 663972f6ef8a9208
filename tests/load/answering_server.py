"""The server of a handler that answers at once: identity, token and durable records as in kms."""

from collections.abc import Mapping
from pathlib import Path

from services.chassis.audit.local import LocalAudit
from services.chassis.audit.ports import AuditedMethod
from services.chassis.channels import Channel
from services.chassis.clock import Clock
from services.chassis.identity import WorkloadId
from services.chassis.randomness import Randomness
from services.chassis.server import Server
from services.chassis.token_keys import RemoteTokenKeys, fetch_over
from services.chassis.tokens import TokenVerifier
from services.kms.config import KmsConfig
from services.kms.wiring import AUDIENCE


def build_server(
    config: KmsConfig,
    callers: Path,
    events: Mapping[str, AuditedMethod],
    *,
    clock: Clock,
    randomness: Randomness,
) -> tuple[Server, Channel]:
    """Return a server without a handler yet, and its channel to auth."""
    workload = WorkloadId(config.server.trust_domain, config.server.kind, config.server.name)
    audit = LocalAudit.over_grpc(
        config.audit, config.tls, workload, events, clock=clock, randomness=randomness
    )
    auth = Channel(config.auth, config.tls, config.server.trust_domain, clock)
    server = Server(
        config.server,
        config.tls,
        callers=callers,
        events=events,
        clock=clock,
        randomness=randomness,
        recorder=audit.recorder,
        tokens=TokenVerifier(AUDIENCE, RemoteTokenKeys(fetch_over(auth), clock), clock),
        telemetry=config.telemetry,
    )
    server.add_closer(auth.close)
    audit.attach(server)
    return server, auth
