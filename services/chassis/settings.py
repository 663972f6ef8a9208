"""Configuration tables that every service shares."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Where a workload's certificate, private key and trusted CA lie (PEM)."""

    certificate: Path
    private_key: Path
    ca: Path


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a service listens."""

    name: str
    """Workload name, for example "auth"."""
    listen: str
    """host:port of the internal mTLS listener."""
    metrics_listen: str
    """host:port of the Prometheus endpoint; a loopback address."""
    kind: str = "service"
    trust_domain: str = "craton.local"
    max_message_bytes: int = 26_000_000
    """A 25,000,000 byte body and its envelope."""
    transport: str = "grpc"
    """What serves the internal listener: gRPC's own server, or "http2", ours, for the hot path."""
    drain_s: float = 10.0
    """How long calls in progress may finish after SIGTERM."""


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """How another workload is reached."""

    target: str
    """gRPC target, for example "127.0.0.1:7101"."""
    name: str
    """Workload that must answer, for example "auth"."""
    kind: str = "service"
    transport: str = "grpc"
    """The client that is used: gRPC's own, or "http2", ours, for the hot path. Servers cannot tell."""


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """The local durable spool and where it is shipped to."""

    spool_dir: Path
    service: UpstreamSettings
    max_bytes: int = 512 * 1024 * 1024
    """Cap of the spool; at the cap the service refuses calls that need a record."""


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """Traces and logs. Metrics are always served on the metrics listener."""

    otlp_endpoint: str = ""
    """host:port of an OTLP/gRPC collector; nothing is exported when empty."""
    sample_ratio: float = 0.01
    """Share of traces that are recorded, 0 to 1."""
    log_level: str = "INFO"


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """How Redis is reached: TLS, and the service's own ACL user."""

    host: str
    port: int
    username: str
    password_file: Path
    ca: Path
    server_name: str = "redis.craton.internal"
    """DNS SAN that the server's certificate must have."""
