"""`python -m services.pool.launcher --config FILE`: the one supervised program of a pool."""

import argparse
import hashlib
import os
import sys
from pathlib import Path

from services.chassis import config as configuration
from services.chassis import logs
from services.chassis.config import ConfigError
from services.chassis.garbage import settle
from services.pool.config import PoolConfig
from services.pool.launcher import folders
from services.pool.launcher.cgroups import Cgroup, Limits
from services.pool.launcher.errors import LauncherError
from services.pool.launcher.requirements import require
from services.pool.launcher.sandbox import Sandbox
from services.pool.launcher.supervisor import Supervisor
from services.pool.launcher.unconfined import UnconfinedServer


def main() -> int:
    """Start the pool that the configuration describes and stay until it ends."""
    parser = argparse.ArgumentParser(prog="python -m services.pool.launcher", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="deploy/config/pool-<name>.toml")
    file = parser.parse_args().config
    try:
        return launch(file)
    except (ConfigError, LauncherError) as error:
        print(f"pool: {error}", file=sys.stderr)  # noqa: T201
        return 78  # EX_CONFIG of sysexits.h


def launch(file: Path) -> int:
    """Check, prepare and run. Raises ConfigError or LauncherError when the pool cannot be closed tightly."""
    config = configuration.load(file, PoolConfig)
    logs.configure(f"pool-{config.server.name}", config.telemetry.log_level)
    root = os.geteuid() == 0
    caged = config.sandbox.isolation == "full"
    require(config)
    folders.prepare(config, root=root)
    # Held for the life of this process: a second launcher would take the first one's sandbox for a leftover.
    folders.lock(config)
    cgroup = None
    if root and caged:
        limits = Limits(config.sandbox.memory_bytes, config.sandbox.processes)
        mounts, own = (Path("/proc/self", name).read_text() for name in ("mountinfo", "cgroup"))
        cgroup = Cgroup.create(_group_name(config), limits, mounts, own)
    folders.write_status(config, root=root, capped=cgroup is not None)
    uid = config.uids(separate=root).sandbox
    sandbox = (Sandbox if caged else UnconfinedServer)(config, uid=uid, root=root, cgroup=cgroup)
    settle()
    try:
        return Supervisor(config, file, sandbox, root=root).run(os.environ)
    finally:
        if cgroup is not None:
            cgroup.remove()


def _group_name(config: PoolConfig) -> str:
    """Name the control groups after pool and folder: making them ends whatever the last run left inside.

    A second installation on this machine has pools of the same names, and must not end those of the first.
    """
    return f"{config.server.name}-{hashlib.sha256(str(config.run_dir).encode()).hexdigest()[:12]}"


if __name__ == "__main__":
    sys.exit(main())
