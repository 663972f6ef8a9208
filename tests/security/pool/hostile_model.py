# ruff: noqa: S108, PTH123, PTH208 - it goes where it should not, by the plainest means
"""A model backend that tries to get out. It runs inside the sandbox, in the models' environment.

Its answer is a JSON object: probe -> "open" when the attempt succeeded, else why it failed.
"""

import ctypes
import errno
import json
import os
import signal
import socket
import sys
from pathlib import Path

import numpy as np
import triton_python_backend_utils as pb_utils

LIBC = ctypes.CDLL(None, use_errno=True)

# x86-64 numbers: what the filter must refuse although no namespace or capability would.
SYSCALLS = {
    "shmget": (29, 0, 4096, 0o1666),
    "semget": (64, 0, 1, 0o1666),
    "msgget": (68, 0, 0o1666),
    "unshare_user": (272, 0x10000000),
    "perf_event_open": (298, ctypes.create_string_buffer(b"\1\0\0\0\x70\0\0\0", 112), 0, -1, -1, 0),
    "open_by_handle_at": (304, -100, ctypes.create_string_buffer(64), 0),
    "setns": (308, 0, 0),
    "process_vm_readv": (310, os.getppid(), 0, 0, 0, 0, 0),
    "kcmp": (312, os.getpid(), os.getpid(), 0, 0, 0),
    "bpf": (321, 0, ctypes.create_string_buffer(72), 72),
    "userfaultfd": (323, 1),
    "io_uring_setup": (425, 1, ctypes.create_string_buffer(120)),
    "clone3": (435, ctypes.create_string_buffer(64), 0),
    "pidfd_getfd": (438, 0, 0, 0),
    "memfd_secret": (447, 0),
    "add_key": (248, b"user\0", b"x\0", b"y", 1, -3),
    "keyctl": (250, 0, -3, 1),
    "mq_open": (240, b"craton\0", 0o102, 0o666, 0),
    "mount": (165, b"x\0", b"/tmp\0", b"tmpfs\0", 0, 0),
    "fsopen": (430, b"tmpfs\0", 0),
    "vmsplice": (278, -1, 0, 0, 0),
    "personality_32bit": (135, 0x0008),
}


NAMESPACES = {
    "ns": 0x20000,
    "cgroup": 0x2000000,
    "uts": 0x4000000,
    "ipc": 0x8000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}


def syscall(number, *arguments):
    """Make a system call; return "open", or the name of the error."""
    ctypes.set_errno(0)
    result = LIBC.syscall(ctypes.c_long(number), *arguments)
    if result >= 0:
        return "open"
    return errno.errorcode.get(ctypes.get_errno(), str(ctypes.get_errno()))


def attempt(action):
    """Run `action`; return "open" or the error's name."""
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)
    except Exception as error:
        return type(error).__name__
    return "open"


def families():
    """Try every address family there can be."""
    report = {}
    for family in range(64):
        outcomes = set()
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            outcomes.add(syscall(41, family, int(kind), 0))
        report[f"family_{family}"] = "open" if "open" in outcomes else sorted(outcomes)[0]
        pair = (ctypes.c_int * 2)()
        report[f"pair_{family}"] = syscall(53, family, int(socket.SOCK_STREAM), 0, pair)
    return report


def network(target):
    """Try to reach the host."""
    host, port = target["host"], target["port"]

    def udp():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as each:
            each.sendto(b"out", (host, port))

    def abstract():
        with socket.socket(socket.AF_UNIX) as each:
            each.connect("\0" + target["abstract"])

    return {
        "tcp": attempt(lambda: socket.create_connection((host, port), 2).close()),
        "udp": attempt(udp),
        "dns": attempt(lambda: socket.getaddrinfo("example.com", 443)),
        "abstract_socket": attempt(abstract),
    }


def files(target):
    """Try to read what belongs to others and to write where it would stay."""
    report = {f"read {path}": attempt(lambda path=path: Path(path).read_bytes()) for path in target["paths"]}
    report["other_shm"] = attempt(lambda: Path("/dev/shm", target["shm"]).read_bytes())
    for folder in (
        "/",
        "/usr",
        "/usr/lib",
        "/etc",
        "/dev",
        "/run",
        "/run/tls",
        "/run/handover",
        *target["folders"],
    ):
        report[f"write {folder}"] = attempt(
            lambda folder=folder: Path(folder, "left-behind").write_bytes(b"x")
        )
    report["grpc_folder_takes_a_megabyte"] = attempt(
        lambda: Path("/run/grpc/data").write_bytes(bytes(1 << 20))
    )
    report["shm_takes_more_than_its_cap"] = attempt(lambda: fill("/dev/shm/fill", target["shm_bytes"] + 1))
    report["tmp_takes_more_than_its_cap"] = attempt(lambda: fill("/tmp/fill", target["tmp_bytes"] + 1))
    Path("/tmp/fill").unlink(missing_ok=True)
    Path("/dev/shm/fill").unlink(missing_ok=True)
    report["kept_from_an_earlier_run"] = attempt(lambda: Path("/tmp/memory").read_bytes())
    Path("/tmp/memory").write_bytes(b"a prompt")
    return report


def fill(path, size):
    """Write `size` bytes."""
    with open(path, "wb") as file:
        while size > 0:
            size -= file.write(bytes(min(size, 1 << 20)))


def ptrace():
    """Attach to a child of one's own."""
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    outcome = syscall(101, 16, child, 0, 0)
    if outcome == "open":
        os.waitpid(child, 0)
        syscall(101, 17, child, 0, 0)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return outcome


def foreign_numbering():
    """Make an x32 call in a child: the filter kills it."""
    child = os.fork()
    if child == 0:
        result = LIBC.syscall(ctypes.c_long(0x40000000 | 39))
        os._exit(0 if result >= 0 else 1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSYS:
        return "killed"
    return "open" if os.WEXITSTATUS(status) == 0 else "refused"


def new_namespaces():
    """Ask clone for each kind of namespace in a child of its own."""
    report = {}
    for name, flag in NAMESPACES.items():
        ctypes.set_errno(0)
        child = LIBC.syscall(ctypes.c_long(56), ctypes.c_long(flag | signal.SIGCHLD), 0, 0, 0, 0)
        if child == 0:
            os._exit(0)
        if child > 0:
            os.waitpid(child, 0)
        report[f"clone_{name}"] = "open" if child > 0 else errno.errorcode.get(ctypes.get_errno(), "?")
    return report


def surroundings():
    """What can be seen from here: for the test to judge."""
    return {
        "environment": dict(os.environ),
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "uid": os.getuid(),
        "interfaces": Path("/proc/net/dev").read_text(),
        "routes": Path("/proc/net/route").read_text(),
        "server_arguments": Path("/proc/1/cmdline").read_bytes().decode(),
        "core_limit": __import__("resource").getrlimit(__import__("resource").RLIMIT_CORE),
    }


class TritonPythonModel:
    """Answers every request with its report."""

    def initialize(self, args):
        """Remember what the test wants tried."""
        parameters = json.loads(args["model_config"])["parameters"]
        self.target = json.loads(bytes.fromhex(parameters["target"]["string_value"]))

    def execute(self, requests):
        """Try everything."""
        for request in requests:
            probes = {name: syscall(*call) for name, call in SYSCALLS.items()}
            probes.update(families())
            probes.update(network(self.target))
            probes.update(files(self.target))
            probes.update(new_namespaces())
            probes["x32"] = foreign_numbering()
            probes["ptrace"] = ptrace()
            print("a prompt on standard output", file=sys.stderr, flush=True)
            answer = json.dumps({"probes": probes, "seen": surroundings()}).encode()
            tensor = pb_utils.Tensor("RESPONSE", np.frombuffer(answer, dtype=np.uint8))
            sender = request.get_response_sender()
            sender.send(
                pb_utils.InferenceResponse([tensor]), flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
            )
