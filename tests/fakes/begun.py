"""Python programs that have their imports behind them.

Most of what a short program such as `craton keys list` or `aws kms encrypt` takes is the import of its
modules, a third of a second to a whole one. Tests run hundreds of them. Here a process imports the modules
once, and a copy of it, forked, becomes each program: as `python -m NAME` or `python FILE` would be, with
arguments, environment, folder and streams of its own. Tests of the start itself start a program themselves.

The process that is forked has no threads and opens nothing: it imports gRPC, but never calls it.

    python -m tests.fakes.begun DESCRIPTOR MODULE...
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

ROOT = Path(__file__).resolve().parents[2]
_MOST = 1 << 20


class Begun:
    """A process that has imported modules; programs run as copies of it, several at a time if need be."""

    def __init__(self, *modules: str) -> None:
        """Begin to import; returns at once."""
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # A program sends as much as it likes to its streams; only its arguments and environment come here.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fakes.begun", str(theirs.fileno()), *modules],
                cwd=ROOT,
                # `services`, which the tests have imported, has set these.
                env={name: value for name, value in os.environ.items() if not name.startswith("GRPC_")},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.end)

    def run(
        self,
        program: str,
        words: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path = ROOT,
        check: bool = False,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run a module, or a file if it has a slash, as subprocess.run does that captures text.

        Raises CalledProcessError with `check`, TimeoutExpired after `timeout` seconds.
        """
        with contextlib.ExitStack() as files:
            # Not pipes: nobody has to read them meanwhile.
            out, errors = (files.enter_context(tempfile.TemporaryFile()) for _ in range(2))
            reader, writer = os.pipe()
            status = files.enter_context(os.fdopen(reader, "rb"))
            request = json.dumps([program, [*words], dict(env), str(cwd)]).encode()
            try:
                socket.send_fds(self._socket, [request], [out.fileno(), errors.fileno(), writer])
            finally:
                os.close(writer)
            code = _status(status, [program, *words], timeout)
            out.seek(0)
            errors.seek(0)
            done = subprocess.CompletedProcess(
                [program, *words], code, out.read().decode(), errors.read().decode()
            )
        if check:
            done.check_returncode()
        return done

    def end(self) -> None:
        """End the process, when this one ends; programs that still run go on."""
        self._socket.close()
        self._process.wait(30)


def _status(status: BinaryIO, command: list[str], timeout: float) -> int:
    """Wait for a program's end and return how it ended, as subprocess has it."""
    pid = int(status.readline())
    with contextlib.suppress(ProcessLookupError):
        # A descriptor of the process, which cannot become another's.
        held = os.pidfd_open(pid)
        try:
            if not select.select([held], [], [], timeout)[0]:
                signal.pidfd_send_signal(held, signal.SIGKILL)
                raise subprocess.TimeoutExpired(command, timeout)
        finally:
            os.close(held)
    return int(status.readline())


@functools.cache
def craton() -> Begun:
    """Return the process whose copies become `craton`."""
    return Begun("cli.main", *sorted(f"cli.{each.stem}" for each in (ROOT / "cli").glob("[a-z]*.py")))


@functools.cache
def aws() -> Begun:
    """Return the process whose copies become the AWS CLI."""
    return Begun("awscli.clidriver", "awscli.handlers", "awscrt.auth")


AWS = str(Path(sys.executable).parent / "aws")


def main() -> None:
    """Import, then become what is asked for."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _MOST)
    gc.disable()
    before = dict(os.environ)
    for module in sys.argv[2:]:
        importlib.import_module(module)
    gc.freeze()
    gc.enable()
    # Some modules tell others by the environment, also those of this program's own.
    told = {name: value for name, value in os.environ.items() if before.get(name) != value}
    # Nobody asks how those ended whom this process forks: the kernel may forget them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, descriptors, _, _ = socket.recv_fds(channel, _MOST, 3)
        if not request:
            return
        if os.fork():
            for each in descriptors:
                os.close(each)
            continue
        channel.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _attend(json.loads(request), told, descriptors)
        return


def _attend(request: Any, told: dict[str, str], descriptors: list[int]) -> None:
    """Fork once more; become the program there, and wait for its end here."""
    out, errors, status = descriptors
    pid = os.fork()
    if pid:
        os.write(status, b"%d\n" % pid)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.write(status, b"%d\n" % code)
        os._exit(0)
    os.close(status)
    os.dup2(out, 1)
    os.dup2(errors, 2)
    os.close(out)
    os.close(errors)
    program, words, environment, folder = request
    os.environ.clear()
    os.environ.update(told | environment)
    os.chdir(folder)
    sys.argv = [program, *words]
    if "/" in program:
        runpy.run_path(program, run_name="__main__")
    else:
        # It was imported as what it is called; as the program it runs anew.
        sys.modules.pop(program, None)
        runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
