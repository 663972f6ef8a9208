"""What kms costs, against a handler that returns at once, and as its keys grow in number.

    python -m tests.load.kms [--rounds 3] [--seconds 3] [--keys 10,1000,100000] [--json]

A real kms (custody in a file, SQLite, durable audit spool, mutual TLS) beside an anchor
(tests/load/kms/anchor.py), with a small auth and a small audit service. Exit status 1 when an operation has
less than 0.7 of the anchor's rate, or when any answer is none. `make bench` prints the same tables.
"""

import argparse
import json
import sys

from tests.load.kms.measurement import COUNTS, measure
from tests.load.kms.requests import ASKINGS


def main() -> int:
    """Measure and print; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.kms", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--keys", default=",".join(map(str, COUNTS)), help='numbers of keys, or "none"')
    parser.add_argument("--only", action="append", default=[], choices=ASKINGS, help="of the comparison")
    parser.add_argument("--transport", choices=("grpc", "http2"), default="http2")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the tables")
    arguments = parser.parse_args()
    counts = () if arguments.keys == "none" else tuple(map(int, arguments.keys.split(",")))
    found = measure(arguments.rounds, arguments.seconds, counts, tuple(arguments.only), arguments.transport)
    print(json.dumps(found.figures) if arguments.json else found.text)
    if found.missed:
        print(f"below the bar, or with errors: {', '.join(found.missed)}", file=sys.stderr)
    return 1 if found.missed else 0


if __name__ == "__main__":
    sys.exit(main())
