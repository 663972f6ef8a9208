"""The configuration of a witness."""

from dataclasses import dataclass, field
from pathlib import Path

from services.chassis.settings import AuditSettings, ServerSettings, TelemetrySettings, TlsSettings


@dataclass(frozen=True, slots=True)
class WitnessConfig:
    """Everything a witness is told from outside."""

    server: ServerSettings
    tls: TlsSettings
    audit: AuditSettings
    name: str
    """Of its key, for ever: a URL without scheme by C2SP's advice."""
    key_file: Path
    """Its private key; made at the first start."""
    database_url: str
    logs: tuple[str, ...] = ()
    """Verifier keys of the logs that it follows. Without any: those that come, each by its first key."""
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
