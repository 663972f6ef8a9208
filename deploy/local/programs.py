"""The supervised programs, and the supervisord configuration made of them."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.stack import Stack
from services.chassis.config import set_by_operator

MARKER = "CRATON_STACK"
"""Environment variable, set to the stack's home, by which its processes are told from all others."""

_OVERWRITE_FREED_MEMORY = {
    # glibc's allocator, told to overwrite what is freed and to keep no per-thread cache: without it a
    # Python gRPC server keeps copies of prompts in freed memory long after the reply. Buffers of more than
    # half a megabyte are the kernel's again as soon as they are freed; left to itself the allocator would
    # learn to keep as much as the largest of them.
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": (
        "glibc.malloc.perturb=255:glibc.malloc.tcache_count=0"
        ":glibc.malloc.mmap_threshold=524288:glibc.malloc.trim_threshold=4194304"
    ),
}


@dataclass(frozen=True, slots=True)
class Program:
    """One program under the supervisor."""

    name: str
    command: list[str]
    uid: int | None
    """The uid it runs under; None for those that stay what the supervisor is and drop rights themselves."""
    priority: int
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_wait_s: int = 15


def programs(stack: Stack) -> Iterator[Program]:
    """Yield the programs in their start order. Each waits for what it needs, so order only saves time."""
    python = str(stack.python())
    config = stack.root / "deploy/config"
    definition = stack.definition
    yield Program(
        "redis",
        ["/usr/bin/redis-server", str(stack.home / "run/redis/redis.conf")],
        definition.redis.uid,
        10,
    )
    for priority, service in enumerate(definition.services, start=20):
        yield Program(
            service.name,
            [python, "-m", f"services.{service.name}", "--config", str(config / f"{service.name}.toml")],
            service.uid,
            priority,
            _OVERWRITE_FREED_MEMORY if service.prompts else {},
        )
    for witness in definition.witnesses:
        yield Program(
            f"witness-{witness.name}",
            [python, "-m", "services.witness", "--config", str(config / f"witness-{witness.name}.toml")],
            witness.uid,
            30,
        )
    for pool in definition.pools:
        yield Program(
            f"pool-{pool.name}",
            [python, "-m", "services.pool.launcher", "--config", str(config / f"pool-{pool.name}.toml")],
            None,
            40,
            _OVERWRITE_FREED_MEMORY,
            stop_wait_s=25,
        )
    yield Program(
        "edge",
        [python, "-m", "services.edge", "--config", str(config / "edge.toml")],
        definition.edge.uid,
        50,
        _OVERWRITE_FREED_MEMORY,
    )
    yield Program("pki-renewer", [python, "-m", "deploy.pki"], None, 60)


def child_environment(stack: Stack, seen: Stack) -> dict[str, str]:
    """Return everything that a supervised process finds in its environment. No secrets go there.

    `seen` is the stack as the processes find it (deploy.local.view).
    """
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "CRATON_ROOT": str(seen.root),
        "CRATON_HOME": str(seen.home),
        "CRATON_ADDRESS": stack.address,
        **set_by_operator(),
        MARKER: str(stack.home),
        "OMP_NUM_THREADS": "1",
        # The environment knows the clone by the path that it was installed under, which may be another.
        "PYTHONPATH": f"{seen.root}:{seen.root}/protos/gen/python",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def supervisor_configuration(stack: Stack, seen: Stack) -> str:
    """Return supervisord.conf for the stack; `seen` is the stack as its processes find it."""
    run, logs = stack.home / "run", stack.logs
    sections = [
        _section(
            "supervisord",
            {
                "nodaemon": "true",
                "directory": str(seen.root),
                "pidfile": str(run / "supervisord.pid"),
                "logfile": str(logs / "supervisord.log"),
                "logfile_maxbytes": "10MB",
                "logfile_backups": "2",
                "loglevel": "info",
                "childlogdir": str(logs),
                "minfds": "1024",
                "umask": "077",
                "identifier": "craton",
            },
        ),
        _section("unix_http_server", {"file": str(stack.control_socket), "chmod": "0600"}),
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
    ]
    sections += [_program_section(seen, stack.logs, program) for program in programs(seen)]
    return "\n".join(sections)


def _program_section(stack: Stack, logs: Path, program: Program) -> str:
    values = {
        "command": " ".join(
            shlex.quote(word) for word in [*privileges(stack, program.uid), *program.command]
        ),
        "directory": str(stack.root),
        "priority": str(program.priority),
        "autorestart": "true",
        "startsecs": "1",
        # The pause before a further try grows by a second each time; the last of these is 20 minutes away.
        "startretries": "50",
        "stopwaitsecs": str(program.stop_wait_s),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": str(logs / f"{program.name}.log"),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "2",
    }
    section = _section(f"program:{program.name}", values)
    if program.environment:
        pairs = ",".join(f'{key}="{_escape(value)}"' for key, value in program.environment.items())
        section += f"environment={pairs}\n"
    return section


def privileges(stack: Stack, uid: int | None) -> list[str]:
    """Return the command prefix that gives up every right a program does not need.

    The kernel kills the program when the supervisor dies, however that happens: no orphans.
    """
    words = ["/usr/bin/setpriv", "--pdeathsig", "KILL"]
    if uid is not None:
        words.append("--no-new-privs")
        if stack.separate_uids:
            words += [f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
            words += ["--inh-caps=-all", "--bounding-set=-all"]
    return [*words, "--"]


def _section(name: str, values: Mapping[str, str]) -> str:
    return f"[{name}]\n" + "".join(f"{key}={_escape(value)}\n" for key, value in values.items())


def _escape(value: str) -> str:
    return value.replace("%", "%%")
