"""The launcher's loop: one agent, at most one sandbox, and the few words between them."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.chassis.logs import Log
from services.pool import control
from services.pool.config import PoolConfig
from services.pool.launcher import command
from services.pool.launcher.errors import LauncherError
from services.pool.launcher.sandbox import Sandbox

_log = Log("pool.launcher")
_STARTING_POLL_S = 0.02
_IDLE_POLL_S = 1.0
_AGENT_STOP_S = 8.0


class Supervisor:
    """Runs until the agent ends or somebody asks it to stop; leaves nothing behind either way."""

    def __init__(self, config: PoolConfig, config_file: Path, sandbox: Sandbox, *, root: bool) -> None:
        """Name the parts; `config_file` is what the agent is started with."""
        self._config = config
        self._config_file = config_file
        self._sandbox = sandbox
        self._root = root
        self._agent: subprocess.Popen[bytes] | None = None
        self._end: socket.socket | None = None
        self._starting: int | None = None
        self._stopping = False

    def run(self, environment: Mapping[str, str]) -> int:
        """Start the agent and serve it. Returns the exit status of the launcher."""
        wakeup, wakeup_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wakeup_end, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ask_to_stop())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            self._start_agent(environment)
            self._loop(wakeup)
        finally:
            self._end_everything()
        return 0 if self._stopping else 1

    def _ask_to_stop(self) -> None:
        self._stopping = True

    def _start_agent(self, environment: Mapping[str, str]) -> None:
        ours, theirs = control.pair()
        uid = self._config.users.agent if self._root else os.geteuid()
        arguments = [sys.executable, "-m", "services.pool", "--config", str(self._config_file)]
        arguments += ["--launcher", str(theirs.fileno())]
        if self._root:
            arguments.append("--separate-users")
        with theirs:
            self._agent = subprocess.Popen(
                command.unprivileged(arguments, uid, root=self._root, die_with_parent=True),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        self._end = ours
        _log.info("agent_started", pool=self._config.server.name, pid=self._agent.pid)

    def _loop(self, wakeup: int) -> None:
        end = self._end
        if end is None or self._agent is None:
            raise LauncherError("the agent was not started")
        poll = select.poll()
        for descriptor in (end.fileno(), wakeup):
            poll.register(descriptor, select.POLLIN)
        while not self._stopping:
            busy = self._sandbox.alive
            ready = dict(poll.poll((_STARTING_POLL_S if busy else _IDLE_POLL_S) * 1000))
            if wakeup in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(wakeup, 1024)
            if self._agent.poll() is not None:
                _log.error("agent_ended", pool=self._config.server.name, exit_status=self._agent.returncode)
                return
            if end.fileno() in ready and not self._serve(end):
                return
            self._watch(end)

    def _serve(self, end: socket.socket) -> bool:
        try:
            message, descriptor = control.receive(end)
        except (OSError, control.ControlError):
            return False
        if descriptor is not None:
            os.close(descriptor)
        number = message.get("id")
        if not isinstance(number, int):
            return False
        try:
            self._obey(number, message, end)
        except (LauncherError, OSError) as error:
            self._failed(number, error, end)
        return True

    def _obey(self, number: int, message: Mapping[str, Any], end: socket.socket) -> None:
        match message.get("do"):
            case "start":
                self._sandbox.start()
                self._starting = number
            case "stop":
                self._starting = None
                self._sandbox.stop()
                control.send(end, {"id": number, "ok": True})
            case "inspect":
                pid = message.get("pid")
                inside = isinstance(pid, int) and self._sandbox.contains(pid)
                control.send(end, {"id": number, "ok": True, "inside": inside})
            case "end":
                pid = message.get("pid")
                if isinstance(pid, int):
                    self._sandbox.end(pid)
                control.send(end, {"id": number, "ok": True})
            case _:
                control.send(end, {"id": number, "ok": False})

    def _watch(self, end: socket.socket) -> None:
        try:
            changed = self._sandbox.poll()
        except LauncherError as error:
            number, self._starting = self._starting, None
            if number is not None:
                self._failed(number, error, end)
            return
        if not changed:
            return
        running = self._sandbox.running
        if running is None:
            _log.warning("sandbox_ended", pool=self._config.server.name)
            control.send(end, {"event": "exited"})
        elif self._starting is not None:
            _log.info("sandbox_started", pool=self._config.server.name, pid=running.pid)
            answer = {"id": self._starting, "ok": True, "pid": running.pid, "secret": running.secret}
            control.send(end, {**answer, "pid_namespace": running.pid_namespace}, running.directory)
            self._starting = None

    def _failed(self, number: int, error: Exception, end: socket.socket) -> None:
        # The text is about this machine, and no model has run yet: the operator needs it.
        print(f"pool {self._config.server.name}: {error}", file=sys.stderr, flush=True)  # noqa: T201
        _log.error("sandbox_start_failed", pool=self._config.server.name)
        control.send(end, {"id": number, "ok": False})

    def _end_everything(self) -> None:
        # The agent first, while the model server still answers: it drains what it has begun.
        if self._agent is not None and self._agent.poll() is None:
            self._agent.terminate()
            deadline = time.monotonic() + _AGENT_STOP_S
            while self._agent.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            self._agent.kill()
            self._agent.wait()
        self._sandbox.stop()
        if self._end is not None:
            self._end.close()
