"""A real redis-server for tests: TLS on a free port, with the access-control lists of the local stack."""

import dataclasses
import hashlib
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from deploy.local.redis import _CONNECTION, _ROLES
from services.chassis.settings import RedisSettings
from tests.fakes.ports import free_port, until_listening
from tests.fakes.workloads import Workloads


class RedisServer:
    """Started and stopped by the test; it writes nothing to disk."""

    def __init__(
        self,
        folder: Path,
        workloads: Workloads,
        role: str = "signatures",
        others: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Give the account `edge` a role, and `others` by their names."""
        self._folder = folder
        self._tls = workloads.tls("service/redis")
        self._process: subprocess.Popen[bytes] | None = None
        password = folder / "redis-password"
        password.write_text("test-password")
        digest = hashlib.sha256(b"test-password").hexdigest()
        port = free_port()
        self.settings = RedisSettings("127.0.0.1", port, "edge", password, self._tls.ca)
        lines = [
            "bind 127.0.0.1",
            "port 0",
            f"tls-port {port}",
            f"tls-cert-file {self._tls.certificate}",
            f"tls-key-file {self._tls.private_key}",
            f"tls-ca-cert-file {self._tls.ca}",
            "tls-protocols TLSv1.3",
            "tls-auth-clients no",
            'save ""',
            f"dir {folder}",
            "user default off resetpass -@all",
            *(
                f"user {name} on #{digest} resetchannels -@all {_CONNECTION} {_ROLES[each]}"
                for name, each in {"edge": role, **others}.items()
            ),
        ]
        self._configuration = folder / "redis.conf"
        self._configuration.write_text("\n".join(lines) + "\n")

    def settings_of(self, account: str) -> RedisSettings:
        """Return how another account reaches it."""
        return dataclasses.replace(self.settings, username=account)

    def start(self) -> None:
        """Start and wait until it listens."""
        self._process = subprocess.Popen(
            ["redis-server", str(self._configuration)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
        )
        until_listening(self._process, self.settings.port)

    def kill(self) -> None:
        """End it at once: everything it held is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Let it answer nobody, with every connection open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def recover(self) -> None:
        """Let it go on after `hang`, with all that it held."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
