"""What a growing number of keys costs: requests, the start, memory."""

import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.load.kms.estate import Measured
from tests.load.kms.site import Ask, Run, Site

HEAD = (
    "| keys | start s | memory MiB | operation | in turn | a second | p50 µs | p99 µs | CPU µs | errors |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)
_ASKINGS = ("GenerateDataKey", "Decrypt 1 KiB")
_IN_TURN = (100, 0)
_IN_FLIGHT = 32
_QUIET_S = 2.0


@dataclass(frozen=True, slots=True)
class Store:
    """A kms with so many keys."""

    count: int
    kms: Measured
    keys: Path


@dataclass(frozen=True, slots=True)
class Grown:
    """One operation in a store of so many keys."""

    store: Store
    memory_bytes: int
    asking: str
    in_turn: int
    runs: Sequence[Run]

    @property
    def cpu_us(self) -> float:
        """CPU of one request, microseconds."""
        return statistics.median(run.cpu_us for run in self.runs)

    @property
    def errors(self) -> int:
        """Answers that were none."""
        return sum(run.errors for run in self.runs)

    @property
    def line(self) -> str:
        """A row of the table."""
        rate = statistics.median(run.per_second for run in self.runs)
        p50, p99 = (
            statistics.median(getattr(run, name) for run in self.runs) for name in ("p50_us", "p99_us")
        )
        error = next((run.error for run in self.runs if run.error), "")
        return (
            f"| {self.store.count:,} | {self.store.kms.started_s:.1f} | {self.memory_bytes / 2**20:,.0f} "
            f"| {self.asking} | {min(self.in_turn or self.store.count, self.store.count):,} | {rate:,.0f} "
            f"| {p50:,.0f} | {p99:,.0f} | {self.cpu_us:,.0f} | {self.errors}{' ' + error if error else ''} |"
        )


def measure(site: Site, stores: Sequence[Store], rounds: int, seconds: float) -> list[Grown]:
    """Measure in interleaved rounds: all stores are open at the same time."""
    time.sleep(_QUIET_S)
    memory: Mapping[int, int] = {store.count: store.kms.memory_bytes() for store in stores}
    cases = [(asking, in_turn) for asking in _ASKINGS for in_turn in _IN_TURN]
    runs: dict[tuple[int, str, int], list[Run]] = defaultdict(list)
    for number in range(rounds):
        for asking, in_turn in cases:
            for store in stores:
                if not in_turn and store.count <= max(_IN_TURN):
                    continue
                print(
                    f"kms: round {number + 1}/{rounds}: {asking}, {store.count:,} keys",
                    file=sys.stderr,
                    flush=True,
                )
                ask = Ask(asking, store.keys, in_turn, _IN_FLIGHT, seconds)
                runs[store.count, asking, in_turn].append(site.load(store.kms, ask))
    return [
        Grown(store, memory[store.count], asking, in_turn, runs[store.count, asking, in_turn])
        for store in stores
        for asking, in_turn in cases
        if runs[store.count, asking, in_turn]
    ]
