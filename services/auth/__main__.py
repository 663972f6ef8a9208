"""Starts auth: python -m services.auth --config deploy/config/auth.toml."""

import argparse
import os
import resource
import sys
from pathlib import Path

from services.auth.config import AuthConfig
from services.auth.wiring import build
from services.chassis.clock import SystemClock
from services.chassis.config import ConfigError, load
from services.chassis.server import run


def main() -> int:
    """Serve until a signal. Returns the exit status of the process."""
    parser = argparse.ArgumentParser(prog="python -m services.auth", description="Craton's auth service.")
    parser.add_argument("--config", type=Path, required=True, help="configuration file (TOML)")
    arguments = parser.parse_args()
    os.umask(0o077)
    # A core file would hold signing keys.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        config = load(arguments.config, AuthConfig)
        return run(lambda: build(config, SystemClock()))
    except (ConfigError, OSError) as error:
        # OSError: a file that the configuration names cannot be read.
        sys.stderr.write(f"auth does not start: {error}\n")
        # EX_CONFIG of sysexits.h: a supervisor need not try again.
        return os.EX_CONFIG


if __name__ == "__main__":
    sys.exit(main())
