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

from services.chassis.settings import TlsSettings
from services.chassis.tls import channel_credentials
from tests.fakes.workloads import Workloads

ROOT = Path(__file__).resolve().parents[2]

_TEMPLATE = """
database_url = "sqlite:///{home}/state/kms.sqlite"
custody_file = "{home}/custody/root.key"

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
service = {{ target = "127.0.0.1:9", name = "audit" }}
"""


@contextlib.contextmanager
def running(home: Path, workloads: Workloads, target: str) -> Iterator[None]:
    """Run kms below `home`, listening on `target`."""
    (home / "state").mkdir()
    file = home / "kms.toml"
    file.write_text(_TEMPLATE.format(home=home, target=target, tls=workloads.tls("service/kms")))
    command = [sys.executable, "-m", "services.kms", "--config", str(file)]
    subprocess.run([*command, "--mark-first-boot"], cwd=ROOT, check=True)
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        host, port = target.split(":")
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
                break
            assert process.poll() is None, (home / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(20)


class ProviderKeys:
    """A provider's own view of its keys."""

    def __init__(self, target: str, tls: TlsSettings, provider: str) -> None:
        self._channel = grpc.secure_channel(
            target,
            channel_credentials(tls),
            options=[
                ("grpc.ssl_target_name_override", "kms.craton.internal"),
                ("grpc.use_local_subchannel_pool", 1),
            ],
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
