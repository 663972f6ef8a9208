"""The place of a measurement: certificates, a small auth and a small audit service, loads as processes."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from services.chassis.settings import TlsSettings
from tests.fakes.audit_server import FakeAudit
from tests.fakes.auth_server import FakeAuth
from tests.fakes.workloads import Workloads
from tests.load.kms.estate import USER, USER_ARN, USER_ID, Beside, Measured, user_policy
from tests.load.kms.generator import TOKEN
from tests.load.loads import run_load
from tests.load.measured_process import in_a_thread

_CALLER = "operator/admin"
_LONGEST = timedelta(days=1)
"""No measurement takes longer: ten million events are made in hours."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one load came to."""

    requests: int
    errors: int
    error: str
    seconds: float
    p50_us: float
    p99_us: float
    cpu_s: float
    """Of the measured process."""

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU of the measured process for one request, microseconds."""
        return self.cpu_s / max(self.requests, 1) * 1e6


@dataclass(frozen=True, slots=True)
class Ask:
    """A load: what is asked, with which keys, how much of it."""

    asking: str
    keys: Path
    in_turn: int
    """How many keys are used in turn, 0 for all."""
    in_flight: int
    seconds: float
    warm_up: float = 1.0


class Site:
    """Everything but the measured processes."""

    def __init__(self, folder: Path, services: Sequence[str] = ("service/kms",)) -> None:
        """Make certificates below `folder`; `services` may ask auth."""
        self.folder = folder
        self.workloads = Workloads(folder / "pki", _LONGEST)
        self._auth = FakeAuth(folder, self.workloads, list(services))
        self._auth.policies[USER_ARN] = [user_policy()]
        self._audit = FakeAudit(folder, self.workloads)

    @property
    def operator(self) -> TlsSettings:
        """Certificate of whoever asks."""
        return self.workloads.tls(_CALLER)

    @contextlib.contextmanager
    def open(self) -> Iterator[Beside]:
        """Serve what the measured processes need, in threads of this process."""
        with in_a_thread(self._auth.server), in_a_thread(self._audit.server):
            yield Beside(f"127.0.0.1:{self._auth.server.port}", self._audit.target)

    def token(self) -> str:
        """Mint a token of the user's for kms."""
        return self._auth.token(USER, principal_id=USER_ID)

    def load(self, on: Measured, ask: Ask) -> Run:
        """Run one load and add what the measured process used meanwhile. Raises RuntimeError."""
        command = [
            *(sys.executable, "-m", "tests.load.kms.generator", "--target", on.target),
            *("--tls", str(self.operator.certificate.parent), "--keys", str(ask.keys)),
            *("--asking", ask.asking, "--in-turn", str(ask.in_turn), "--in-flight", str(ask.in_flight)),
            *("--seconds", str(ask.seconds), "--warm-up", str(ask.warm_up)),
        ]
        environment = {**os.environ, TOKEN: self.token()}
        found, before, after = run_load(command, environment, ask.seconds, on.cpu_seconds)
        return Run(**found, cpu_s=after - before)
