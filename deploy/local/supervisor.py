"""Start, ask and stop the supervisor (PyPI supervisor, driven over its UNIX socket)."""

import contextlib
import os
import signal
import subprocess
import time
import xmlrpc.client
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, cast

import psutil
from supervisor.xmlrpc import SupervisorTransport

from deploy.local.processes import descendants, leftovers, terminate
from deploy.local.programs import child_environment, supervisor_configuration
from deploy.local.stack import Stack
from deploy.local.view import enter, inside

_LONGEST_SOCKET_PATH = 100
"""UNIX socket paths end at 108 bytes; supervisord makes its socket under a longer temporary name."""
_STOP_LIMIT_S = 60.0
_STOPPED_FIRST = ("edge",)
"""Nothing new comes in; what is under way ends while everything that it needs still runs."""
_STOPPED_LAST = (("audit",), ("kms", "redis"))
"""What the others need while they drain, in this order: audit's last checkpoint is signed by kms."""


class StackError(Exception):
    """The stack cannot be started or stopped; the message says what to do."""


class Supervisor:
    """The supervisor of one stack, running or not."""

    def __init__(self, stack: Stack) -> None:
        """Name the stack; nothing is started."""
        self._stack = stack
        self._seen = inside(stack)

    def running(self) -> bool:
        """Tell whether a supervisor answers on the control socket.

        Raises PermissionError when the socket is another user's.
        """
        return self._pid() is not None

    def address(self) -> str | None:
        """Return the loopback address that the running programs listen on; None when nothing runs."""
        pid = self._pid()
        try:
            return None if pid is None else psutil.Process(pid).environ().get("CRATON_ADDRESS")
        except psutil.Error:
            return None

    def start(self) -> None:
        """Start supervisord detached from this process. Raises StackError when it does not come up."""
        configuration = self._stack.home / "run/supervisord.conf"
        configuration.write_text(supervisor_configuration(self._stack, self._seen))
        if len(str(self._stack.control_socket)) > _LONGEST_SOCKET_PATH:
            raise StackError(
                f"the path {self._stack.home} is too long for UNIX sockets: set CRATON_HOME to a shorter one"
            )
        self._stack.control_socket.unlink(missing_ok=True)
        command = [str(self._stack.python()), "-m", "supervisor.supervisord", "-n", "-c", str(configuration)]
        log = self._stack.logs / "supervisord.out"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*enter(self._stack, self._seen), *command],
                cwd=self._stack.root,
                env=child_environment(self._stack, self._seen),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            if self.running():
                return
            time.sleep(0.05)
        raise StackError(f"the supervisor did not start; its last words:\n{log.read_text()[-2000:]}")

    def programs(self) -> list[dict[str, Any]]:
        """Return supervisord's view of every program: name, statename, pid, start, exitstatus, …"""
        return cast(list[dict[str, Any]], self._call("getAllProcessInfo"))

    def restart(self, program: str) -> None:
        """Stop and start one program."""
        self._call("stopProcess", program)
        self._call("startProcess", program)

    def stop_program(self, program: str) -> None:
        """Stop one program, and return when it has ended."""
        self._call("stopProcess", program)

    def start_program(self, program: str) -> None:
        """Start a program that gave up or was stopped."""
        self._call("startProcess", program, False)

    def stop(self, progress: Callable[[str], None] = lambda _line: None) -> None:
        """Stop every program and the supervisor; then make sure that nothing is left."""
        pid = self._pid()
        family: list[psutil.Process] = []
        if pid is not None:
            # Sandboxes have an empty environment: without their parents nothing tells them from others.
            family = descendants(pid)
            names = [str(info["name"]) for info in self._programs_or_none()]
            last = {name for those in _STOPPED_LAST for name in those}
            for those in (_STOPPED_FIRST, {*names} - last, *_STOPPED_LAST):
                self._stop_programs([name for name in names if name in those], progress)
            try:
                self._call("shutdown")
            except (OSError, xmlrpc.client.Error):
                os.kill(pid, signal.SIGTERM)
            self._wait_for_end(pid, progress)
        terminate([*leftovers(self._stack), *(process for process in family if process.is_running())])
        for path in self._sockets():
            path.unlink(missing_ok=True)

    def _stop_programs(self, names: Collection[str], progress: Callable[[str], None]) -> None:
        """Stop programs at the same time: the supervisor's own way is one after the other."""
        deadline = time.monotonic() + _STOP_LIMIT_S
        for info in self._programs_or_none():
            if info["pid"] and info["name"] in names:
                # A program that ends by itself at this moment is a fault to the supervisor, and fine here.
                with contextlib.suppress(xmlrpc.client.Fault):
                    self._call("stopProcess", info["name"], False)
        while time.monotonic() < deadline:
            running = [
                info["name"] for info in self._programs_or_none() if info["pid"] and info["name"] in names
            ]
            if not running:
                return
            progress(", ".join(running))
            time.sleep(0.05)

    def _wait_for_end(self, pid: int, progress: Callable[[str], None]) -> None:
        deadline = time.monotonic() + _STOP_LIMIT_S
        while _alive(pid) and time.monotonic() < deadline:
            progress("the supervisor")
            time.sleep(0.05)

    def _programs_or_none(self) -> list[dict[str, Any]]:
        try:
            return self.programs()
        except (OSError, xmlrpc.client.Fault, xmlrpc.client.ProtocolError):
            return []

    def _sockets(self) -> list[Path]:
        return [path for path in (self._stack.home / "run").rglob("*") if path.is_socket()]

    def _pid(self) -> int | None:
        try:
            return int(self._call("getPID"))
        except PermissionError:
            # Somebody's stack runs here: "nothing runs" would be wrong.
            raise
        except (OSError, xmlrpc.client.Error):
            return None

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._stack.control_socket}")
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
