"""TCP ports of the loopback address for servers that tests start, and waiting until such a server listens."""

import contextlib
import socket
import subprocess
import time

_LONGEST_S = 20.0


def free_port() -> int:
    """Return a port that nobody uses now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return different ports that nobody uses now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    """Return when a process listens. Raises AssertionError when it ends, or takes too long."""
    deadline = time.monotonic() + _LONGEST_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert process.poll() is None, f"the server for port {port} has ended with {process.returncode}"
        assert time.monotonic() < deadline, f"nobody listens on port {port}"
        time.sleep(0.02)
