"""A real key service as a process of its own, with its own state."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from craton.kms.v1 import key_admin_service_pb2, key_admin_service_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.chassis.settings import TlsSettings
from services.chassis.tls import channel_credentials
from services.kms.adapters.first_boot import mark_first_boot
from tests.fakes.another_user import as_user
from tests.fakes.audit_server import FakeAudit
from tests.fakes.workloads import Workloads

ROOT = Path(__file__).resolve().parents[2]

_OPTIONS = [("grpc.ssl_target_name_override", "kms.craton.internal"), ("grpc.use_local_subchannel_pool", 1)]

_TEMPLATE = """
database_url = "sqlite:///{home}/state/kms.sqlite"
swap = "warn"

[custody]
file = "{home}/custody/root.key"

[server]
name = "kms"
listen = "{target}"
metrics_listen = ""

[tls]
certificate = "{tls.certificate}"
private_key = "{tls.private_key}"
ca = "{tls.ca}"

[auth]
target = "127.0.0.1:9"
name = "auth"

[audit]
spool_dir = "{home}/state/audit-spool"
service = {{ target = "{audit}", name = "audit" }}
"""


def template(home: Path, workloads: Workloads, target: str, audit: str) -> str:
    """Return the configuration of a kms below `home`."""
    return _TEMPLATE.format(home=home, target=target, tls=workloads.tls("service/kms"), audit=audit)


@contextlib.contextmanager
def running(
    home: Path, workloads: Workloads, target: str, uid: int | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run kms below `home`, listening on `target`, perhaps under a uid of its own; yield its process."""
    (home / "state").mkdir()
    audit = FakeAudit(home, workloads)
    with audit.in_a_thread():
        yield from _running(home, workloads, target, audit.target, uid)


def _running(
    home: Path, workloads: Workloads, target: str, audit: str, uid: int | None
) -> Iterator["subprocess.Popen[bytes]"]:
    file = home / "kms.toml"
    file.write_text(template(home, workloads, target, audit))
    command = [sys.executable, "-m", "services.kms", "--config", str(file)]
    mark_first_boot(home / "custody" / "root.key")
    if uid is not None:
        own(home, uid)
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            command if uid is None else [*as_user(uid), *command],
            # Where it may write: a core file would lie here.
            cwd=home,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 30
        while not _serves(target, workloads):
            assert process.poll() is None, (home / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _serves(target: str, workloads: Workloads) -> bool:
    """Say whether kms listens, and its store is open."""
    credentials = channel_credentials(workloads.tls("operator/admin"))
    with grpc.secure_channel(target, credentials, options=_OPTIONS) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = health.Check(health_pb2.HealthCheckRequest(), timeout=2)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


class ProviderKeys:
    """A provider's own view of its keys."""

    def __init__(self, target: str, tls: TlsSettings, provider: str) -> None:
        self._channel = grpc.secure_channel(
            target,
            channel_credentials(tls),
            options=_OPTIONS,
        )
        self._stub: Any = key_admin_service_pb2_grpc.KeyAdminServiceStub(self._channel)
        self._parent = f"providers/{provider}"

    def create(self) -> str:
        """Make a key and return its name."""
        request = key_admin_service_pb2.CreateKeyRequest(parent=self._parent, description="weights")
        return str(self._stub.CreateKey(request, timeout=10).key.name)

    def disable(self, name: str) -> None:
        """Disable a key."""
        self._stub.DisableKey(key_admin_service_pb2.DisableKeyRequest(name=name), timeout=10)

    def enable(self, name: str) -> None:
        """Enable it again."""
        self._stub.EnableKey(key_admin_service_pb2.EnableKeyRequest(name=name), timeout=10)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


def free_target() -> str:
    """Return a loopback address that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


def own(path: Path, uid: int) -> None:
    """Give a tree to `uid`, when that is possible."""
    if os.geteuid() == 0:
        for each in (path, *path.rglob("*")):
            os.chown(each, uid, uid)
