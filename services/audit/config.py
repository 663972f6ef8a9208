"""The configuration of audit."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from services.chassis.settings import (
    AuditSettings,
    RedisSettings,
    ServerSettings,
    TelemetrySettings,
    TlsSettings,
    UpstreamSettings,
)
from tlog.errors import TlogError
from tlog.note import SignatureType, VerifierKey


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The log."""

    origin: str
    """Its name for ever: a URL without scheme by C2SP's advice, for example "audit.example.com/log"."""
    folder: Path
    """Where its files are kept; replicas share it."""

    def __post_init__(self) -> None:
        """Refuse a name that no key can have: every checkpoint would be refused."""
        try:
            VerifierKey(self.origin, SignatureType.NOTE, bytes(32))
        except TlogError as error:
            raise ValueError(f"origin: {error}") from error


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """Where trails deliver."""

    endpoint: str = ""
    """URL of the S3 server; without one no trail can be made. Plain HTTP is for the loopback alone."""
    region: str = "us-east-1"
    """That requests to it are signed for."""
    credentials_file: str = ""
    """As AWS's tools have it, read again when it changes: the profile "default" has the key that writes into
    customers' buckets."""
    ca: str = ""
    """PEM file of the authorities of the server's certificate; botocore's own without it."""
    interval_s: float = 300.0
    """Between deliveries of log files."""
    digest_interval_s: float = 3600.0

    def __post_init__(self) -> None:
        """Refuse what would send customers' events through a network in the clear."""
        url = urlsplit(self.endpoint)
        if self.endpoint and url.scheme != "https" and not (url.scheme == "http" and _loopback(url.hostname)):
            raise ValueError("endpoint: an https:// URL is expected; http:// is for the loopback alone")
        if self.endpoint and not self.credentials_file:
            raise ValueError("credentials_file: the key for the endpoint is missing")
        if self.interval_s <= 0 or self.digest_interval_s < 1:
            raise ValueError("interval_s is more than 0, and digest_interval_s 1 at least")


@dataclass(frozen=True, slots=True)
class AuditConfig:
    """Everything audit is told from outside. Secrets are file paths."""

    server: ServerSettings
    tls: TlsSettings
    audit: AuditSettings
    """Audit's own spool; its `service` is audit itself and is not dialled."""
    auth: UpstreamSettings
    """Where token keys and authorisation leases come from."""
    kms: UpstreamSettings
    """Where the data keys of accounts come from; while it is down events wait in their spools."""
    database_url: str
    log: LogSettings
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    partition: str = "aws"
    witnesses: tuple[UpstreamSettings, ...] = ()
    """Who cosigns the log's checkpoints; workloads of kind "witness"."""
    redis: RedisSettings | None = None
    """Where revocations are announced. Without it they are noticed when leases end, after five seconds."""
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)


def _loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False
