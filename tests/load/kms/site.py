"""The place of a measurement: certificates, a small auth and a small audit service, loads as processes."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.chassis.server import Server
from services.chassis.settings import TlsSettings
from tests.fakes.audit_server import FakeAudit
from tests.fakes.auth_server import FakeAuth
from tests.fakes.workloads import Workloads
from tests.load.kms.estate import ROOT, USER, USER_ARN, USER_ID, Beside, Measured, user_policy
from tests.load.kms.generator import TOKEN

_CALLER = "operator/admin"


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

    def __init__(self, folder: Path) -> None:
        """Make certificates below `folder`."""
        self.folder = folder
        self.workloads = Workloads(folder / "pki")
        self._auth = FakeAuth(folder, self.workloads, ["service/kms"])
        self._auth.policies[USER_ARN] = [user_policy()]
        self._audit = FakeAudit(folder, self.workloads)

    @property
    def operator(self) -> TlsSettings:
        """Certificate of whoever asks."""
        return self.workloads.tls(_CALLER)

    @contextlib.contextmanager
    def open(self) -> Iterator[Beside]:
        """Serve what the measured processes need, in threads of this process."""
        with _in_a_thread(self._auth.server), _in_a_thread(self._audit.server):
            yield Beside(f"127.0.0.1:{self._auth.server.port}", self._audit.target)

    def load(self, on: Measured, ask: Ask) -> Run:
        """Run one load and add what the measured process used meanwhile. Raises RuntimeError."""
        command = [
            *(sys.executable, "-m", "tests.load.kms.generator", "--target", on.target),
            *("--tls", str(self.operator.certificate.parent), "--keys", str(ask.keys)),
            *("--asking", ask.asking, "--in-turn", str(ask.in_turn), "--in-flight", str(ask.in_flight)),
            *("--seconds", str(ask.seconds), "--warm-up", str(ask.warm_up)),
        ]
        environment = {**os.environ, TOKEN: self._auth.token(USER, principal_id=USER_ID)}
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        if process.stdout.readline().strip() != "GO":
            raise RuntimeError(f"the load did not start: {process.communicate()[1][-2000:]}")
        before = on.cpu_seconds()
        out, errors = process.communicate(timeout=ask.seconds + 120)
        cpu_s = on.cpu_seconds() - before
        if process.returncode != 0:
            raise RuntimeError(f"the load failed: {errors[-2000:]}")
        return Run(**json.loads(out.strip().splitlines()[-1]), cpu_s=cpu_s)


@contextlib.contextmanager
def _in_a_thread(server: Server) -> Iterator[None]:
    """Serve on an event loop of its own."""
    started, stopping, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        await server.start()
        started.set()
        await stopping.wait()
        await server.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    if not started.wait(20):
        raise RuntimeError(f"{server.settings.name} did not start")
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        loop.close()
