"""Loads on a measured service, one after the other, as a process of its own: its CPU is not the server's.

    python -m tests.load.audit.generator --target 127.0.0.1:7105 --service audit --asking "event id" …

Prints GO when it is connected and one JSON object at its end, for each load: counts, errors, latencies in
microseconds, and what the server and the load itself took of the processor.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from pathlib import Path

import psutil
import uvloop

from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.settings import TlsSettings, UpstreamSettings
from tests.fakes.workloads import TRUST_DOMAIN
from tests.load.audit.requests import ASKINGS, Ask
from tests.load.kms.generator import TOKEN


class Load:
    """What came of a load."""

    def __init__(self) -> None:
        self.latencies_us: list[float] = []
        self.events = 0
        self.errors = 0
        self.error = ""

    async def run(self, writers: list[Ask], seconds: float) -> None:
        """Let all writers ask for so many seconds."""
        end = time.perf_counter() + seconds

        async def work(ask: Ask) -> None:
            while time.perf_counter() < end:
                await self._one(ask)

        await asyncio.gather(*map(work, writers))

    async def _one(self, ask: Ask) -> None:
        started = time.perf_counter()
        try:
            events = await ask()
        except Exception as error:
            self.errors += 1
            self.error = f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
            await asyncio.sleep(0.05)
        else:
            self.latencies_us.append((time.perf_counter() - started) * 1e6)
            self.events += events


async def _measure(arguments: argparse.Namespace) -> dict[str, dict[str, object]]:
    folder: Path = arguments.tls
    tls = TlsSettings(folder / "tls.crt", folder / "tls.key", folder / "ca.crt")
    upstream = UpstreamSettings(arguments.target, arguments.service, transport="http2")
    channel = Channel(upstream, tls, TRUST_DOMAIN, SystemClock())
    token = os.environ.get(TOKEN)
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    server = psutil.Process(arguments.pid)
    found = {}
    try:
        print("GO", flush=True)
        for name in arguments.asking:
            asking = ASKINGS[name]
            writers = [asking.writer(channel, arguments.events, metadata) for _ in range(arguments.in_flight)]
            found[name] = await _one(writers, arguments.warm_up, arguments.seconds, server)
    finally:
        await channel.close()
    return found


async def _one(
    writers: list[Ask], warm_up: float, seconds: float, server: psutil.Process
) -> dict[str, object]:
    load, warming = Load(), Load()
    await warming.run(writers, warm_up)
    if not warming.latencies_us:
        raise RuntimeError(f"nothing was answered: {warming.error}")
    started, used, served = time.perf_counter(), time.process_time(), _cpu_seconds(server)
    await load.run(writers, seconds)
    elapsed, used = time.perf_counter() - started, time.process_time() - used
    ordered = sorted(load.latencies_us) or [0.0]
    return {
        "requests": len(load.latencies_us),
        "events": load.events,
        "errors": load.errors,
        "error": load.error,
        "seconds": elapsed,
        "p50_us": statistics.median(ordered),
        "p99_us": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        "load_cpu_s": used,
        "cpu_s": _cpu_seconds(server) - served,
    }


def _cpu_seconds(server: psutil.Process) -> float:
    times = server.cpu_times()
    return times.user + times.system


def main() -> int:
    """Run the loads."""
    parser = argparse.ArgumentParser(description="Run loads against audit, or a server that answers at once.")
    parser.add_argument("--target", required=True, help="host:port")
    parser.add_argument("--service", required=True, help="that answers there")
    parser.add_argument("--tls", type=Path, required=True, help="folder of the caller's certificate")
    parser.add_argument("--asking", action="append", choices=ASKINGS, required=True)
    parser.add_argument("--pid", type=int, required=True, help="of the server")
    parser.add_argument("--events", type=int, default=1, help="that the log was made with")
    parser.add_argument("--in-flight", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--warm-up", type=float, default=0.5)
    print(json.dumps(uvloop.run(_measure(parser.parse_args()))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
