"""Starts a witness: python -m services.witness --config deploy/config/witness-one.toml."""

import argparse
import os
import sys
from pathlib import Path

from services.chassis.clock import SystemClock
from services.chassis.config import ConfigError, load
from services.chassis.server import run
from services.witness.config import WitnessConfig
from services.witness.wiring import build


def main() -> int:
    """Serve until a signal. Returns the exit status of the process."""
    parser = argparse.ArgumentParser(
        prog="python -m services.witness", description="A witness of Craton's audit log."
    )
    parser.add_argument("--config", type=Path, required=True, help="configuration file (TOML)")
    arguments = parser.parse_args()
    os.umask(0o077)
    try:
        config = load(arguments.config, WitnessConfig)
    except ConfigError as error:
        sys.stderr.write(f"the witness does not start: {error}\n")
        return os.EX_CONFIG
    return run(lambda: build(config, SystemClock()))


if __name__ == "__main__":
    sys.exit(main())
