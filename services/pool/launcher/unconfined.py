"""A model server without a sandbox, for development on machines that forbid namespaces.

It is used only when the configuration says isolation = "none", and the pool's status says so. Model code can
then reach the network and the disk like any other program of its user.
"""

import contextlib
import os
import shutil
import signal

from services.pool.launcher import command as commands
from services.pool.launcher.folders import read_as
from services.pool.launcher.sandbox import Found, Sandbox


class UnconfinedServer(Sandbox):
    """Starts the same model server in the open."""

    def _spawn(self, opened: list[int]) -> None:
        del opened
        folder = self._config.run_dir / "unconfined"
        shutil.rmtree(folder, ignore_errors=True)
        paths = commands.Paths(grpc=str(folder / "grpc"), tls=str(folder / "tls"))
        tls = self._config.triton.tls
        for each in (folder, folder / "grpc", folder / "tls"):
            each.mkdir()
            each.chmod(0o700 if each.name == "tls" else 0o755)
            if self._root:
                os.chown(each, self._uid, self._uid)
        for source, name in (
            (tls.certificate, "server.crt"),
            (tls.private_key, "server.key"),
            (tls.ca, "ca.crt"),
        ):
            target = folder / "tls" / name
            target.touch(mode=0o600)
            target.write_bytes(read_as(self._config.users.agent, source, root=self._root))
            target.chmod(0o400)
            if self._root:
                os.chown(target, self._uid, self._uid)
        self._process = self._popen(
            commands.unprivileged(
                commands.tritonserver(self._config, paths), self._uid, root=self._root, die_with_parent=True
            ),
            commands.variables(self._config),
        )

    def _locate(self) -> Found | None:
        # prlimit, setpriv and the shell each replace themselves: the process stays the same.
        if self._process is None:
            return None
        return Found(self._process.pid, 0, str(self._config.run_dir / "unconfined" / "grpc"))

    def _verify(self, found: Found) -> None:
        """There is nothing to hold it against."""

    def kill(self) -> None:
        """Kill the model server's whole session: no pid namespace ends its model processes with it."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        super().kill()

    def contains(self, pid: int) -> bool:
        """Believe every process of the server's session: there is nothing else to go by."""
        try:
            return self._process is not None and pid > 0 and os.getsid(pid) == self._process.pid
        except OSError:
            return False
