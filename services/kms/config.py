"""The configuration of kms."""

from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from services.chassis.settings import (
    AuditSettings,
    RedisSettings,
    ServerSettings,
    TelemetrySettings,
    TlsSettings,
    UpstreamSettings,
)


@dataclass(frozen=True, slots=True)
class KmsConfig:
    """Everything kms is told from outside. Secrets are file paths."""

    server: ServerSettings
    tls: TlsSettings
    audit: AuditSettings
    auth: UpstreamSettings
    """Where token keys and authorisation leases come from; kms starts and serves services without it."""
    database_url: str
    custody_file: Path
    """The root key: 0600, of kms's own uid, outside the folder of the database."""
    partition: str = "aws"
    """Partition in the ARNs of keys that policies name."""
    redis: RedisSettings | None = None
    """Where revocations are announced. Without it they are noticed when leases end, after five seconds."""
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)

    def __post_init__(self) -> None:
        """Refuse custody beside the data that it protects."""
        database = sa.make_url(self.database_url).database
        if not self.database_url.startswith("sqlite") or database is None:
            return
        state = Path(database).resolve().parent
        if self.custody_file.resolve().is_relative_to(state):
            raise ValueError("custody_file must lie outside the database's folder: one theft would take both")
