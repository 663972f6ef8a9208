"""One load, run as a process of its own so that its CPU is not counted as the server's.

    python -m tests.load.generator --way runtime --mode unary --in-flight 32 --seconds 5 …

Prints one JSON object: counts, errors, latencies in microseconds, tokens.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop

from deploy.local.stack import Stack
from tests.load.paths import Direct, ThroughEdge, ThroughRuntime, Way, credentials_of


@dataclass(frozen=True)
class Asked:
    """The load of the command line."""

    model_id: str
    prompt: str
    pieces: int


@dataclass
class Counts:
    """What happened."""

    latencies_us: list[float]
    first_us: list[float]
    tokens: int = 0
    messages: int = 0
    errors: int = 0
    error: str = ""


async def _one(way: Way, mode: str, counts: Counts) -> None:
    started = time.perf_counter()
    try:
        if mode == "unary":
            tokens = await way.unary()
            counts.tokens += tokens
        else:
            first = 0.0
            async for tokens in way.stream():
                if not first:
                    first = time.perf_counter() - started
                counts.tokens += tokens
                counts.messages += 1
            counts.first_us.append(first * 1e6)
    except Exception as error:
        counts.errors += 1
        counts.error = f"{type(error).__name__}: {error}"[:300]
        await asyncio.sleep(0.05)
    else:
        counts.latencies_us.append((time.perf_counter() - started) * 1e6)


async def _run(way: Way, mode: str, in_flight: int, seconds: float, warm_up: float) -> dict[str, object]:
    await way.open()
    await _load(way, mode, in_flight, warm_up, Counts([], []))
    print("GO", flush=True)  # the bench reads the servers' clocks now
    counts = Counts([], [])
    started = time.perf_counter()
    await _load(way, mode, in_flight, seconds, counts)
    elapsed = time.perf_counter() - started
    await way.close()
    ordered = sorted(counts.latencies_us) or [0.0]
    return {
        "requests": len(counts.latencies_us),
        "errors": counts.errors,
        "error": counts.error,
        "seconds": elapsed,
        "tokens": counts.tokens,
        "messages": counts.messages,
        "p50_us": statistics.median(ordered),
        "p99_us": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        "first_p50_us": statistics.median(counts.first_us) if counts.first_us else 0.0,
    }


async def _load(way: Way, mode: str, in_flight: int, seconds: float, counts: Counts) -> None:
    end = time.perf_counter() + seconds

    async def worker() -> None:
        while time.perf_counter() < end:
            await _one(way, mode, counts)

    await asyncio.gather(*(worker() for _ in range(in_flight)))


def main() -> int:
    """Run one load."""
    parser = argparse.ArgumentParser(description="Run one load against the stack of CRATON_HOME.")
    parser.add_argument("--way", choices=("direct", "runtime", "edge"), required=True)
    parser.add_argument("--mode", choices=("unary", "stream"), required=True)
    parser.add_argument("--in-flight", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--warm-up", type=float, default=1.0)
    parser.add_argument("--model", required=True)
    parser.add_argument("--prompt-bytes", type=int, default=1024)
    parser.add_argument("--prompt", default="")
    parser.add_argument("--pieces", type=int, default=1)
    parser.add_argument("--uid", type=int, default=-1, help="become this uid before connecting")
    arguments = parser.parse_args()
    prompt = arguments.prompt or "x" * arguments.prompt_bytes
    asked = Asked(arguments.model, prompt, arguments.pieces)
    stack = Stack.here()
    way: Way
    if arguments.way == "edge":
        way = ThroughEdge(asked, stack, credentials_of(Path(stack.home)))
    elif arguments.way == "runtime":
        way = ThroughRuntime(asked, stack)
    else:
        if arguments.uid >= 0:
            os.setgroups([])
            os.setgid(arguments.uid)
            os.setuid(arguments.uid)
        way = Direct(asked, stack)
    run = _run(way, arguments.mode, arguments.in_flight, arguments.seconds, arguments.warm_up)
    print(json.dumps(uvloop.run(run)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
