"""Starts a pool's agent. The launcher does: `python -m services.pool.launcher --config FILE`."""

import argparse
import os
import socket
import sys
from pathlib import Path

from services.chassis.clock import SystemClock
from services.chassis.config import ConfigError, load
from services.chassis.server import run
from services.pool.config import PoolConfig
from services.pool.wiring import build


def main() -> int:
    """Serve until a signal, or until the launcher is gone. Returns the exit status of the process."""
    parser = argparse.ArgumentParser(
        prog="python -m services.pool", description="The agent of an escrow pool."
    )
    parser.add_argument("--config", type=Path, required=True, help="configuration file (TOML)")
    parser.add_argument("--launcher", type=int, required=True, help="descriptor of the launcher's socket")
    parser.add_argument("--separate-users", action="store_true", help="the launcher gave each part a uid")
    arguments = parser.parse_args()
    os.umask(0o077)
    try:
        config = load(arguments.config, PoolConfig)
        launcher = socket.socket(fileno=arguments.launcher)
        users = config.uids(separate=arguments.separate_users)
        return run(lambda: build(config, SystemClock(), launcher, users))
    except ConfigError as error:
        sys.stderr.write(f"pool does not start: {error}\n")
        return os.EX_CONFIG


if __name__ == "__main__":
    sys.exit(main())
