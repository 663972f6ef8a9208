"""The command lines of the sandbox, as a pure function of the configuration."""

import os
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.pool.config import PoolConfig
from services.pool.handover import SOCKET_IN_SANDBOX

GRPC_DIR = "/run/grpc"
TLS_DIR = "/run/tls"
# Room for the inodes of two sockets, not for data: nothing can be parked behind the runtime's back.
GRPC_DIR_BYTES = 16 * 1024
ADMIN_HEADER = "x-admin"
OPEN_FILES = 65_536
# Everything but inference and health.
RESTRICTED = "metadata,shared-memory,model-config,model-repository,statistics,trace,logging"


@dataclass(frozen=True, slots=True)
class Descriptors:
    """What bwrap reads from descriptors, so that it needs no path and leaves no file."""

    seccomp: int
    info: int
    certificate: int
    private_key: int
    ca: int


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the model server finds and puts its files, as it sees them."""

    grpc: str = GRPC_DIR
    tls: str = TLS_DIR


def tritonserver(config: PoolConfig, paths: Paths) -> list[str]:
    """Return the model server's command; its secret is read from standard input.

    The shell is replaced at once; it is there to move the secret from a descriptor to the arguments, which
    keeps it out of the command lines of setpriv and bwrap.
    """
    triton = config.triton
    return [
        "/bin/sh",
        "-c",
        'IFS= read -r secret && exec "$0" "$@" '
        f'"--grpc-restricted-protocol={RESTRICTED}:{ADMIN_HEADER}=$secret" </dev/null',
        str(triton.binary),
        f"--model-repository={config.repository}",
        f"--backend-directory={triton.backends}",
        "--model-control-mode=explicit",
        "--disable-auto-complete-config",
        "--strict-readiness=false",
        "--exit-timeout-secs=3",
        "--allow-http=false",
        "--allow-metrics=false",
        "--log-info=false",
        f"--grpc-address=unix:{paths.grpc}/t",
        "--grpc-port=1",
        "--grpc-use-ssl-mutual=true",
        "--grpc-use-ssl=true",
        f"--grpc-server-cert={paths.tls}/server.crt",
        f"--grpc-server-key={paths.tls}/server.key",
        f"--grpc-root-cert={paths.tls}/ca.crt",
        # The runtime keeps its channel alive with a ping every 30 s; the default would cut it off.
        "--grpc-http2-min-recv-ping-interval-without-data=5000",
        "--grpc-keepalive-permit-without-calls=true",
    ]


def bubblewrap(config: PoolConfig, descriptors: Descriptors, command: Sequence[str]) -> list[str]:
    """Return bwrap's command line around `command`."""
    settings = config.sandbox
    folders = [*settings.code, settings.environment, *config.triton.folders, config.repository]
    arguments = ["bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"]
    arguments += ["--as-pid-1", "--new-session", "--cap-drop", "ALL", "--hostname", "pool", "--clearenv"]
    for name, value in variables(config).items():
        arguments += ["--setenv", name, value]
    arguments += ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "lib", "lib64", "sbin"):
        arguments += ["--symlink", f"usr/{name}", f"/{name}"]
    arguments += ["--ro-bind", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    arguments += ["--perms", "1777", "--size", str(settings.shm_bytes), "--tmpfs", "/dev/shm"]  # noqa: S108 - a mount point
    arguments += ["--perms", "1777", "--size", str(settings.tmp_bytes), "--tmpfs", "/tmp"]  # noqa: S108 - a mount point
    arguments += ["--perms", "0755", "--size", str(GRPC_DIR_BYTES), "--tmpfs", GRPC_DIR]
    # After the tmpfs of /tmp, below which a checkout may lie.
    for folder in folders:
        arguments += ["--ro-bind", str(folder), str(folder)]
    arguments += ["--ro-bind", str(config.handover_dir), str(Path(SOCKET_IN_SANDBOX).parent)]
    for name, descriptor in (
        ("server.crt", descriptors.certificate),
        ("server.key", descriptors.private_key),
        ("ca.crt", descriptors.ca),
    ):
        arguments += ["--perms", "0400", "--ro-bind-data", str(descriptor), f"{TLS_DIR}/{name}"]
    arguments += ["--chdir", "/", "--remount-ro", "/dev", "--remount-ro", "/"]
    arguments += ["--info-fd", str(descriptors.info), "--seccomp", str(descriptors.seccomp)]
    return [*arguments, "--", *command]


def unprivileged(command: Sequence[str], uid: int, *, root: bool, die_with_parent: bool = False) -> list[str]:
    """Return `command` run as `uid` with nothing to fall back on: no groups, no capabilities, no core dump.

    A core limit of 1 byte, not 0: the kernel lets a piped core handler ignore 0 (core(5)).
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    limits = ["prlimit", "--core=1:1", f"--nofile={files}:{files}", "--msgqueue=0:0", "--"]
    drop = ["setpriv", "--no-new-privs"]
    if root:
        drop += [
            f"--reuid={uid}",
            f"--regid={uid}",
            "--clear-groups",
            "--inh-caps=-all",
            "--bounding-set=-all",
        ]
    if die_with_parent:
        drop += ["--pdeathsig=KILL"]
    return [*limits, *drop, "--", *command]


def variables(config: PoolConfig) -> Mapping[str, str]:
    """Return the whole environment of the model server and the model processes."""
    return {
        # Triton's stub finds the Python environment by the first python3 on the PATH.
        "PATH": os.pathsep.join((str(config.sandbox.environment / "bin"), "/usr/bin")),
        "HOME": "/tmp",  # noqa: S108 - the sandbox' own tmpfs
        "USER": "model",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONDONTWRITEBYTECODE": "1",
        # Freed memory is overwritten and not cached, so that prompts do not outlive their request.
        "PYTHONMALLOC": "malloc",
        "GLIBC_TUNABLES": "glibc.malloc.perturb=255:glibc.malloc.tcache_count=0",
    }
