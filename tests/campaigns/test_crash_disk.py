"""The disk that loses power keeps what was synced, and forgets of the rest in every way that counts."""

import errno
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaigns.crash_disk import SECTOR, CrashDisk, Fault

OLD, NEW = b"o" * 3 * SECTOR, b"n" * 3 * SECTOR


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield made
    shutil.rmtree(made)


def written(disk: CrashDisk, path: Path, data: bytes) -> int:
    """Make a file whose name and bytes are on the platter."""
    descriptor = disk.create(path)
    disk.write(descriptor, memoryview(data), 0)
    disk.fdatasync(descriptor)
    disk.sync_directory(path.parent)
    return descriptor


def after_power_cuts(folder: Path, act: object, faults: tuple[Fault, ...] = ()) -> set[bytes | None]:
    """Return what a file can hold after a power cut, over many of them; None when it is not there."""
    seen: set[bytes | None] = set()
    for number in range(60):
        place = folder / str(number)
        place.mkdir()
        disk = CrashDisk(place, random.Random(number), faults=faults)
        act(disk, place / "f")  # type: ignore[operator]
        disk.cut_power()
        disk.restore()
        seen.add((place / "f").read_bytes() if (place / "f").exists() else None)
    return seen


def test_what_was_synced_survives(folder: Path) -> None:
    assert after_power_cuts(folder, lambda disk, path: disk.close(written(disk, path, OLD))) == {OLD}


def test_sectors_of_what_was_not_synced_survive_or_not(folder: Path) -> None:
    def act(disk: CrashDisk, path: Path) -> None:
        descriptor = written(disk, path, OLD)
        disk.write(descriptor, memoryview(NEW), 0)
        disk.close(descriptor)

    seen = after_power_cuts(folder, act)
    assert {OLD, NEW} < seen
    assert all(data is not None and set(data[:SECTOR]) < {*b"on"} for data in seen)
    assert all(
        len(set(data[at : at + SECTOR])) == 1 for data in seen if data for at in (0, SECTOR, 2 * SECTOR)
    )


def test_names_survive_a_power_cut_only_when_the_folder_was_synced(folder: Path) -> None:
    def act(disk: CrashDisk, path: Path) -> None:
        descriptor = disk.create(path)
        disk.write(descriptor, memoryview(OLD), 0)
        disk.fdatasync(descriptor)
        disk.close(descriptor)

    assert after_power_cuts(folder, act) == {None, OLD}


def test_pages_that_a_failed_sync_has_lost_are_not_written_by_the_next_one(folder: Path) -> None:
    def act(disk: CrashDisk, path: Path) -> None:
        descriptor = written(disk, path, OLD)
        disk.write(descriptor, memoryview(NEW), 0)
        with pytest.raises(OSError, match="Input/output"):
            disk.fdatasync(descriptor)
        disk.fdatasync(descriptor)
        disk.close(descriptor)

    assert OLD in after_power_cuts(folder, act, (Fault(5, "EIO"),))


def test_a_killed_process_leaves_the_page_cache_and_the_next_one_can_sync_it(folder: Path) -> None:
    disk = CrashDisk(folder, random.Random(1))
    descriptor = written(disk, folder / "f", OLD)
    disk.write(descriptor, memoryview(NEW), 0)
    disk.kill()
    with pytest.raises(OSError, match="life has ended") as ended:
        disk.fdatasync(descriptor)
    assert ended.value.errno == errno.EIO
    disk.close(descriptor)
    disk.restore()
    assert (folder / "f").read_bytes() == NEW
    again = CrashDisk(folder, random.Random(2), before=disk)
    descriptor = again.reopen(folder / "f")
    again.fdatasync(descriptor)
    again.close(descriptor)
    again.cut_power()
    again.restore()
    assert (folder / "f").read_bytes() == NEW
