"""What must be there before a pool is started."""

import os
from pathlib import Path

from services.pool.config import PoolConfig
from services.pool.launcher.errors import LauncherError
from services.pool.launcher.seccomp import export_filter


def require(config: PoolConfig) -> None:
    """Check that the parts of the cage are there. Raises LauncherError naming the missing one."""
    for tool, package in (("bwrap", "bubblewrap"), ("setpriv", "util-linux"), ("prlimit", "util-linux")):
        if not Path("/usr/bin", tool).exists():
            raise LauncherError(f"{tool} is missing: apt-get install {package}")
    for path in (
        config.triton.binary,
        config.triton.backends,
        config.sandbox.environment,
        *config.sandbox.code,
    ):
        if not path.exists():
            raise LauncherError(f"the sandbox needs {path}, which does not exist")
    os.close(export_filter())
