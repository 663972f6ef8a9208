"""Starts kms: python -m services.kms --config deploy/config/kms.toml."""

import argparse
import os
import resource
import sys
from pathlib import Path

from services.chassis.clock import SystemClock
from services.chassis.config import ConfigError, load
from services.chassis.server import run
from services.kms.adapters.file_custody import mark_first_boot
from services.kms.config import KmsConfig
from services.kms.ports import CustodyError
from services.kms.wiring import build


def main() -> int:
    """Serve until a signal, or mark the first boot. Returns the exit status of the process."""
    parser = argparse.ArgumentParser(prog="python -m services.kms", description="Craton's key service.")
    parser.add_argument("--config", type=Path, required=True, help="configuration file (TOML)")
    parser.add_argument(
        "--mark-first-boot",
        action="store_true",
        help="permit the next start to create a root key, then exit; refused when there is one",
    )
    arguments = parser.parse_args()
    os.umask(0o077)
    # A core file would hold the root key.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        config = load(arguments.config, KmsConfig)
        if arguments.mark_first_boot:
            mark_first_boot(config.custody_file)
            return 0
        return run(lambda: build(config, SystemClock()))
    except (ConfigError, CustodyError) as error:
        sys.stderr.write(f"kms does not start: {error}\n")
        # EX_CONFIG of sysexits.h: a supervisor need not try again.
        return os.EX_CONFIG


if __name__ == "__main__":
    sys.exit(main())
