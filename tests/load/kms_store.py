"""What the key service's store costs: by itself, over SQLite in this process, without gRPC.

    python -m tests.load.kms_store [records …]

The anchor is one in memory: what a real one adds to a change is printed by nobody but the bench of the stack.
Bodies have 400 bytes, about what a key's record has. Every second record is in one large partition, each of
the others in one of its own.
"""

import asyncio
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from services.kms.adapters.sql_records import SqlRecords
from services.kms.ports import RecordChange, RecordId
from tests.fakes.clock import ManualClock
from tests.fakes.kms_stores import Stores

BODY = bytes(400)
SIZES = (10, 1_000, 100_000)
_AT_ONCE = 5_000
_PARENT = "accounts/123456789012/regions/us-east-1"


def places(count: int) -> list[RecordId]:
    """Return ids as they are in use: half of them keys, half of them the versions of one each."""
    names = [f"{number:08x}-aaaa-4bbb-8ccc-000000000000" for number in range((count + 1) // 2)]
    keys = [RecordId("keys", _PARENT, name) for name in names]
    return (keys + [RecordId("versions", f"{_PARENT}/keys/{name}", "00000001") for name in names])[:count]


async def fill(records: SqlRecords, ids: list[RecordId]) -> None:
    """Write everything, in a few large changes."""
    for first in range(0, len(ids), _AT_ONCE):

        def work(change: RecordChange, first: int = first) -> None:
            for each in ids[first : first + _AT_ONCE]:
                change.put(each, BODY)

        await records.change(work)


async def timed(times: int, act: Callable[[int], Awaitable[object]]) -> str:
    """Return how long one of `times` takes, in the median and at the 99th percentile."""
    spent = []
    for number in range(times):
        began = time.perf_counter()
        await act(number)
        spent.append((time.perf_counter() - began) * 1e6)
    spent.sort()
    return f"{statistics.median(spent):,.1f} | {spent[times * 99 // 100]:,.1f}"


async def measure(count: int, folder: Path) -> None:
    """Print one table for a store of `count` records."""
    clock = ManualClock()
    stores = Stores(f"sqlite:///{folder}/kms.sqlite", clock)
    ids = places(count)
    records = await stores.open(first_boot=True)
    await fill(records, ids)
    step = 7919  # A prime: goes through all of them, never to a neighbour.

    async def stored(number: int) -> None:
        clock.advance(2)
        assert await records.get(ids[number * step % count]) is not None

    async def put(number: int) -> None:
        await records.change(lambda change: change.put(ids[number * step % count], BODY))

    async def page(number: int) -> None:
        await records.list("keys", _PARENT, ids[number * step % ((count + 1) // 2)].sort, 100)

    rows = {
        "get, verified within the last second": await timed(20_000, lambda _: records.get(ids[0])),
        "get, from SQL": await timed(2_000, stored),
        "list of 100": await timed(200, page),
        "change of one record": await timed(500, put),
    }
    used = time.process_time()
    await records._opened().scrub(lambda: asyncio.sleep(0))
    scrub = time.process_time() - used
    await stores.close()
    for name, figures in rows.items():
        print(f"| {count:,} | {name} | {figures} |", flush=True)
    opened = subprocess.run(
        [sys.executable, "-m", __name__.replace("__main__", "tests.load.kms_store"), "--open", str(folder)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    print(f"| {count:,} | open | {opened.stdout.strip()} |")
    print(f"| {count:,} | one pass of the scrub | {scrub:.2f} s CPU |  |", flush=True)


async def opening(folder: Path) -> None:
    """Open in a fresh process; print seconds, processor seconds, and how much larger the process became."""
    stores = Stores(f"sqlite:///{folder}/kms.sqlite")
    before = _resident()
    began, used = time.perf_counter(), time.process_time()
    # The anchor in memory of the process that wrote is gone with it.
    await stores.open(restored=True)
    taken, used = time.perf_counter() - began, time.process_time() - used
    print(f"{taken:.2f} s, {used:.2f} s CPU | {_resident() - before:.1f} MiB")
    await stores.close()


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def main() -> None:
    """Measure each size in a folder of its own."""
    if sys.argv[1:2] == ["--open"]:
        await opening(Path(sys.argv[2]))
        return
    print("| records | | median µs | p99 µs |\n|---|---|---|---|")
    for count in map(int, sys.argv[1:]) if len(sys.argv) > 1 else SIZES:
        with tempfile.TemporaryDirectory() as folder:
            await measure(count, Path(folder))


if __name__ == "__main__":
    asyncio.run(main())
