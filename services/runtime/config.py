"""Runtime's configuration: deploy/config/runtime.toml."""

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


@dataclass(frozen=True, slots=True)
class PublicSettings:
    """The listener for native clients, who show no certificate."""

    listen: str
    tls: TlsSettings


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How one provider's pool is reached."""

    provider: str
    agent: UpstreamSettings
    door: Path
    """UNIX socket on which the pool's agent hands over the directory of Triton's socket."""
    tls: TlsSettings
    """Runtime's leaf of the pool's own CA."""


@dataclass(frozen=True, slots=True)
class RuntimeConfig:
    """Everything runtime is told."""

    server: ServerSettings
    tls: TlsSettings
    public: PublicSettings
    auth: UpstreamSettings
    kms: UpstreamSettings
    """Certifies the keys that sign receipts, in the background."""
    audit: AuditSettings
    redis: RedisSettings
    pools: tuple[PoolSettings, ...]
    catalog: Path
    """Directory of signed manifests and registered provider keys."""
    regions: tuple[str, ...]
    """Regions that this installation serves."""
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
