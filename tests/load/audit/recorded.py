"""The durable append through gRPC: a server whose handler answers at once, under many writers."""

import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.load.audit.estate import Run, errors, measure, median
from tests.load.audit.requests import RECORDED
from tests.load.kms.estate import Beside, Measured
from tests.load.kms.site import Site

WRITERS = 64
EVENTS_A_SECOND = 3_000
P99_US = 50_000
TRANSPORTS = ("http2", "grpc")
"""Ours, of the hot path, for which the bar is; and gRPC's own."""
HEAD = (
    "| call | transport | writers | calls a second | events a second | p50 µs | p99 µs | bar "
    "| server CPU µs | load CPU µs | errors |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One kind of call through one transport; CPU is that of a call."""

    asking: str
    transport: str
    runs: Sequence[Run]

    @property
    def barred(self) -> bool:
        """Whether it has a bar."""
        return self.transport == TRANSPORTS[0]

    @property
    def missed(self) -> bool:
        """Whether there were errors, or the bar was not reached."""
        slow = median(self.runs, "events_per_second") < EVENTS_A_SECOND or (
            median(self.runs, "p99_us") >= P99_US
        )
        return any(run.errors for run in self.runs) or (self.barred and slow)

    @property
    def line(self) -> str:
        """A row of the table."""
        bar = f"{EVENTS_A_SECOND:,} events, p99 {P99_US:,}" if self.barred else ""
        rates = f"{median(self.runs, 'per_second'):,.0f} | {median(self.runs, 'events_per_second'):,.0f}"
        return (
            f"| {self.asking} | {self.transport} | {WRITERS} | {rates} | {median(self.runs, 'p50_us'):,.0f} "
            f"| {median(self.runs, 'p99_us'):,.0f} | {bar} | {median(self.runs, 'cpu_us'):,.0f} "
            f"| {median(self.runs, 'load_cpu_us'):,.0f} | {errors(self.runs)} |"
        )


def compare(site: Site, beside: Beside, folder: Path, rounds: int, seconds: float) -> list[Recorded]:
    """Measure each kind of call through each transport, in interleaved rounds."""
    runs: dict[tuple[str, str], list[Run]] = defaultdict(list)
    with ExitStack() as stack:
        servers = {}
        for transport in TRANSPORTS:
            home = folder / f"answering-{transport}"
            server = Measured(home, "tests.load.audit.answering", site.workloads, beside, transport)
            stack.callback(server.stop)
            server.start(site.operator)
            servers[transport] = server
        for number in range(rounds):
            print(f"audit: round {number + 1}/{rounds}", file=sys.stderr, flush=True)
            for transport, server in servers.items():
                found = measure(server, "kms", RECORDED, WRITERS, seconds, site.operator, token=site.token())
                for asking, run in found.items():
                    runs[asking, transport].append(run)
    return [
        Recorded(asking, transport, runs[asking, transport])
        for transport in TRANSPORTS
        for asking in RECORDED
    ]
