"""Configuration tables that every service shares."""

import ipaddress
import re
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
    commit_timeout_s: float = 0.25
    """How long the disk may take to make a record durable before the call is refused: more for a disk that
    others share, which stands still now and then."""

    def __post_init__(self) -> None:
        """Refuse what would refuse every call, or let callers wait for longer than they do."""
        if not 0.01 <= self.commit_timeout_s <= 30:
            raise ValueError(f"commit_timeout_s is {self.commit_timeout_s:g}, expected 0.01 to 30 seconds")


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


_LISTENER = re.compile(r"[a-z][a-z0-9-]{0,62}")
_VPC = re.compile(r"vpc-(?:[0-9a-f]{8}|[0-9a-f]{17})")


@dataclass(frozen=True, slots=True)
class CertificateSettings:
    """A public certificate (PEM), which clients verify; no client certificate is asked for."""

    certificate: Path
    private_key: Path


@dataclass(frozen=True, slots=True)
class PrivateListenerSettings:
    """A private way in: a listener of edge, which auth knows by its name."""

    name: str
    """Lower-case letters, digits and hyphens."""
    listen: str
    """host:port of the socket, whose address is the VPC endpoint: nothing else may reach it."""
    vpc_id: str
    """The network that it stands in, "vpc-" and 8 or 17 hex digits, for aws:SourceVpc."""
    balancers: tuple[str, ...] = ()
    """Networks (CIDR) of the balancers in front of it, which say by the PROXY protocol for whom they connect.
    Without any, a client's address is its socket's, and the PROXY protocol is not spoken."""
    public: CertificateSettings | None = None
    """Certificate for other names than those of the public listener; that one's when absent."""

    def __post_init__(self) -> None:
        """Refuse names and networks that could never match."""
        if not _LISTENER.fullmatch(self.name):
            raise ValueError(f"name: {self.name!r} must be lower-case letters, digits and hyphens")
        if not _VPC.fullmatch(self.vpc_id):
            raise ValueError(f"vpc_id: {self.vpc_id!r} must be vpc- and 8 or 17 hex digits")
        check_networks(self.balancers)


def check_networks(networks: tuple[str, ...]) -> None:
    """Raise ValueError for what is not a network in CIDR notation."""
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise ValueError(f"balancers: {network!r} is not a network: {error}") from None


def check_listeners(listeners: tuple[PrivateListenerSettings, ...]) -> None:
    """Raise ValueError for a name that two listeners have."""
    names = [each.name for each in listeners]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"private_listeners: {name!r} stands twice")
