"""The configuration of kms."""

import enum
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


class Swap(enum.Enum):
    """What kms does where the system could write its memory to a disk."""

    REFUSE = "refuse"
    """It does not start."""
    WARN = "warn"
    """It says so and starts: for development."""


@dataclass(frozen=True, slots=True)
class CustodySettings:
    """What holds the root key."""

    file: Path
    """Of kms's own uid, 0600, outside the folder of the database. In kind "file" the keys themselves, in kind
    "passphrase" the keys under it, in kind "pkcs11" the id of the store whose keys the device holds."""
    kind: str = "file"
    """"file", "passphrase" or "pkcs11"."""
    module: Path | None = None
    """Of kind "pkcs11": the library of the device's maker."""
    token_label: str = ""
    """Of kind "pkcs11": the token that holds the keys."""
    pin_file: Path | None = None
    """Of kind "pkcs11": the user's PIN, 0600, of kms's own uid. Without it kms starts sealed."""

    def __post_init__(self) -> None:
        """Refuse what does not belong together."""
        if self.kind not in ("file", "passphrase", "pkcs11"):
            raise ValueError(f"kind: {self.kind!r} must be file, passphrase or pkcs11")
        if self.kind == "pkcs11":
            if self.module is None or not self.token_label:
                raise ValueError("kind pkcs11 needs module, the device's library, and token_label")
            if not self.module.is_absolute():
                raise ValueError("module: the path of the device's library must be absolute")
        elif self.module is not None or self.token_label or self.pin_file is not None:
            raise ValueError(f"module, token_label and pin_file are for kind pkcs11, not {self.kind}")


@dataclass(frozen=True, slots=True)
class KmsConfig:
    """Everything kms is told from outside. Secrets are file paths."""

    server: ServerSettings
    tls: TlsSettings
    audit: AuditSettings
    auth: UpstreamSettings
    """Where token keys and authorisation leases come from; kms starts and serves services without it."""
    database_url: str
    custody: CustodySettings
    swap: str = Swap.REFUSE.value
    """"refuse" or "warn": what to do where memory that is not locked could be written to a swap device."""
    partition: str = "aws"
    """Partition in the ARNs of keys that policies name."""
    witnesses: tuple[UpstreamSettings, ...] = ()
    """Witnesses of the audit log, workloads of kind "witness": one of them must answer before kms starts.
    Without any, a store that is put back together with the audit log is not noticed."""
    log_origin: str = ""
    """Name of the audit log, as in its own configuration; for witnesses."""
    redis: RedisSettings | None = None
    """Where revocations are announced. Without it they are noticed when leases end, after five seconds."""
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)

    def __post_init__(self) -> None:
        """Refuse custody beside the data that it protects."""
        if self.witnesses and not self.log_origin:
            raise ValueError("log_origin: the name of the log that the witnesses are asked about is missing")
        if self.swap not in {each.value for each in Swap}:
            raise ValueError(f"swap: {self.swap!r} must be refuse or warn")
        database = sa.make_url(self.database_url).database
        if not self.database_url.startswith("sqlite") or database is None:
            return
        state = Path(database).resolve().parent
        for name, path in (("file", self.custody.file), ("pin_file", self.custody.pin_file)):
            if path is not None and path.resolve().is_relative_to(state):
                raise ValueError(
                    f"custody: {name} must lie outside the database's folder: one theft would take both"
                )
