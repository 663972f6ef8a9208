"""One load on kms or on the anchor, as a process of its own so that its CPU is not counted as the server's.

    CRATON_BENCH_TOKEN=… python -m tests.load.kms.generator --target 127.0.0.1:7104 --keys keys.json …

Prints GO when the load begins and one JSON object at its end: counts, errors, latencies in microseconds.
"""

import argparse
import asyncio
import base64
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvloop
from craton.kms.v1 import crypto_service_pb2_grpc

from services.chassis.channels import Channel
from services.chassis.clock import SystemClock
from services.chassis.settings import TlsSettings, UpstreamSettings
from services.kms.domain.specs import KeySpec
from tests.fakes.workloads import TRUST_DOMAIN
from tests.load.kms.population import MadeKey
from tests.load.kms.requests import ASKINGS, Asking

TOKEN = "CRATON_BENCH_TOKEN"
_CALL_LIMIT_S = 30.0


def read_keys(path: Path, spec: KeySpec, count: int) -> list[MadeKey]:
    """Return the first `count` keys of a spec; all for 0."""
    found = [
        MadeKey(name, spec, base64.b64decode(ciphertext))
        for name, ciphertext in json.loads(path.read_text())[spec.value]
    ]
    return found[:count] if count else found


def write_keys(path: Path, keys: list[MadeKey]) -> None:
    """Write keys for `read_keys`."""
    table: dict[str, list[tuple[str, str]]] = {}
    for key in keys:
        table.setdefault(key.spec.value, []).append((key.name, base64.b64encode(key.ciphertext).decode()))
    path.write_text(json.dumps(table))


class Load:
    """What is asked, and what came of it."""

    def __init__(self, asking: Asking, keys: list[MadeKey], stub: Any, token: str) -> None:
        self._asking = asking
        self._keys: Iterator[MadeKey] = itertools.cycle(keys)
        self._call: Callable[..., Any] = getattr(stub, asking.method)
        self._metadata = (("authorization", f"Bearer {token}"),)
        self.latencies_us: list[float] = []
        self.errors = 0
        self.error = ""

    async def run(self, in_flight: int, seconds: float) -> None:
        """Ask for so many seconds, `in_flight` at a time."""
        end = time.perf_counter() + seconds

        async def worker() -> None:
            while time.perf_counter() < end:
                await self._one()

        await asyncio.gather(*(worker() for _ in range(in_flight)))

    def forget(self) -> None:
        """Begin to count anew. Raises RuntimeError when nothing was answered so far."""
        if not self.latencies_us:
            raise RuntimeError(f"nothing was answered: {self.error}")
        self.latencies_us, self.errors, self.error = [], 0, ""

    async def _one(self) -> None:
        started = time.perf_counter()
        try:
            answer = await self._call(
                self._asking.request(next(self._keys)), metadata=self._metadata, timeout=_CALL_LIMIT_S
            )
            if not self._asking.answered(answer):
                raise ValueError("the answer is not one")
        except Exception as error:
            self.errors += 1
            self.error = f"{type(error).__name__}: {error}"[:300]
            await asyncio.sleep(0.05)
        else:
            self.latencies_us.append((time.perf_counter() - started) * 1e6)


async def _measure(arguments: argparse.Namespace) -> dict[str, object]:
    asking = ASKINGS[arguments.asking]
    keys = read_keys(arguments.keys, asking.spec, arguments.in_turn)
    folder: Path = arguments.tls
    tls = TlsSettings(folder / "tls.crt", folder / "tls.key", folder / "ca.crt")
    upstream = UpstreamSettings(arguments.target, "kms", transport="http2")
    channel = Channel(upstream, tls, TRUST_DOMAIN, SystemClock())
    stub = crypto_service_pb2_grpc.CryptoServiceStub(channel)
    load = Load(asking, keys, stub, os.environ[TOKEN])
    try:
        await load.run(arguments.in_flight, arguments.warm_up)
        load.forget()
        print("GO", flush=True)  # the bench reads the server's clock now
        started = time.perf_counter()
        await load.run(arguments.in_flight, arguments.seconds)
        elapsed = time.perf_counter() - started
    finally:
        await channel.close()
    ordered = sorted(load.latencies_us) or [0.0]
    return {
        "requests": len(load.latencies_us),
        "errors": load.errors,
        "error": load.error,
        "seconds": elapsed,
        "p50_us": statistics.median(ordered),
        "p99_us": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
    }


def main() -> int:
    """Run one load."""
    parser = argparse.ArgumentParser(description="Run one load against kms or its anchor.")
    parser.add_argument("--target", required=True, help="host:port")
    parser.add_argument("--tls", type=Path, required=True, help="folder of the caller's certificate")
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--asking", choices=ASKINGS, required=True)
    parser.add_argument("--in-turn", type=int, default=100, help="keys that are used in turn; 0 for all")
    parser.add_argument("--in-flight", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--warm-up", type=float, default=1.0)
    print(json.dumps(uvloop.run(_measure(parser.parse_args()))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
