"""All that is measured of kms: beside its anchor, and as its keys grow in number."""

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.kms.domain.specs import KeySpec
from tests.load.kms import comparison, growth
from tests.load.kms.estate import OWNER, Beside, Measured
from tests.load.kms.generator import write_keys
from tests.load.kms.population import populate
from tests.load.kms.requests import SAMPLE
from tests.load.kms.site import Site

COUNTS = (10, 1_000, 100_000)


@dataclass(frozen=True, slots=True)
class Measurement:
    """All that was measured."""

    compared: list[comparison.Compared]
    grown: list[growth.Grown]

    @property
    def text(self) -> str:
        """Both tables, in Markdown."""
        parts = []
        if self.compared:
            parts.append("\n".join((comparison.HEAD, *(each.line for each in self.compared))))
        if self.grown:
            parts.append("\n".join((growth.HEAD, *(each.line for each in self.grown))))
        return "\n\n".join(parts)

    @property
    def figures(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "compared": [
                {"asking": each.asking, "in_flight": each.in_flight, "share": each.share}
                for each in self.compared
            ],
            "grown": [
                {
                    "keys": each.store.count,
                    "asking": each.asking,
                    "in_turn": each.in_turn,
                    "cpu_us": each.cpu_us,
                }
                for each in self.grown
            ],
        }

    @property
    def missed(self) -> list[str]:
        """What has errors or stays below its bar."""
        slow = [f"{each.asking} at {each.in_flight}" for each in self.compared if each.missed]
        wrong = [f"{each.asking} of {each.store.count:,} keys" for each in self.grown if each.errors]
        return slow + wrong


def measure(
    rounds: int,
    seconds: float,
    counts: tuple[int, ...] = COUNTS,
    only: tuple[str, ...] = (),
    transport: str = "http2",
) -> Measurement:
    """Measure everything, or of the comparison `only` some operations."""
    folder = Path(tempfile.mkdtemp(prefix="craton-bench-kms-", dir="/tmp"))
    try:
        site = Site(folder)
        with site.open() as beside:
            compared = _compared(site, beside, rounds, seconds, only, transport)
            grown = _grown(site, beside, rounds, seconds, counts, transport) if counts else []
        return Measurement(compared, grown)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _compared(
    site: Site, beside: Beside, rounds: int, seconds: float, only: tuple[str, ...], transport: str
) -> list[comparison.Compared]:
    with ExitStack() as stack:
        kms, keys = stack.enter_context(_kms(site, "compared", beside, comparison.KEYS, transport))
        anchor = Measured(site.folder / "anchor", "tests.load.kms.anchor", site.workloads, beside, transport)
        anchor.start(site.operator)
        stack.callback(anchor.stop)
        return comparison.compare(site, kms, anchor, keys, rounds, seconds, only)


def _grown(
    site: Site, beside: Beside, rounds: int, seconds: float, counts: tuple[int, ...], transport: str
) -> list[growth.Grown]:
    with ExitStack() as stack:
        stores = []
        for count in counts:
            wanted = {KeySpec.SYMMETRIC_DEFAULT: count}
            kms, keys = stack.enter_context(_kms(site, f"grown-{count}", beside, wanted, transport))
            stores.append(growth.Store(count, kms, keys))
        return growth.measure(site, stores, rounds, seconds)


@contextmanager
def _kms(
    site: Site, name: str, beside: Beside, wanted: Mapping[KeySpec, int], transport: str
) -> Iterator[tuple[Measured, Path]]:
    """Run a kms with so many keys; yield it, and the file of its keys."""
    kms = Measured(site.folder / name, "services.kms", site.workloads, beside, transport)
    began = time.monotonic()
    made = asyncio.run(populate(kms.config, wanted, OWNER, SAMPLE))
    print(f"kms: {len(made):,} keys made in {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    keys = site.folder / f"{name}.json"
    write_keys(keys, made)
    kms.start(site.operator)
    try:
        yield kms, keys
    finally:
        kms.stop()
