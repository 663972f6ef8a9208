"""The configuration of audit."""

from dataclasses import dataclass, field
from pathlib import Path

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
    witnesses: tuple[UpstreamSettings, ...] = ()
    """Who cosigns the log's checkpoints; workloads of kind "witness"."""
    redis: RedisSettings | None = None
    """Where revocations are announced. Without it they are noticed when leases end, after five seconds."""
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
