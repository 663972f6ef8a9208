"""Starts audit: python -m services.audit --config deploy/config/audit.toml."""

import argparse
import os
import sys
from pathlib import Path

from services.audit.config import AuditConfig
from services.audit.wiring import build
from services.chassis.clock import SystemClock
from services.chassis.config import ConfigError, load
from services.chassis.server import run


def main() -> int:
    """Serve until a signal. Returns the exit status of the process."""
    parser = argparse.ArgumentParser(prog="python -m services.audit", description="Craton's audit service.")
    parser.add_argument("--config", type=Path, required=True, help="configuration file (TOML)")
    arguments = parser.parse_args()
    os.umask(0o077)
    try:
        config = load(arguments.config, AuditConfig)
        return run(lambda: build(config, SystemClock()))
    except ConfigError as error:
        sys.stderr.write(f"audit does not start: {error}\n")
        # EX_CONFIG of sysexits.h: a supervisor need not try again.
        return os.EX_CONFIG


if __name__ == "__main__":
    sys.exit(main())
