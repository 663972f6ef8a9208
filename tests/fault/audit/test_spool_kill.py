"""kill -9 of a writer under load: every acknowledged record is there afterwards, whole and once."""

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from services.chassis.audit.reader import SpoolReader
from services.chassis.audit.spool import Spool
from services.chassis.randomness import SystemRandomness

KILLS = int(os.environ.get("CRATON_KILLS", "12"))
WRITER = Path(__file__).with_name("spool_writer.py")
SEED = 20_260_101


def test_kill_9_loses_no_acknowledged_record(tmp_path):
    chance = random.Random(SEED)
    acknowledged: set[str] = set()
    torn = 0
    for life in range(KILLS):
        with (tmp_path / f"out.{life}").open("wb") as out:
            process = subprocess.Popen(
                [
                    sys.executable,
                    str(Path(__file__).with_name("spool_writer.py")),
                    str(tmp_path / "spool"),
                    str(life),
                ],
                stdout=out,
                cwd=Path(__file__).parents[3],
            )
            # At least one record first, so that no kill is spent on the interpreter's start.
            while not (tmp_path / f"out.{life}").stat().st_size and process.poll() is None:
                time.sleep(0.005)
            time.sleep(chance.uniform(0.0, 0.4))
            process.kill()
            process.wait()
        text = (tmp_path / f"out.{life}").read_text()
        # A line that the kill cut short says nothing.
        acknowledged.update(text[: text.rfind("\n") + 1].split())
    spool = Spool(tmp_path / "spool", randomness=SystemRandomness())
    torn += spool.torn_bytes
    reader, position, found = SpoolReader(), spool.first_position, []
    while position < spool.durable_position:
        batch = reader.read(spool.segments(), position, 1024)
        found += [payload.rstrip(b".").decode() for payload in batch]
        position += len(batch)
    asyncio.run(spool.close())
    missing = acknowledged - set(found)
    print(
        f"{KILLS} kills, seed {SEED}: {len(missing)} of {len(acknowledged)} acknowledged records lost "
        f"(at most {3 / KILLS:.2f} kills in one lose any, at 95 %)"
    )
    assert len(acknowledged) > KILLS
    assert not missing
    assert len(found) == len(set(found))
