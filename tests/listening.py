"""What the processes of a running stack listen on: by the kernel's tables, and by the reviewed list of it.

A socket is named by its program, its kind and its place, for example "kms tcp 7104". Sandboxes have network
namespaces of their own: each process is asked for the tables of its own.
"""

import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import psutil

from deploy.local.supervisor import Supervisor
from deploy.local.view import inside
from tests.running_stack import ROOT, RunningStack
from tests.stack_processes import processes

_INTERNET = {
    f"{kind}{family}": (kind, "0A" if kind == "tcp" else "07")
    for kind in ("tcp", "udp", "udplite", "raw", "icmp")
    for family in ("", "6")
}
"""Tables of the kernel, with the state of a socket that takes from everybody: those that are connected to a
peer take from it alone."""
_LISTENS = 0x10000
"""Flag of a UNIX socket that takes connections; datagrams come in at every one that has a name."""
_DATAGRAMS = "0002"
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_SECTION = "\n## What listens, and what records it\n"
_ROW = re.compile(r"^\| (`[^|]+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


def listening(stack: RunningStack) -> frozenset[str]:
    """Return the sockets on which connections or packets come in. Only root may look into every process.

    A socket that stands in no table is named too, with its process: nobody knows what comes in there.
    """
    programs = {each["pid"]: str(each["name"]) for each in Supervisor(stack.local).programs() if each["pid"]}
    found, tables = set[tuple[int, str]](), dict[int, str]()
    outside = Path("/proc/self/ns/net").readlink()
    for process in processes(stack.home):
        try:
            program = _program(process, programs)
            if Path(f"/proc/{process.pid}/ns/net").readlink() != outside:
                program += " sandbox"
            found |= {(inode, program) for inode in _sockets(process.pid)}
            tables |= _tables(process.pid, stack)
        except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
            continue  # it has ended meanwhile
    # The end of a connection that a server accepted stands in the tables of the client's namespace.
    return frozenset(
        f"{program} {what}" for inode, program in found if (what := tables.get(inode, "unknown socket"))
    )


def reviewed() -> Mapping[str, str]:
    """Return the sockets of the threat model's list, each with what records its calls or why nothing does."""
    section = (ROOT / "docs/THREAT_MODEL.md").read_text().partition(_SECTION)[2].partition("\n## ")[0]
    return {
        socket: why.strip()
        for sockets, why in _ROW.findall(section)
        for socket in re.findall(r"`([^`]+)`", sockets)
    }


def differences(found: Collection[str], expected: Collection[str]) -> list[str]:
    """Return what listens without having been reviewed, and what was reviewed and does not listen."""
    return [
        *(f"not in the list: {socket}" for socket in sorted(set(found) - set(expected))),
        *(f"listed, but not there: {socket}" for socket in sorted(set(expected) - set(found))),
    ]


def _program(process: psutil.Process, programs: Mapping[int, str]) -> str:
    """Return the supervised program that a process belongs to."""
    for each in (process, *process.parents()):
        if each.pid in programs:
            return programs[each.pid]
    supervises = any(child.pid in programs for child in process.children())
    return "supervisor" if supervises else "unsupervised"


def _sockets(pid: int) -> Iterator[int]:
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            match = _SOCKET.fullmatch(str(descriptor.readlink()))
        except FileNotFoundError:
            continue  # closed meanwhile
        if match is not None:
            yield int(match[1])


def _tables(pid: int, stack: RunningStack) -> Iterator[tuple[int, str]]:
    """Yield every socket of a process' network namespace, with what it listens on, "" for nothing."""
    for table, (kind, state) in _INTERNET.items():
        for words in _rows(pid, table):
            place = _place(words[1], stack.address)
            yield int(words[9]), f"{kind} {place}" if words[3] == state else ""
    for words in _rows(pid, "packet"):
        yield int(words[8]), f"packet {words[3]}"
    for words in _rows(pid, "netlink"):
        yield int(words[9]), ""  # the kernel's own
    for words in _rows(pid, "unix"):
        path = " ".join(words[7:])
        open_ = int(words[3], 16) & _LISTENS or (words[4] == _DATAGRAMS and path)
        yield int(words[6]), f"unix {_below(path, stack)}" if open_ else ""


def _rows(pid: int, table: str) -> Iterator[list[str]]:
    path = Path(f"/proc/{pid}/net/{table}")
    for line in path.read_text().splitlines()[1:] if path.exists() else ():
        yield line.split()


def _place(local: str, address: str) -> str:
    """Return the port alone where it is one of the stack's own address."""
    host, port = local.split(":")
    words = (bytes.fromhex(host[start : start + 8])[::-1] for start in range(0, len(host), 8))
    ip = ipaddress.ip_address(b"".join(words))
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    number = int(port, 16)
    return str(number) if str(ip) == address else f"{ip}:{number}"


def _below(path: str, stack: RunningStack) -> str:
    """Return a path below the folder of the stack's state, which its processes may see elsewhere."""
    for home in (stack.home, inside(stack.local).home):
        if path.startswith(f"{home}/"):
            path = path.removeprefix(f"{home}/")
    # The supervisor makes its socket under a name with its process id.
    return re.sub(r"(supervisor\.sock)\.\d+$", r"\1", path)
