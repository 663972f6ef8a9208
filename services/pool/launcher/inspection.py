"""What the kernel says about a process: the facts on which it is trusted to be inside the sandbox."""

import os
from dataclasses import dataclass

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
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        status = parse_status(file.read())
    return Inspection(
        pid_namespace=os.stat(f"/proc/{pid}/ns/pid").st_ino,
        network_namespace=os.stat(f"/proc/{pid}/ns/net").st_ino,
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
    with open(f"/proc/{pid}/stat", "rb") as file:
        # The command's name is in parentheses and may hold anything; field 48 is arg_start (proc(5)).
        arg_start = int(file.read().rpartition(b")")[2].split()[45])
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        position = file.read().find(secret)
    if position >= 0:
        with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(arg_start + position)
            memory.write(b"*" * len(secret))
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        if secret in file.read():
            raise ValueError("the secret is still shown")
