"""What the kernel says about a process: the facts on which it is trusted to be inside the sandbox."""

import errno
import stat
from dataclasses import dataclass
from pathlib import Path

SECCOMP_FILTER = 2
"""Value of the Seccomp line in /proc/<pid>/status when a filter is installed (proc(5))."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """The state of one process."""

    pid_namespace: int
    network_namespace: int
    seccomp: int
    no_new_privileges: bool
    capabilities: int
    """Effective, permitted, inheritable and ambient capabilities together."""

    def confined(self, pid_namespace: int) -> bool:
        """Whether the process is in that pid namespace and can neither gain rights nor call freely."""
        return (
            self.pid_namespace == pid_namespace
            and self.seccomp == SECCOMP_FILTER
            and self.no_new_privileges
            and self.capabilities == 0
        )


def inspect(pid: int) -> Inspection:
    """Read the facts about `pid`. Raises OSError when it is gone or not ours to read."""
    process = Path("/proc", str(pid))
    status = parse_status((process / "status").read_text(encoding="ascii", errors="replace"))
    return Inspection(
        pid_namespace=(process / "ns/pid").stat().st_ino,
        network_namespace=(process / "ns/net").stat().st_ino,
        seccomp=int(status["Seccomp"]),
        no_new_privileges=status["NoNewPrivs"] == "1",
        capabilities=int(status["CapEff"], 16)
        | int(status["CapPrm"], 16)
        | int(status["CapInh"], 16)
        | int(status["CapAmb"], 16),
    )


def parse_status(text: str) -> dict[str, str]:
    """Parse /proc/<pid>/status. The Name line is skipped: its value is the process' own choice."""
    lines = (line.partition(":") for line in text.splitlines() if not line.startswith("Name:"))
    return {key: value.strip() for key, _, value in lines}


def hide_argument(pid: int, secret: bytes) -> None:
    """Overwrite `secret` in the arguments that /proc/<pid>/cmdline shows to everybody.

    The model server takes the secret of its control calls on its command line only. By the time its socket
    exists it has copied its arguments. Raises OSError when the arguments cannot be written, ValueError when
    the secret can still be read afterwards.
    """
    process = Path("/proc", str(pid))
    # The command's name is in parentheses and may hold anything; field 48 is arg_start (proc(5)).
    arg_start = int((process / "stat").read_bytes().rpartition(b")")[2].split()[45])
    position = (process / "cmdline").read_bytes().find(secret)
    if position >= 0:
        with (process / "mem").open("r+b", buffering=0) as memory:
            memory.seek(arg_start + position)
            memory.write(b"*" * len(secret))
    if secret in (process / "cmdline").read_bytes():
        raise ValueError("the secret is still shown")


def is_socket(path: str) -> bool:
    """Whether a socket is there. Raises ValueError when something else is, OSError when it cannot be told."""
    try:
        mode = Path(path).lstat().st_mode
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESRCH):
            return False
        raise
    if not stat.S_ISSOCK(mode):
        raise ValueError("what stands in the place of the socket is none")
    return True
