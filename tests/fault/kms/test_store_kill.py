"""kill -9 in the middle of changes of the key store: all or nothing, and never refused afterwards."""

import asyncio
import os
import random
import sys
from pathlib import Path

import pytest

from tests.fakes.databases import KINDS, empty_database
from tests.fakes.kms_stores import Stores
from tests.fault.kms.store_writer import KEPT, SHARED, FileAnchor, own

SEED = 20261121
KILLS = int(os.environ.get("CRATON_TEST_KILLS", "8"))
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("kind", KINDS)
async def test_kill_9_leaves_all_of_a_change_or_nothing(kind: str, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    url, file = empty_database(kind, tmp_path), tmp_path / "anchor"
    stores = Stores(url)
    stores.anchor = FileAnchor(file)  # type: ignore[assignment]
    await stores.open(first_boot=True)
    await stores.close()
    acknowledged = 0
    for _ in range(KILLS):
        writer = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.fault.kms.store_writer", url, str(file),
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert writer.stdout is not None
        first = await asyncio.wait_for(writer.stdout.readline(), 60)
        await asyncio.sleep(chance.uniform(0, 0.3))
        writer.kill()
        said = (first + (await writer.communicate())[0]).split()
        assert said
        acknowledged = max([acknowledged, *map(int, said)])

        records = await stores.open()
        bodies = {(await records.get(place)).body for place in SHARED}  # type: ignore[union-attr]
        assert len(bodies) == 1
        number = int(bodies.pop())
        # One change more than was acknowledged may have been made.
        assert acknowledged <= number <= acknowledged + 1
        acknowledged = number
        expected = [own(each) for each in range(max(number - KEPT + 1, 1), number + 1)]
        assert [each.id for each in await records.list("keys", "own")] == expected
        await stores.close()
    assert acknowledged > KILLS
