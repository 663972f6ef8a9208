"""kms against its anchor: the same requests in interleaved rounds, medians, and the share of its rate."""

import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.kms.domain.specs import KeySpec
from tests.load.kms.estate import Measured
from tests.load.kms.requests import ASKINGS
from tests.load.kms.site import Ask, Run, Site

BAR = 0.7
"""Share of the anchor's rate that every operation but RSA's must reach."""
KEYS = {
    KeySpec.SYMMETRIC_DEFAULT: 100,
    KeySpec.ECC_NIST_EDWARDS25519: 100,
    KeySpec.ECC_NIST_P256: 100,
    KeySpec.RSA_2048: 4,
    KeySpec.RSA_4096: 4,
}
IN_FLIGHT = (1, 32)
HEAD = (
    "| operation | in flight | kms a second | anchor a second | share | kms p50 µs | p99 µs "
    "| anchor p50 µs | p99 µs | kms CPU µs | anchor CPU µs | errors |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One operation at one number of calls in flight."""

    asking: str
    in_flight: int
    kms: Sequence[Run]
    anchor: Sequence[Run]

    @property
    def share(self) -> float:
        """Median over the rounds of kms's rate over the anchor's."""
        pairs = zip(self.kms, self.anchor, strict=True)
        return statistics.median(kms.per_second / anchor.per_second for kms, anchor in pairs)

    @property
    def errors(self) -> int:
        """Answers of either that were none."""
        return sum(run.errors for run in (*self.kms, *self.anchor))

    @property
    def missed(self) -> bool:
        """Whether there were errors, or the bar was not reached."""
        return self.errors > 0 or (ASKINGS[self.asking].barred and self.share < BAR)

    @property
    def line(self) -> str:
        """A row of the table."""
        error = next((run.error for run in (*self.kms, *self.anchor) if run.error), "")

        def both(read: Callable[[Run], float]) -> tuple[float, float]:
            return statistics.median(map(read, self.kms)), statistics.median(map(read, self.anchor))

        rates, cpu = both(lambda run: run.per_second), both(lambda run: run.cpu_us)
        p50, p99 = both(lambda run: run.p50_us), both(lambda run: run.p99_us)
        return (
            f"| {self.asking} | {self.in_flight} | {rates[0]:,.0f} | {rates[1]:,.0f} | {self.share:.2f} "
            f"| {p50[0]:,.0f} | {p99[0]:,.0f} | {p50[1]:,.0f} | {p99[1]:,.0f} "
            f"| {cpu[0]:,.0f} | {cpu[1]:,.0f} | {self.errors}{' ' + error if error else ''} |"
        )


def compare(
    site: Site,
    kms: Measured,
    anchor: Measured,
    keys: Path,
    rounds: int,
    seconds: float,
    only: Sequence[str] = (),
) -> list[Compared]:
    """Measure both in interleaved rounds."""
    cases = [(asking, in_flight) for asking in only or ASKINGS for in_flight in IN_FLIGHT]
    runs: dict[tuple[str, int, str], list[Run]] = defaultdict(list)
    for number in range(rounds):
        for asking, in_flight in cases:
            print(
                f"kms: round {number + 1}/{rounds}: {asking}, {in_flight} in flight",
                file=sys.stderr,
                flush=True,
            )
            # Whoever comes first in a round finds the machine as the last case left it: they take turns.
            order = [("kms", kms), ("anchor", anchor)]
            for name, measured in order if number % 2 == 0 else reversed(order):
                ask = Ask(asking, keys, 100, in_flight, seconds)
                runs[asking, in_flight, name].append(site.load(measured, ask))
    return [
        Compared(asking, in_flight, runs[asking, in_flight, "kms"], runs[asking, in_flight, "anchor"])
        for asking, in_flight in cases
    ]
