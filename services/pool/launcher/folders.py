"""The folders of a pool, made so that the agent can use them and root can trust them.

Root never writes, changes or reads anything through a name that the agent could have replaced: a taken-over
agent would otherwise have root give away or disclose any file of the machine.
"""

import contextlib
import fcntl
import json
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from services.pool.config import PoolConfig
from services.pool.launcher import parent_death
from services.pool.launcher.errors import LauncherError


def prepare(config: PoolConfig, *, root: bool) -> None:
    """Make the pool's folders. Raises LauncherError when a name is taken by something else than a folder.

    The run folder is root's and sticky; the agent, as its group, adds its sockets but cannot rename or
    remove what root made. Everybody passes through it: the runtime to the door, the sandbox to what is bound.
    """
    agent = config.users.agent if root else os.geteuid()
    owner = 0 if root else agent
    os.umask(0o022)
    for folder, uid, mode in (
        (config.run_dir, owner, 0o1771),
        (config.repository, owner, 0o775),
        (config.handover_dir, owner, 0o775),
        (config.audit.spool_dir.parent, agent, 0o700),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise LauncherError(f"{folder} is not a folder")
        if root:
            os.chown(folder, uid, agent, follow_symlinks=False)
        folder.chmod(mode)


def lock(config: PoolConfig) -> int:
    """Make sure that this is the pool's only launcher. The lock ends with this process, however it ends."""
    path = config.run_dir / "launcher.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise LauncherError("another launcher of this pool is running") from error
    return descriptor


def write_status(config: PoolConfig, *, root: bool, capped: bool) -> None:
    """Say how tightly this pool is closed, for `make status`."""
    status = {
        "pool": config.server.name,
        "isolation": config.sandbox.isolation,
        "separate_users": root,
        "memory_and_process_caps": capped,
    }
    temporary = config.run_dir / f".isolation.{secrets.token_hex(8)}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(status) + "\n")
    # A rename replaces whatever stands there, and follows nothing.
    temporary.replace(config.status_file)


@contextlib.contextmanager
def acting_as(uid: int, *, root: bool) -> Iterator[None]:
    """Touch files with the rights of `uid` and its group alone. Only for a process of one thread."""
    if not root:
        yield
        return
    groups = os.getgroups()
    with parent_death.kept():
        os.setgroups([])
        os.setegid(uid)
        os.seteuid(uid)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(groups)


def read_as(uid: int, path: Path, *, root: bool) -> bytes:
    """Read a file that `uid` may read. Raises LauncherError naming the file."""
    try:
        with acting_as(uid, root=root):
            return path.read_bytes()
    except OSError as error:
        raise LauncherError(f"a file of the model server's identity cannot be read: {path}") from error
