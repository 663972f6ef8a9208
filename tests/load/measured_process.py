"""One measured service, as a process of its own: started, looked at, ended."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.chassis.server import Server
from services.chassis.settings import TlsSettings
from services.chassis.tls import channel_credentials

ROOT = Path(__file__).resolve().parents[2]
_STARTS_WITHIN_S = 300.0
_STOPS_WITHIN_S = 30.0


class MeasuredProcess:
    """A module that is run with `--config`, in a home of its own."""

    def __init__(self, home: Path, module: str, name: str, target: str, configuration: str) -> None:
        """Write `configuration` (TOML) into `home`, which exists; nothing is started.

        `name` is the service that answers at `target` (host:port).
        """
        self._home = home
        self._module = module
        self._name = name
        self.target = target
        self.file = home / f"{name}.toml"
        self.file.write_text(configuration)
        self._process: subprocess.Popen[bytes] | None = None
        self.started_s = 0.0
        """From its start to the first answer that it serves, seconds."""

    def start(self, operator: TlsSettings) -> None:
        """Start it, and wait until it says to `operator` that it serves. Raises RuntimeError."""
        command = [sys.executable, "-m", self._module, "--config", str(self.file)]
        began = time.monotonic()
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        while not _serving(self.target, self._name, operator):
            if self._process.poll() is not None or time.monotonic() - began > _STARTS_WITHIN_S:
                raise RuntimeError(
                    f"{self._module} did not start: {(self._home / 'log').read_text()[-2000:]}"
                )
            time.sleep(0.02)
        self.started_s = time.monotonic() - began

    def cpu_seconds(self) -> float:
        """User + system seconds so far."""
        times = psutil.Process(self.pid).cpu_times()
        return times.user + times.system

    def memory_bytes(self) -> int:
        """Resident memory."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOPS_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    @property
    def pid(self) -> int:
        """Its process id. Raises RuntimeError before it was started."""
        if self._process is None:
            raise RuntimeError(f"{self._module} was not started")
        return self._process.pid


def _serving(target: str, name: str, operator: TlsSettings) -> bool:
    options = [
        ("grpc.ssl_target_name_override", f"{name}.craton.internal"),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    with grpc.secure_channel(target, channel_credentials(operator), options=options) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def free_target() -> str:
    """Return an address (host:port) at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


def tls_table(tls: TlsSettings) -> Mapping[str, str]:
    """Return the table "tls" of a configuration."""
    return {"certificate": str(tls.certificate), "private_key": str(tls.private_key), "ca": str(tls.ca)}


@contextlib.contextmanager
def in_a_thread(server: Server) -> Iterator[None]:
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
