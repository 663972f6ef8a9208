"""Starts the edge: python -m services.edge --config deploy/config/edge.toml."""

import argparse
import os
import sys
from pathlib import Path

from services.chassis.clock import SystemClock
from services.chassis.config import ConfigError, load
from services.edge.config import EdgeConfig
from services.edge.server import run
from services.edge.wiring import build


def main() -> int:
    """Serve until a signal. Returns the exit status of the process."""
    parser = argparse.ArgumentParser(prog="python -m services.edge", description="Craton's HTTPS edge.")
    parser.add_argument("--config", type=Path, required=True, help="configuration file (TOML)")
    arguments = parser.parse_args()
    os.umask(0o077)
    try:
        config = load(arguments.config, EdgeConfig)
        return run(lambda: build(config, SystemClock()), config.telemetry.log_level)
    except ConfigError as error:
        sys.stderr.write(f"edge does not start: {error}\n")
        # EX_CONFIG of sysexits.h: a supervisor need not try again.
        return os.EX_CONFIG


if __name__ == "__main__":
    sys.exit(main())
