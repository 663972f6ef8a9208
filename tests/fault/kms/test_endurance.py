"""kill -9 of kms while keys are made, renewed and deleted: the campaign kms-kills in short."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tests.fakes.kms_installation import Installation
from tests.fault.kms.endurance import KINDS_OF_DEATH, EnduranceError, endure
from tests.fault.kms.store_by_hand import look
from tests.unit.kms.world import call

SEED = 20261121
KILLS = int(os.environ.get("CRATON_TEST_KILLS", "6"))
LIMIT_S = 15.0
"""For a start, on a machine that does other things as well; the campaign prints what it measures."""


async def test_nothing_is_lost_and_nothing_is_half_made(tmp_path: Path) -> None:
    deaths = [KINDS_OF_DEATH[number % len(KINDS_OF_DEATH)] for number in range(KILLS)]
    counted, starts_s = await endure(tmp_path, Random(SEED), deaths)
    assert counted["kills"] == KILLS
    assert counted["keys made"] > KILLS
    assert max(starts_s) < LIMIT_S


async def test_a_shred_key_that_is_destroyed_too_early_is_noticed(tmp_path: Path) -> None:
    for attempt in range(12):
        home = tmp_path / str(attempt)
        home.mkdir()
        found = ""
        try:
            await endure(home, Random(SEED + attempt), ["deletions"] * 3, fault=True)
        except EnduranceError as error:
            found = str(error)
        if found:
            break
    assert "custody lacks the shred key" in found


HALVED: dict[str, Callable[[sqlite3.Connection], None]] = {
    "lacks versions": lambda database: _delete(database, "versions"),
    "is not on its page": lambda database: _delete(database, "page-keys"),
    "something is left of": lambda database: _delete(database, "keys"),
    "hangs on a page that does not open": lambda database: _delete(database, "pages"),
}


@pytest.mark.parametrize("problem", HALVED)
async def test_what_is_half_made_is_seen_by_hand(tmp_path: Path, problem: str) -> None:
    installation = Installation(tmp_path / "kms")
    world = await installation.start()
    key = await world.key()
    await world.rotation.rotate(call(), key.name)
    await installation.stop()
    custody = installation.place.file
    whole = look(installation.database_file, custody)
    assert whole.problems == []
    assert whole.versions == {str(key.name): 2}
    with closing(sqlite3.connect(installation.database_file)) as database, database:
        HALVED[problem](database)
    assert any(problem in each for each in look(installation.database_file, custody).problems)


def _delete(database: sqlite3.Connection, collection: str) -> None:
    deleted = database.execute("DELETE FROM records WHERE collection = ?", (collection.encode(),))
    assert deleted.rowcount
