"""One run of the sandbox: started, watched, stopped; never left behind."""

import errno
import json
import os
import secrets
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.chassis.triton import SOCKET_NAME
from services.pool.config import PoolConfig
from services.pool.handover import sealed_memory
from services.pool.launcher import command as commands
from services.pool.launcher.cgroups import Cgroup
from services.pool.launcher.errors import LauncherError
from services.pool.launcher.inspection import hide_argument, inspect
from services.pool.launcher.seccomp import export_filter

_OUTPUT_KEPT = 16 * 1024
"""Bytes of the model server's first output that are kept to explain a start that failed."""


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox whose model server listens."""

    pid: int
    """The model server, in the launcher's pid namespace."""
    pid_namespace: int
    secret: str = field(repr=False)
    """Value of the header that opens the control calls."""
    directory: int
    """O_PATH descriptor of the folder of the model server's socket, owned by the sandbox object."""


class Sandbox:
    """Starts one model server in the cage that the configuration describes. Used by one thread, polled."""

    def __init__(
        self,
        config: PoolConfig,
        *,
        uid: int,
        root: bool,
        cgroup: Cgroup | None,
        system_calls: Callable[[], int] = export_filter,
    ) -> None:
        """Name the parts; `system_calls` gives a memfd of the filter."""
        self._config = config
        self._uid = uid
        self._root = root
        self._cgroup = cgroup
        self._system_calls = system_calls
        self._process: subprocess.Popen[bytes] | None = None
        self._inner: int | None = None
        self._info = -1
        self._info_text = b""
        self._output = b""
        self._secret = ""
        self._deadline = 0.0
        self.running: Running | None = None

    @property
    def alive(self) -> bool:
        """Whether anything was started that was not seen to end."""
        return self._process is not None

    def start(self) -> None:
        """Begin to start; `poll` tells when it runs. Raises LauncherError when a part of the cage is missing."""
        if self._process is not None:
            raise LauncherError("the sandbox runs already")
        self._secret = secrets.token_hex(32)
        self._deadline = time.monotonic() + self._config.sandbox.start_timeout_s
        self._output = self._info_text = b""
        opened: list[int] = []
        try:
            self._spawn(opened)
        finally:
            for descriptor in opened:
                os.close(descriptor)

    def _spawn(self, opened: list[int]) -> None:
        tls = self._config.triton.tls
        files = []
        for path in (tls.certificate, tls.private_key, tls.ca):
            try:
                files.append(sealed_memory("tls", [path.read_bytes()]))
            except OSError as error:
                raise LauncherError(f"a file of the model server's identity is missing: {path}") from error
            opened.append(files[-1])
            os.lseek(files[-1], 0, os.SEEK_SET)
        self._info, info_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        opened.append(info_end)
        filter_fd = self._system_calls()
        opened.append(filter_fd)
        server = commands.tritonserver(self._config, commands.Paths())
        descriptors = commands.Descriptors(filter_fd, info_end, *files)
        caged = commands.bubblewrap(self._config, descriptors, server)
        self._process = self._popen(
            commands.unprivileged(caged, self._uid, root=self._root), (filter_fd, info_end, *files)
        )

    def _popen(self, arguments: list[str], descriptors: tuple[int, ...]) -> "subprocess.Popen[bytes]":
        def before_exec() -> None:
            # The model server's socket must let the runtime's uid connect.
            os.umask(0)
            if self._cgroup is not None:
                self._cgroup.join()

        try:
            process = subprocess.Popen(
                arguments,
                # bwrap shows its own environment inside as that of process 1: it gets none.
                env={"PATH": "/usr/bin:/usr/sbin"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=descriptors,
                preexec_fn=before_exec,  # noqa: PLW1509 - the launcher has one thread
                cwd="/",
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise LauncherError(f"the sandbox cannot be started: {error}") from error
        assert process.stdin is not None
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        process.stdin.write(self._secret.encode() + b"\n")
        process.stdin.close()
        return process

    def poll(self) -> bool:
        """Look once; True when the state has changed: `running` was set, or the sandbox has ended.

        Raises LauncherError when the start failed; everything is killed then.
        """
        if self._process is None:
            return False
        self._drain()
        if self._process.poll() is not None:
            started, code = self.running is not None, self._process.returncode
            self._forget()
            if not started:
                raise LauncherError(
                    f"the sandbox ended while it was started (status {code}): {self._explanation()}"
                )
            return True
        if self.running is not None:
            return False
        try:
            return self._advance()
        except (OSError, ValueError, LauncherError) as error:
            self.kill()
            raise LauncherError(f"the sandbox is not as it must be: {error}") from error

    def _advance(self) -> bool:
        if time.monotonic() > self._deadline:
            raise LauncherError(f"the model server did not listen in time: {self._explanation()}")
        info = self._read_info()
        if info is None:
            return False
        pid = int(info["child-pid"])
        folder = f"/proc/{pid}/root{commands.GRPC_DIR}"
        try:
            mode = os.stat(f"{folder}/{SOCKET_NAME}", follow_symlinks=False).st_mode
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESRCH):
                return False
            raise
        if not stat.S_ISSOCK(mode):
            raise LauncherError("the model server's socket is no socket")
        self._inner = os.pidfd_open(pid)
        facts = inspect(pid)
        if not facts.confined(int(info["pid-namespace"])):
            raise LauncherError("the model server is not confined")
        if facts.network_namespace == os.stat("/proc/self/ns/net").st_ino:
            raise LauncherError("the model server is in the host's network namespace")
        if self._cgroup is not None and pid not in self._cgroup.processes():
            raise LauncherError("the model server is outside its control groups")
        hide_argument(pid, self._secret.encode())
        directory = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self.running = Running(pid, facts.pid_namespace, self._secret, directory)
        return True

    def stop(self) -> None:
        """Stop the model server and wait until nothing is left: politely, then by SIGKILL."""
        if self._process is None:
            return
        if self._inner is not None:
            try:
                signal.pidfd_send_signal(self._inner, signal.SIGTERM)
            except ProcessLookupError:
                pass
            deadline = time.monotonic() + self._config.sandbox.stop_timeout_s
            while self._process.poll() is None and time.monotonic() < deadline:
                self._drain()
                time.sleep(0.02)
        self.kill()

    def kill(self) -> None:
        """Kill everything inside at once. The end of process 1 of the pid namespace is the end of all."""
        if self._process is None:
            return
        if self._inner is not None:
            try:
                signal.pidfd_send_signal(self._inner, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._process.kill()
        self._process.wait()
        if self._cgroup is not None:
            self._cgroup.kill()
        self._drain()
        self._forget()

    def _forget(self) -> None:
        assert self._process is not None
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
        os.close(self._info)
        self._info = -1
        if self._inner is not None:
            os.close(self._inner)
            self._inner = None
        if self.running is not None:
            os.close(self.running.directory)
            self.running = None

    def _read_info(self) -> dict[str, Any] | None:
        try:
            self._info_text += os.read(self._info, 4096)
        except BlockingIOError:
            pass
        try:
            info: dict[str, Any] = json.loads(self._info_text)
        except ValueError:
            return None
        return info

    def _drain(self) -> None:
        """Read what the model server prints: kept until model code can run, thrown away from then on.

        A model could print its prompts; before the first model is loaded there is only bwrap and Triton.
        """
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            while chunk := os.read(self._process.stdout.fileno(), 65536):
                if self.running is None:
                    self._output = (self._output + chunk)[:_OUTPUT_KEPT]
        except BlockingIOError:
            pass

    def _explanation(self) -> str:
        text = self._output.decode(errors="replace").replace(self._secret, "***").strip()
        return text or "it said nothing"


def require(config: PoolConfig) -> None:
    """Check that the parts of the cage are there. Raises LauncherError naming what would provide the missing one."""
    for tool, package in (("bwrap", "bubblewrap"), ("setpriv", "util-linux"), ("prlimit", "util-linux")):
        if not Path("/usr/bin", tool).exists():
            raise LauncherError(f"{tool} is missing: apt-get install {package}")
    for path in (
        config.triton.binary,
        config.triton.backends,
        config.sandbox.environment,
        *config.sandbox.code,
    ):
        if not path.exists():
            raise LauncherError(f"the sandbox needs {path}, which does not exist")
    os.close(export_filter())
