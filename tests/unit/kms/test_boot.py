"""Custody and store are held against each other before anything is served."""

from pathlib import Path

import pytest

from services.chassis.randomness import SystemRandomness
from services.kms.adapters.file_custody import FileCustody, mark_first_boot
from services.kms.operations.boot import open_installation
from services.kms.ports import CustodyError, Installation

RANDOM = SystemRandomness()


class Installations:
    """The installation record in memory."""

    def __init__(self) -> None:
        self.record: Installation | None = None
        self.holds_keys = False

    def load(self) -> Installation | None:
        return self.record

    def save(self, installation: Installation) -> None:
        if self.holds_keys:
            raise CustodyError("not empty")
        self.record = installation


def custody(folder: Path) -> FileCustody:
    return FileCustody(folder / "root.key", RANDOM)


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    folder = tmp_path / "custody"
    mark_first_boot(folder / "root.key")
    return folder


def test_the_first_boot_binds_the_store(fresh: Path) -> None:
    installations = Installations()
    open_installation(custody(fresh), installations, RANDOM)
    assert installations.record is not None
    bound = installations.record
    open_installation(custody(fresh), installations, RANDOM)
    assert installations.record == bound
    assert not custody(fresh).first_boot


def test_an_empty_store_beside_an_initialised_custody_is_an_error(fresh: Path) -> None:
    open_installation(custody(fresh), Installations(), RANDOM)
    with pytest.raises(CustodyError, match="the key store is empty"):
        open_installation(custody(fresh), Installations(), RANDOM)


def test_a_crash_at_any_step_of_the_first_boot_can_be_repeated(fresh: Path) -> None:
    installations = Installations()

    class CrashesAfterSaving(Installations):
        def save(self, installation: Installation) -> None:
            installations.record = installation
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_installation(custody(fresh), CrashesAfterSaving(), RANDOM)
    assert custody(fresh).first_boot
    open_installation(custody(fresh), installations, RANDOM)
    assert not custody(fresh).first_boot


def test_stores_and_root_keys_do_not_mix(fresh: Path, tmp_path: Path) -> None:
    mine, theirs = Installations(), Installations()
    other = tmp_path / "other"
    mark_first_boot(other / "root.key")
    open_installation(custody(fresh), mine, RANDOM)
    open_installation(custody(other), theirs, RANDOM)
    with pytest.raises(CustodyError, match="another root key"):
        open_installation(custody(fresh), theirs, RANDOM)


def test_a_root_key_under_anothers_store_id_does_not_pass(fresh: Path, tmp_path: Path) -> None:
    installations = Installations()
    open_installation(custody(fresh), installations, RANDOM)
    magic, store_id, _key = (fresh / "root.key").read_text().split()
    other = tmp_path / "other"
    mark_first_boot(other / "root.key")
    custody(other).complete_first_boot()
    forged = other / "root.key"
    forged.write_text(f"{magic} {store_id} {forged.read_text().split()[2]}\n")
    with pytest.raises(CustodyError):
        open_installation(custody(other), installations, RANDOM)


def test_a_marked_custody_does_not_take_over_a_store_with_keys(fresh: Path) -> None:
    installations = Installations()
    installations.holds_keys = True
    with pytest.raises(CustodyError):
        open_installation(custody(fresh), installations, RANDOM)
    assert custody(fresh).first_boot
