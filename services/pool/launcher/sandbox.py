"""One run of the sandbox: started, watched, stopped; never left behind."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO

from services.chassis.triton import SOCKET_NAME
from services.pool.config import PoolConfig
from services.pool.handover import sealed_memory
from services.pool.launcher import command as commands
from services.pool.launcher.cgroups import Cgroup
from services.pool.launcher.errors import LauncherError
from services.pool.launcher.folders import read_as
from services.pool.launcher.inspection import hide_argument, inspect, is_socket
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


@dataclass(frozen=True, slots=True)
class Found:
    """Where the model server of a sandbox is, before it was looked at closely."""

    pid: int
    pid_namespace: int
    folder: str
    """Folder of its socket, as the launcher reaches it."""


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
        """Begin to start; `poll` tells when it runs. Raises LauncherError when a part is missing."""
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
            content = read_as(self._config.users.agent, path, root=self._root)
            files.append(sealed_memory("tls", [content]))
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
            commands.unprivileged(caged, self._uid, root=self._root),
            # bwrap shows its own environment inside as that of process 1: it gets none.
            {"PATH": "/usr/bin:/usr/sbin"},
            (filter_fd, info_end, *files),
        )

    def _popen(
        self, arguments: list[str], environment: Mapping[str, str], descriptors: tuple[int, ...] = ()
    ) -> "subprocess.Popen[bytes]":
        def before_exec() -> None:
            # The model server's socket must let the runtime's uid connect.
            os.umask(0)
            if self._cgroup is not None:
                self._cgroup.join()

        try:
            process = subprocess.Popen(
                arguments,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=descriptors,
                preexec_fn=before_exec,  # safe: the launcher has one thread
                cwd="/",
                start_new_session=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise LauncherError(f"the sandbox cannot be started: {error}") from error
        # A bwrap that has ended by now has said why; `poll` reads that.
        with contextlib.suppress(BrokenPipeError), _pipe_of(process.stdin) as pipe:
            pipe.write(self._secret.encode() + b"\n")
        os.set_blocking(_pipe_of(process.stdout).fileno(), False)
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
        found = self._locate()
        if found is None or not is_socket(f"{found.folder}/{SOCKET_NAME}"):
            return False
        self._inner = os.pidfd_open(found.pid)
        self._verify(found)
        hide_argument(found.pid, self._secret.encode())
        directory = os.open(found.folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self.running = Running(found.pid, found.pid_namespace, self._secret, directory)
        return True

    def _locate(self) -> "Found | None":
        """Return what bwrap reported, once it has."""
        with contextlib.suppress(BlockingIOError):
            self._info_text += os.read(self._info, 4096)
        try:
            info = json.loads(self._info_text)
        except ValueError:
            return None
        pid = int(info["child-pid"])
        return Found(pid, int(info["pid-namespace"]), f"/proc/{pid}/root{commands.GRPC_DIR}")

    def _verify(self, found: "Found") -> None:
        """Hold the model server against what the kernel says of it. Raises LauncherError."""
        facts = inspect(found.pid)
        if not facts.confined(found.pid_namespace):
            raise LauncherError("the model server is not confined")
        if facts.network_namespace == inspect(os.getpid()).network_namespace:
            raise LauncherError("the model server is in the host's network namespace")
        if self._cgroup is not None and found.pid not in self._cgroup.processes():
            raise LauncherError("the model server is outside its control groups")

    def contains(self, pid: int) -> bool:
        """Whether `pid` is a confined process of this sandbox; False for anything doubtful."""
        if self.running is None or pid <= 0:
            return False
        try:
            return inspect(pid).confined(self.running.pid_namespace)
        except (OSError, KeyError, ValueError):
            return False

    def end(self, pid: int) -> None:
        """Kill one model process. The pid is held while it is looked at, so that it cannot change hands."""
        if self.running is None or pid in (self.running.pid, os.getpid()):
            return
        try:
            held = os.pidfd_open(pid)
        except (OSError, ValueError):
            return
        try:
            if self.contains(pid):
                signal.pidfd_send_signal(held, signal.SIGKILL)
        except ProcessLookupError:
            return
        finally:
            os.close(held)

    def stop(self) -> None:
        """Stop the model server and wait until nothing is left: politely, then by SIGKILL."""
        if self._process is None:
            return
        if self._inner is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._inner, signal.SIGTERM)
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
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._inner, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        if self._cgroup is not None:
            self._cgroup.kill()
        self._drain()
        self._forget()

    def _forget(self) -> None:
        if self._process is not None:
            _pipe_of(self._process.stdout).close()
        self._process = None
        if self._info >= 0:
            os.close(self._info)
            self._info = -1
        if self._inner is not None:
            os.close(self._inner)
            self._inner = None
        if self.running is not None:
            os.close(self.running.directory)
            self.running = None

    def _drain(self) -> None:
        """Read what the model server prints: kept until model code can run, thrown away from then on.

        A model could print its prompts; before the first model is loaded there is only bwrap and Triton.
        """
        if self._process is None:
            return
        output = _pipe_of(self._process.stdout).fileno()
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(output, 65536):
                if self.running is None:
                    self._output = (self._output + chunk)[:_OUTPUT_KEPT]

    def _explanation(self) -> str:
        text = self._output.decode(errors="replace").replace(self._secret, "***").strip()
        return text or "it said nothing"


def _pipe_of(pipe: IO[bytes] | None) -> IO[bytes]:
    """Return a pipe that Popen was asked for."""
    if pipe is None:
        raise LauncherError("the sandbox was started without its pipes")
    return pipe
