"""Configuration of the edge: deploy/config/edge.toml."""

from dataclasses import dataclass, field

from services.chassis.settings import (
    AuditSettings,
    CertificateSettings,
    PrivateListenerSettings,
    RedisSettings,
    TelemetrySettings,
    TlsSettings,
    UpstreamSettings,
    check_listeners,
    check_networks,
)


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What one client, and all strangers together, may take."""

    max_connections: int = 1024
    """Counted from their first packet, handshakes included; of each listener, so that strangers at the public
    one do not take the room of private ones."""
    max_header_bytes: int = 64 * 1024
    header_timeout_s: float = 10.0
    """From the first byte (or the handshake) to the end of the headers; also a client on a starved machine
    has sent them by then."""
    handshake_timeout_s: float = 5.0
    proxy_header_timeout_s: float = 3.0
    """How long a balancer may take to say for whom it connects."""
    body_timeout_s: float = 120.0
    """From the end of the headers to the end of the body: 25 MB at 1.7 Mbit/s."""
    keep_alive_s: float = 60.0
    """How long an idle connection is kept for the client's next request."""
    slow_reader_s: float = 30.0
    """How long a client may leave its answer unread."""
    unauthenticated_bytes: int = 176 * 1024 * 1024
    """Body bytes in memory of requests whose signature is not verified yet. Buffers and TLS of 200
    connections that send as fast as they can add about 25 MiB."""
    linger_s: float = 30.0
    """How long a client may go on sending when it has its answer, before the connection is reset."""
    invoke_timeout_s: float = 120.0
    stream_timeout_s: float = 900.0
    control_timeout_s: float = 15.0
    drain_s: float = 10.0


@dataclass(frozen=True, slots=True)
class EdgeConfig:
    """Everything the edge is told."""

    listen: str
    """host:port of the public HTTPS listener."""
    metrics_listen: str
    """host:port of /metrics and /healthz; a loopback address."""
    public: CertificateSettings
    tls: TlsSettings
    """The workload certificate under which the services are called."""
    auth: UpstreamSettings
    runtime: UpstreamSettings
    training: UpstreamSettings
    kms: UpstreamSettings
    redis: RedisSettings
    audit: AuditSettings
    regions: tuple[str, ...]
    """Regions that credentials may be scoped to."""
    default_region: str = "us-east-1"
    """Of requests with a long-term API key, which names none, where the host does not either."""
    balancers: tuple[str, ...] = ()
    """Networks (CIDR) of the balancers in front of the public listener, as in `private_listeners`."""
    private_listeners: tuple[PrivateListenerSettings, ...] = ()
    """Private ways in, each with an address of its own."""
    partition: str = "aws"
    trust_domain: str = "craton.local"
    limits: LimitSettings = field(default_factory=LimitSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)

    def __post_init__(self) -> None:
        """Refuse listeners that could never be told apart, and networks that could never match."""
        check_networks(self.balancers)
        check_listeners(self.private_listeners)
