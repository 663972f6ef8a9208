"""Checks a spool without changing it: python -m services.chassis.audit.fsck DIRECTORY."""

import argparse
import sys
from pathlib import Path

from services.chassis.audit.recovery import read_identity, recover
from services.chassis.audit.segment import SpoolCorruptError


def main(arguments: list[str] | None = None) -> int:
    """Print what the spool holds. Returns 0 when it is whole, 1 when acknowledged records are missing.

    The end may be in motion while a service writes: a torn end is reported, and is not an error.
    """
    parser = argparse.ArgumentParser(
        prog="python -m services.chassis.audit.fsck", description="Check an audit spool, read-only."
    )
    parser.add_argument("directory", type=Path, help="the spool's directory")
    directory: Path = parser.parse_args(arguments).directory
    try:
        identity = read_identity(directory)
        found = recover(directory, identity)
    except (SpoolCorruptError, OSError) as error:
        sys.stderr.write(f"damaged: {error}\n")
        return 1
    first = found.segments[0].first_position if found.segments else 0
    end = found.segments[-1].next_position if found.segments else 0
    size = sum(segment.size for segment in found.segments)
    sys.stdout.write(
        f"spool {identity.hex()}: whole, {len(found.segments)} segments, {size} bytes, "
        f"positions {first} to {end}, torn end of {found.torn_bytes} bytes\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
