"""Configuration of one escrow pool: the launcher and the agent read the same file."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from services.chassis.settings import (
    AuditSettings,
    ServerSettings,
    TelemetrySettings,
    TlsSettings,
    UpstreamSettings,
)
from services.pool.domain.key_bounds import MODEL_OUTLIVES_KEY_S, outlives_key_s
from services.pool.handover import SOCKET_IN_SANDBOX

ISOLATIONS = ("full", "none")


@dataclass(frozen=True, slots=True)
class Users:
    """Numeric uids (and gids) that the launcher gives away when it runs as root.

    Without root everything runs under the one uid of whoever started it, and these are not used.
    """

    agent: int
    sandbox: int
    runtime: int
    """Who may ask at the door for the model server's socket."""


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """The cage that the model server and the model processes run in."""

    environment: Path
    """Virtual environment of the models, made with the distribution's Python."""
    code: tuple[Path, ...]
    """Files and folders of Craton's own code, bound read-only."""
    python_path: tuple[Path, ...]
    """Entries of sys.path that make this code importable."""
    isolation: str = "full"
    """"full", or "none" for development: then nothing keeps model code from the network and the disk."""
    memory_bytes: int = 3 * 1024**3
    """Cap of all memory of the sandbox, shared memory and /tmp included."""
    processes: int = 1024
    """Cap of processes and threads."""
    shm_bytes: int = 256 * 1024**2
    tmp_bytes: int = 64 * 1024**2
    start_timeout_s: float = 30.0
    stop_timeout_s: float = 5.0

    def __post_init__(self) -> None:
        """Refuse an isolation that does not exist: a typing error must never mean "none"."""
        if self.isolation not in ISOLATIONS:
            raise ValueError(f"sandbox.isolation must be one of {', '.join(ISOLATIONS)}")


@dataclass(frozen=True, slots=True)
class TritonSettings:
    """The model server."""

    binary: Path
    backends: Path
    """Folder that holds python/libtriton_python.so and its stub."""
    folders: tuple[Path, ...]
    """Folders of the server's files, bound read-only."""
    tls: TlsSettings
    """Certificate of the model server, from the pool's own CA; the agent's client certificate as well."""
    server_name: str
    """DNS SAN of that certificate, for example "triton-craton.craton.internal"."""


@dataclass(frozen=True, slots=True)
class WatchdogSettings:
    """How the agent notices and repairs what broke. Seconds."""

    period_s: float = 3.0
    """Between two inferences of the watchdog with one model."""
    timeout_s: float = 5.0
    """After which one inference counts as failed."""
    failures: int = 2
    """Failed inferences in a row after which the model is loaded again."""
    first_delay_s: float = 0.2
    """Wait before the first retry of a load or a restart; doubles with each further one."""
    longest_delay_s: float = 15.0
    restarts: int = 20
    """Restarts of the sandbox within `restarts_window_s` after which the agent gives up and ends."""
    restarts_window_s: float = 600.0
    load_timeout_s: float = 300.0
    key_period_s: float = 5.0
    """Between two questions to the key service whether the models in memory may go on."""
    key_grace_s: float = 25.0
    """How long after its last yes models go on while the key service says nothing."""

    def __post_init__(self) -> None:
        """Refuse what would keep a model in memory longer than a minute after the end of its key."""
        if self.key_period_s <= 0 or self.key_grace_s <= 0:
            raise ValueError("watchdog.key_period_s and watchdog.key_grace_s must be above zero")
        longest = outlives_key_s(self.key_period_s, self.key_grace_s, self.timeout_s)
        if longest > MODEL_OUTLIVES_KEY_S:
            raise ValueError(
                "watchdog: with this key_period_s, key_grace_s and timeout_s a model could outlive its key "
                f"by {longest:.0f} s; {MODEL_OUTLIVES_KEY_S:.0f} s are promised"
            )


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """Everything deploy/config/pool-<name>.toml says."""

    provider: str
    """Provider whose models this pool runs; the pool carries the same name."""
    run_dir: Path
    """Sockets and the generated model repository; nothing in it is secret."""
    catalog: Path
    objects: str
    """URL of the object store with the sealed files."""
    server: ServerSettings
    tls: TlsSettings
    audit: AuditSettings
    kms: UpstreamSettings
    users: Users
    sandbox: SandboxSettings
    triton: TritonSettings
    watchdog: WatchdogSettings = field(default_factory=WatchdogSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)

    @property
    def repository(self) -> Path:
        """The generated model repository, bound read-only into the sandbox."""
        return self.run_dir / "repository"

    @property
    def handover_dir(self) -> Path:
        """Folder of the handover socket, bound read-only into the sandbox."""
        return self.run_dir / "handover"

    @property
    def door_socket(self) -> Path:
        """Where the runtime asks for the folder of the model server's socket."""
        return self.run_dir / "door.sock"

    @property
    def status_file(self) -> Path:
        """The launcher's word on how well the sandbox is closed (JSON)."""
        return self.run_dir / "isolation.json"

    @property
    def handover_socket(self) -> Path:
        """Where the agent listens for model processes."""
        return self.handover_dir / Path(SOCKET_IN_SANDBOX).name

    @property
    def handover_socket_for_models(self) -> str:
        """The same socket as the model processes see it."""
        return SOCKET_IN_SANDBOX if self.sandbox.isolation == "full" else str(self.handover_socket)

    def uids(self, *, separate: bool) -> Users:
        """Return the uids that are really used: one for everything unless root has given them away."""
        own = os.geteuid()
        return self.users if separate else Users(agent=own, sandbox=own, runtime=own)
