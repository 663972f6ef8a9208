"""The configuration of training."""

from dataclasses import dataclass, field

from services.chassis.settings import (
    AuditSettings,
    RedisSettings,
    ServerSettings,
    TelemetrySettings,
    TlsSettings,
    UpstreamSettings,
)


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Everything training is told from outside. Secrets are file paths."""

    server: ServerSettings
    tls: TlsSettings
    audit: AuditSettings
    auth: UpstreamSettings
    """Where token keys and authorisation leases come from."""
    database_url: str
    redis: RedisSettings | None = None
    """Where revocations are announced. Without it they are noticed when leases end, after five seconds."""
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
