"""kill -9 of a process that delivers sealed files: the next one puts the same bytes, and each record once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fault.audit.delivery_process import NAME, content, store_at

ROOT = Path(__file__).resolve().parents[3]


def run(home: Path, killed: str) -> int:
    command = [sys.executable, "-m", "tests.fault.audit.delivery_process", str(home), killed]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode in (0, -9), done.stderr
    return done.returncode


async def held(home: Path) -> list[bytes]:
    """Return what is held of the part that is pending, which there must be."""
    database, trails = await store_at(home)
    trail = await trails.get(NAME)
    assert trail is not None
    assert trail.pending is not None
    found = [each.body for each in await trails.held(trail)]
    await database.close()
    return found


@pytest.mark.parametrize("killed", ["sealing", "before", "after"])
async def test_the_next_process_puts_the_same_bytes(tmp_path: Path, killed: str) -> None:
    assert run(tmp_path, killed) == -9
    first = await held(tmp_path)
    assert len(first) == (killed != "sealing")
    if killed == "before":
        assert run(tmp_path, killed) == -9
        assert await held(tmp_path) == first
    assert run(tmp_path, "never") == 0
    (file,) = (tmp_path / "bucket").iterdir()
    if first:
        assert file.read_bytes() == first[0]
    assert len(json.loads(content(file))["Records"]) == 2
