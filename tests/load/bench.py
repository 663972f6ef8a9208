"""`make bench`: one table of what every hop costs.

    python -m tests.load.bench [--rounds 3] [--seconds 4] [--part NAME …] [--events N] [--json] [--write]

Starts a stack of its own (127.0.0.9, a temporary home), with the echo model and a user whose policies
have 100 statements, and measures direct to Triton, through runtime and through edge, whole and
streamed, at 1 and 32 in flight, in interleaved rounds; medians are printed. Then what deciding costs
(tests/load/authorization.py), the key service beside a handler that answers at once (tests/load/kms), and
what recording costs (tests/load/audit), with a log of --events.
CPU is user + system of a program's processes over the requests of the run, read from the kernel. --write
puts the tables into docs/performance.md. Exit status 1 when anything was not answered, or kms or recording
is below a bar; 2 when a disk has too little room.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.load import authorization
from tests.load.audit.growth import NoRoomError, require_room
from tests.load.audit.measurement import EVENTS
from tests.load.audit.measurement import measure as measure_audit
from tests.load.kms.measurement import measure as measure_kms
from tests.load.loads import run_load
from tests.load.measured_stack import ADDRESS, ECHO, TEXT, MeasuredStack
from tests.load.report import Row, machine, measured_on, render, write

ROOT = Path(__file__).resolve().parents[2]
STORY = "Once upon a time"


@dataclass(frozen=True)
class Case:
    """One line of the table before its way is chosen."""

    name: str
    mode: str
    in_flight: int
    model: str
    pieces: int
    prompt: str = ""


CASES = (
    Case("echo 1 KiB", "unary", 1, ECHO, 1),
    Case("echo 1 KiB", "unary", 32, ECHO, 1),
    Case("echo, 48 pieces", "stream", 1, ECHO, 48),
    Case("echo, 48 pieces", "stream", 32, ECHO, 48),
    Case("language model, 48 tokens", "stream", 32, TEXT, 48, STORY),
)
WAYS = ("direct", "runtime", "edge")
PARTS = ("hops", "deciding", "kms", "audit")
"""What is measured, one after the other."""


def measure(stack: MeasuredStack, case: Case, way: str, seconds: float) -> dict[str, Any]:
    """Run one load and add what the servers' processes used meanwhile."""
    command = [
        *(sys.executable, "-m", "tests.load.generator"),
        *("--way", way, "--mode", case.mode, "--in-flight", str(case.in_flight)),
        *("--seconds", str(seconds), "--model", case.model, "--pieces", str(case.pieces)),
        *("--prompt", case.prompt, "--uid", str(stack.runtime_uid if os.geteuid() == 0 else -1)),
    ]
    result, before, after = run_load(command, stack.environment, seconds, stack.cpu_seconds)
    result["cpu"] = {name: after[name] - before[name] for name in after}
    return result


def summarise(case: Case, way: str, runs: list[dict[str, Any]]) -> Row:
    """Medians over rounds."""

    def median(read: Any) -> float:
        return statistics.median(read(run) for run in runs)

    return Row(
        case=case.name,
        mode=case.mode,
        in_flight=case.in_flight,
        way=way,
        requests=sum(run["requests"] for run in runs),
        errors=sum(run["errors"] for run in runs),
        error=next((run["error"] for run in runs if run["error"]), ""),
        p50_us=median(lambda run: run["p50_us"]),
        p99_us=median(lambda run: run["p99_us"]),
        per_second=median(lambda run: run["requests"] / run["seconds"]),
        tokens_per_second=median(lambda run: run["tokens"] / run["seconds"]),
        tokens_per_request=median(lambda run: run["tokens"] / max(run["requests"], 1)),
        first_us=median(lambda run: run["first_p50_us"]),
        cpu_us={
            name: median(lambda run, name=name: run["cpu"][name] / max(run["requests"], 1) * 1e6)
            for name in runs[0]["cpu"]
        },
        token_ratios=[],
    )


def hops(home: Path, rounds: int, seconds: float, *, start: bool, keep: bool) -> tuple[list[Row], int]:
    """Measure every hop; return the rows, and the memory of the idle stack in bytes."""
    home.chmod(0o755)
    stack = MeasuredStack(ROOT, home, ADDRESS)
    try:
        if start:
            stack.start()
        idle = stack.memory_bytes()
        runs: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
        for round_number in range(rounds):
            for index, case in enumerate(CASES):
                for way in WAYS:
                    label = f"{case.name}, {case.mode}, {case.in_flight} in flight, {way}"
                    print(f"round {round_number + 1}/{rounds}: {label}", file=sys.stderr, flush=True)
                    runs[index, way].append(measure(stack, case, way, seconds))
        rows = []
        for index, case in enumerate(CASES):
            for way in WAYS:
                row = summarise(case, way, runs[index, way])
                pairs = zip(runs[index, way], runs[index, "direct"], strict=True)
                row.token_ratios.extend(
                    (a["tokens"] / a["seconds"]) / max(b["tokens"] / b["seconds"], 1e-9) for a, b in pairs
                )
                rows.append(row)
        return rows, idle
    finally:
        if start and not keep:
            stack.stop()
            shutil.rmtree(home, ignore_errors=True)


def main() -> int:
    """Measure, print, and optionally write the tables."""
    parser = argparse.ArgumentParser(
        prog="make bench",
        description="Measure every hop, what deciding costs, the key service beside an answer at once, "
        "and what recording costs.",
        epilog="example: make bench BENCH_ARGS='--rounds 5 --write', or BENCH_ARGS='--part kms', or "
        "BENCH_ARGS='--part audit --events 10000000', which takes hours and 25 GB of free disk",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--part", action="append", choices=PARTS, help="measure this alone; may be repeated")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the tables")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument("--keep", action="store_true", help="leave the stack running")
    parser.add_argument("--events", type=int, default=EVENTS, help="of audit's larger log")
    parser.add_argument("--folder", type=Path, help="for audit's logs; that of temporary files")
    parser.add_argument("--home", default="", help="measure the stack in this home, already prepared")
    arguments = parser.parse_args()
    parts = arguments.part or PARTS
    tables: dict[str, str] = {}
    figures: dict[str, Any] = {"machine": machine()}
    wrong: list[str] = []
    if "audit" in parts:
        try:
            require_room(arguments.folder, arguments.events)
        except NoRoomError as error:
            print(error, file=sys.stderr)
            return 2
    if "hops" in parts:
        home = Path(arguments.home or tempfile.mkdtemp(prefix="craton-bench-", dir="/tmp"))
        rows, idle = hops(
            home, arguments.rounds, arguments.seconds, start=not arguments.home, keep=arguments.keep
        )
        tables["hops"] = render(rows, idle)
        figures |= {"idle_bytes": idle, "rows": [vars(row) for row in rows]}
        wrong += [f"{row.case}, {row.way}: {row.error}" for row in rows if row.errors]
    if "deciding" in parts:
        deciding = asyncio.run(authorization.measure())
        lines = "\n".join((authorization.HEAD, *(each.line for each in deciding)))
        tables["deciding"] = f"{measured_on()}\n\n{lines}"
        figures["deciding"] = [vars(each) for each in deciding]
    if "kms" in parts:
        keys = measure_kms(arguments.rounds, arguments.seconds)
        tables["kms"] = f"{measured_on()}\n\n{keys.text}"
        figures["kms"] = keys.figures
        wrong += keys.missed
    if "audit" in parts:
        recording = measure_audit(arguments.rounds, arguments.seconds, arguments.events, arguments.folder)
        tables["audit"] = f"{measured_on()}\n\n{recording.text}"
        figures["audit"] = recording.figures
        wrong += recording.missed
    print(json.dumps(figures) if arguments.json else "\n\n".join(tables.values()))
    if arguments.write:
        write(ROOT / "docs/performance.md", tables)
    if wrong:
        print(f"below a bar, or with errors: {'; '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
