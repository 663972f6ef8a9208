"""Code loaded as a model backend, in the very Triton of a pool, tries to get out; a planted hole is found."""

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.pool.launcher.seccomp import export_filter
from tests.fakes import bare_sandbox, pool_home
from tests.fakes.pool_home import PoolHome

CODE = (Path(__file__).parent / "hostile_model.py").read_text()
MAY_SUCCEED = {f"family_{int(socket.AF_UNIX)}", f"pair_{int(socket.AF_UNIX)}"}


def everything_allowed() -> int:
    """A planted hole: a filter that filters nothing."""
    import pyseccomp

    descriptor = os.memfd_create("hole", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        pyseccomp.SyscallFilter(pyseccomp.ALLOW).export_bpf(file)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def violations(probes: dict[str, str]) -> list[str]:
    """Name what succeeded although it must not."""
    return sorted(name for name, outcome in probes.items() if outcome == "open" and name not in MAY_SUCCEED)


@contextlib.contextmanager
def host() -> Iterator[tuple[dict[str, Any], Callable[[], int]]]:
    """Yield what to attack on this machine, and how often something of it was reached."""
    name = f"craton-test-{os.getpid()}"
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = tcp.getsockname()[1]
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", port))
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind("\0" + name)
        abstract.listen()
        shm = Path("/dev/shm", name)  # noqa: S108 - where a careless pool would look
        shm.write_bytes(b"of another pool")
        shm.chmod(0o666)
        stack.callback(shm.unlink)
        sockets = (tcp, udp, abstract)
        for each in sockets:
            each.setblocking(False)

        def reached() -> int:
            count = 0
            for each in sockets:
                with contextlib.suppress(BlockingIOError):
                    each.recv(10) if each is udp else each.accept()
                    count += 1
            return count

        yield {"host": "127.0.0.1", "port": port, "abstract": name, "shm": name}, reached


async def report_of(
    home: PoolHome, target: dict[str, Any], system_calls: Callable[[], int]
) -> dict[str, Any]:
    settings = home.config.sandbox
    other = home.home / "other-pool"
    other.mkdir(exist_ok=True)
    (other / "weights").write_bytes(b"sealed")
    target = {
        **target,
        "paths": [
            str(other / "weights"),
            str(home.config.triton.tls.private_key),
            "/etc/passwd",
            "/etc/shadow",
        ],
        "folders": [str(home.config.repository), str(settings.environment), *map(str, settings.code)],
        "shm_bytes": settings.shm_bytes,
        "tmp_bytes": settings.tmp_bytes,
    }
    encoded = json.dumps(target).encode().hex()
    bare_sandbox.put_model(home, "hostile", CODE, {"target": encoded})
    with bare_sandbox.running(home, system_calls=system_calls) as (sandbox, found):
        server = bare_sandbox.server(home, found)
        try:
            await bare_sandbox.until_ready(server)
            await server.load("hostile", 60)
            answer: dict[str, Any] = json.loads(await bare_sandbox.raw_call(server._channel, "hostile"))
        finally:
            await server.close()
        # What model code prints is thrown away: the launcher's memory and log are no way out either.
        sandbox.poll()
        assert b"a prompt" not in sandbox._output
    return answer


@pytest.fixture
def home() -> Iterator[PoolHome]:
    with pool_home.folder() as folder:
        yield PoolHome(folder)


async def test_hostile_model_stays_inside(home: PoolHome) -> None:
    with host() as (target, reached):
        for _ in range(2):
            report = await report_of(home, target, export_filter)
            assert violations(report["probes"]) == []
            assert len(report["probes"]) > 150
        assert report["probes"]["x32"] == "killed"
        assert reached() == 0
    seen = report["seen"]
    assert [line.split(":")[0].strip() for line in seen["interfaces"].splitlines()[2:]] == ["lo"]
    assert len(seen["routes"].splitlines()) <= 1
    assert len(seen["processes"]) <= 4
    assert seen["core_limit"] == [1, 1]
    assert "x-admin=" + "*" * 64 in seen["server_arguments"]
    assert set(seen["environment"]) <= {
        "PATH", "HOME", "USER", "LANG", "PWD", "OMP_NUM_THREADS", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE",
        "TOKENIZERS_PARALLELISM", "PYTHONDONTWRITEBYTECODE", "PYTHONMALLOC", "GLIBC_TUNABLES",
        "LD_LIBRARY_PATH", "SHLVL", "_", "OLDPWD",
    }  # fmt: skip


async def test_the_planted_hole_is_found(home: PoolHome) -> None:
    with host() as (target, reached):
        report = await report_of(home, target, everything_allowed)
        assert reached() == 0
    found = violations(report["probes"])
    assert {"kcmp", "shmget", "ptrace"} <= set(found)
    assert {f"family_{int(family)}" for family in (socket.AF_INET, socket.AF_NETLINK)} <= set(found)
    # The namespaces hold even without the filter.
    assert "tcp" not in found
    assert not [name for name in found if name.startswith(("read ", "write "))]
