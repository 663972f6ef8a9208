"""What recording costs: the durable append beside SQLite and through gRPC, and a log that grows.

    python -m tests.load.audit [--rounds 3] [--seconds 3] [--events 100000] [--folder DIR] [--json]

The chassis' spool in this process; a server that answers at once, whose calls are recorded; and an audit
service (SQLite, a log in files, a real kms) with a small log and with a large one. `--events 10000000` wants
25 GB of free disk. What is written is removed afterwards. Exit status 1 when a figure misses its bar, or any
answer is none; 2 without room. `make bench` prints the same tables.
"""

import argparse
import json
import sys
from pathlib import Path

from tests.load.audit.growth import NoRoomError
from tests.load.audit.measurement import EVENTS, measure


def main() -> int:
    """Measure and print; 1 when a bar is missed, 2 without room."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.load.audit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--events", type=int, default=EVENTS, help="of the larger log")
    parser.add_argument("--folder", type=Path, help="whose disk is measured; that of temporary files")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the tables")
    arguments = parser.parse_args()
    try:
        found = measure(arguments.rounds, arguments.seconds, arguments.events, arguments.folder)
    except NoRoomError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(found.figures) if arguments.json else found.text)
    if found.missed:
        print(f"below a bar, or with errors: {', '.join(found.missed)}", file=sys.stderr)
    return 1 if found.missed else 0


if __name__ == "__main__":
    sys.exit(main())
