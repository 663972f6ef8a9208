"""fsck: whole spools pass, damage is named, nothing is changed."""

import pytest

from services.chassis.audit import fsck
from services.chassis.audit.budget import SpoolLimits
from services.chassis.audit.segment import Lane
from services.chassis.audit.spool import Spool
from services.chassis.randomness import SystemRandomness

LIMITS = SpoolLimits(max_bytes=100_000, segment_bytes=1_000, summary_bytes=1_000, outcome_bytes=1_000)


@pytest.fixture
async def folder(tmp_path):
    spool = Spool(tmp_path, randomness=SystemRandomness(), limits=LIMITS)
    for _ in range(20):
        await spool.append(bytes(200), Lane.EVENT)
    await spool.close()
    return tmp_path


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_whole_spool_passes(folder, capsys):
    before = contents(folder)
    assert fsck.main([str(folder)]) == 0
    assert "positions 0 to 20, torn end of 0 bytes" in capsys.readouterr().out
    assert contents(folder) == before


def test_a_torn_end_is_reported_and_left(folder, capsys):
    with sorted(folder.glob("*.seg"))[-1].open("ab") as file:
        file.write(b"torn")
    before = contents(folder)
    assert fsck.main([str(folder)]) == 0
    assert "torn end of 4 bytes" in capsys.readouterr().out
    assert contents(folder) == before


@pytest.mark.parametrize("offset", [5, 40, 60, 120, 400, -1])
def test_a_changed_byte_is_found(folder, capsys, offset):
    file = sorted(folder.glob("*.seg"))[1]
    data = bytearray(file.read_bytes())
    data[offset] ^= 1
    file.write_bytes(data)
    assert fsck.main([str(folder)]) == 1
    assert file.name in capsys.readouterr().err


def test_a_missing_segment_is_found(folder, capsys):
    sorted(folder.glob("*.seg"))[1].unlink()
    assert fsck.main([str(folder)]) == 1
    assert "damaged" in capsys.readouterr().err


def test_a_missing_spool_is_an_error(tmp_path):
    assert fsck.main([str(tmp_path / "none")]) == 1
