"""python -m services.runtime --config FILE."""

import argparse
import sys
from pathlib import Path

from services.runtime.wiring import run


def main() -> int:
    """Run runtime."""
    parser = argparse.ArgumentParser(
        prog="python -m services.runtime", description="Craton's inference service."
    )
    parser.add_argument(
        "--config", type=Path, required=True, help="configuration, for example deploy/config/runtime.toml"
    )
    return run(parser.parse_args().config)


if __name__ == "__main__":
    sys.exit(main())
