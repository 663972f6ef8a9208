"""Where the measured audit service lives: its home, its configuration, and the loads on it."""

import json
import os
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.audit.config import AuditConfig
from services.chassis.config import load
from services.chassis.settings import TlsSettings
from tests.fakes.workloads import Workloads
from tests.load.kms.generator import TOKEN
from tests.load.loads import run_load
from tests.load.measured_process import MeasuredProcess, free_target, tls_table

ORIGIN = "bench.example/log"


class MeasuredAudit(MeasuredProcess):
    """One audit service."""

    def __init__(self, home: Path, workloads: Workloads, auth: str, kms: str) -> None:
        """Write its configuration below `home`; nothing is started. `auth` and `kms` are host:port."""
        (home / "state").mkdir(parents=True)
        self.state = home / "state"
        target = free_target()
        tables: Mapping[str, Mapping[str, str]] = {
            "server": {"name": "audit", "listen": target, "metrics_listen": ""},
            "tls": tls_table(workloads.tls("service/audit")),
            "auth": {"target": auth, "name": "auth"},
            "kms": {"target": kms, "name": "kms"},
            "log": {"origin": ORIGIN, "folder": f"{self.state}/log"},
            "audit": {"spool_dir": f"{self.state}/audit-spool"},
            "audit.service": {"target": target, "name": "audit"},
        }
        lines = [f'database_url = "sqlite:///{self.state}/audit.sqlite"']
        for name, table in tables.items():
            lines += ["", f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
        super().__init__(home, "services.audit", "audit", target, "\n".join([*lines, ""]))

    @property
    def config(self) -> AuditConfig:
        """What it is configured with."""
        return load(self.file, AuditConfig)

    def disk_bytes(self) -> int:
        """What lies on the disk for it."""
        files = (each.lstat() for each in self.state.rglob("*"))
        return sum(each.st_blocks * 512 for each in files)


@dataclass(frozen=True, slots=True)
class Run:
    """What one load came to."""

    requests: int
    events: int
    errors: int
    error: str
    seconds: float
    p50_us: float
    p99_us: float
    load_cpu_s: float
    cpu_s: float
    """Of the measured process."""

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds

    @property
    def events_per_second(self) -> float:
        """Events that they told of."""
        return self.events / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU of the measured process for one request, microseconds."""
        return self.cpu_s / max(self.requests, 1) * 1e6

    @property
    def load_cpu_us(self) -> float:
        """CPU of the load for one request, microseconds."""
        return self.load_cpu_s / max(self.requests, 1) * 1e6


def median(runs: Sequence[Run], name: str) -> float:
    """Return the median over rounds of one of their figures."""
    return float(statistics.median(getattr(run, name) for run in runs))


def errors(runs: Sequence[Run]) -> str:
    """Return how many answers were none, with one reason."""
    reason = next((run.error for run in runs if run.error), "")
    return f"{sum(run.errors for run in runs)} {reason}".strip()


def measure(
    on: MeasuredProcess,
    service: str,
    askings: Iterable[str],
    in_flight: int,
    seconds: float,
    caller: TlsSettings,
    *,
    events: int = 1,
    token: str = "",
) -> Mapping[str, Run]:
    """Run loads on `service` one after the other; `events` are those that its log was made with.

    Raises RuntimeError.
    """
    names = list(askings)
    command = [
        *(sys.executable, "-m", "tests.load.audit.generator", "--target", on.target, "--service", service),
        *("--tls", str(caller.certificate.parent), "--pid", str(on.pid), "--events", str(events)),
        *("--in-flight", str(in_flight), "--seconds", str(seconds)),
        *(f"--asking={name}" for name in names),
    ]
    print(f"audit: {', '.join(names)}", file=sys.stderr, flush=True)
    found, _, _ = run_load(command, {**os.environ, TOKEN: token}, seconds * len(names), lambda: None)
    return {name: Run(**found[name]) for name in names}
