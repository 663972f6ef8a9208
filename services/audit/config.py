"""The configuration of audit."""

import re
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

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"(?:(?!\.{1,2}/)[A-Za-z0-9._-]+/)*")


@dataclass(frozen=True, slots=True)
class S3Settings:
    """A server that speaks S3."""

    endpoint: str = ""
    """Its URL. Plain HTTP is for the loopback alone."""
    region: str = "us-east-1"
    """That requests to it are signed for."""
    credentials_file: str = ""
    """As AWS's tools have it, read again when it changes: the profile "default" has the key."""
    ca: str = ""
    """PEM file of the authorities of the server's certificate; botocore's own without it."""

    def __post_init__(self) -> None:
        """Refuse what would send events through a network in the clear."""
        url = urlsplit(self.endpoint)
        if self.endpoint and url.scheme != "https" and not (url.scheme == "http" and _loopback(url.hostname)):
            raise ValueError("endpoint: an https:// URL is expected; http:// is for the loopback alone")
        if self.endpoint and not self.credentials_file:
            raise ValueError("credentials_file: the key for the endpoint is missing")


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The log. Its files lie in a folder or in a bucket; replicas share it."""

    origin: str
    """Its name for ever: a URL without scheme by C2SP's advice, for example "audit.example.com/log"."""
    folder: Path | None = None
    bucket: str = ""
    prefix: str = ""
    """Of the names in the bucket, for example "audit/"."""
    s3: S3Settings = field(default_factory=S3Settings)
    """Where the bucket is."""

    def __post_init__(self) -> None:
        """Refuse a name that no key can have: every checkpoint would be refused. And two places, or none."""
        try:
            VerifierKey(self.origin, SignatureType.NOTE, bytes(32))
        except TlogError as error:
            raise ValueError(f"origin: {error}") from error
        if self.folder is not None:
            if self.bucket or self.prefix or self.s3.endpoint:
                raise ValueError("folder: the log's files lie in a folder or in a bucket, not in both")
            return
        if not self.bucket:
            raise ValueError("folder or bucket: where the log's files lie is missing")
        if not _BUCKET.fullmatch(self.bucket):
            raise ValueError("bucket: the name of a bucket is expected")
        if not _PREFIX.fullmatch(self.prefix):
            raise ValueError(
                'prefix: letters, digits, "._-" and slashes are expected, a slash last, none first'
            )
        if not self.s3.endpoint:
            raise ValueError("s3: the endpoint of the bucket is missing")


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """Where trails deliver."""

    s3: S3Settings = field(default_factory=S3Settings)
    """Where customers' buckets are; without an endpoint no trail can be made. Its key writes into them."""
    interval_s: float = 300.0
    """Between deliveries of log files."""
    digest_interval_s: float = 3600.0

    def __post_init__(self) -> None:
        """Refuse intervals that are none."""
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
