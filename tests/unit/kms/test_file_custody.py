"""Root custody in a file: created once, refused when anybody else could read or write it."""

import os
from pathlib import Path

import pytest

from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.adapters.file_custody import FileCustody, first_boot_mark, mark_first_boot
from services.kms.ports import CustodyError

MATERIAL = SecretBytes(b"m" * 32)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "custody" / "kms-root.key"
    mark_first_boot(path)
    return path


def custody(key_file: Path) -> FileCustody:
    return FileCustody(key_file, SystemRandomness())


def initialised(key_file: Path) -> FileCustody:
    made = custody(key_file)
    made.complete_first_boot()
    return made


def test_the_first_boot_creates_a_private_file(key_file: Path) -> None:
    made = custody(key_file)
    assert made.first_boot
    assert oct(key_file.stat().st_mode)[-4:] == "0600"
    made.complete_first_boot()
    assert not made.first_boot
    assert not first_boot_mark(key_file).exists()
    assert list(key_file.parent.iterdir()) == [key_file]


def test_the_key_outlives_the_process(key_file: Path) -> None:
    first = initialised(key_file)
    again = custody(key_file)
    assert not again.first_boot
    assert again.store_id == first.store_id
    assert again.unwrap(first.wrap(MATERIAL, b"context"), b"context") == MATERIAL


def test_a_crash_before_the_first_boot_is_complete_keeps_key_and_mark(key_file: Path) -> None:
    first = custody(key_file)
    second = custody(key_file)
    assert second.first_boot
    assert second.store_id == first.store_id


def test_a_draft_that_a_crash_left_is_no_key(key_file: Path) -> None:
    key_file.with_name("kms-root.key.new").write_text("half")
    assert custody(key_file).first_boot


def test_without_a_mark_no_key_is_created(tmp_path: Path) -> None:
    with pytest.raises(CustodyError, match="no first boot is marked"):
        custody(tmp_path / "kms-root.key")
    assert list(tmp_path.iterdir()) == []


def test_a_second_first_boot_is_refused(key_file: Path) -> None:
    initialised(key_file)
    with pytest.raises(CustodyError, match="has had its first boot"):
        mark_first_boot(key_file)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o644, 0o700, 0o4600])
def test_a_wrong_mode_is_refused(key_file: Path, mode: int) -> None:
    initialised(key_file)
    key_file.chmod(mode)
    with pytest.raises(CustodyError, match="mode"):
        custody(key_file)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_foreign_owner_is_refused(key_file: Path) -> None:
    initialised(key_file)
    os.chown(key_file, 20004, 20004)
    with pytest.raises(CustodyError, match="owned"):
        custody(key_file)


def test_a_folder_that_others_can_write_is_refused(key_file: Path) -> None:
    initialised(key_file)
    for mode in (0o777, 0o770, 0o1777):
        key_file.parent.chmod(mode)
        with pytest.raises(CustodyError, match="writable by nobody else"):
            custody(key_file)


def test_links_are_refused(key_file: Path) -> None:
    initialised(key_file)
    elsewhere = key_file.with_name("elsewhere")
    key_file.rename(elsewhere)
    key_file.symlink_to(elsewhere)
    with pytest.raises(CustodyError, match="cannot be opened"):
        custody(key_file)
    key_file.unlink()
    key_file.hardlink_to(elsewhere)
    with pytest.raises(CustodyError, match="one name"):
        custody(key_file)


def test_a_pipe_in_its_place_does_not_hang(key_file: Path) -> None:
    os.mkfifo(key_file, 0o600)
    first_boot_mark(key_file).unlink()
    with pytest.raises(CustodyError, match="regular file"):
        custody(key_file)


@pytest.mark.parametrize(
    "content",
    [b"", b"craton-kms-root-v1 id", b"craton-kms-root-v2 id " + b"A" * 44, b"craton-kms-root-v1 id AAAA\n",
     b"craton-kms-root-v1 id !!!!", b"\xff" * 80],
)  # fmt: skip
def test_damaged_content_is_refused(key_file: Path, content: bytes) -> None:
    initialised(key_file)
    key_file.write_bytes(content)
    with pytest.raises(CustodyError, match="damaged"):
        custody(key_file)


def test_every_flipped_bit_of_wrapped_material_is_refused(key_file: Path) -> None:
    made = custody(key_file)
    wrapped = made.wrap(MATERIAL, b"context")
    for position in range(len(wrapped) * 8):
        damaged = bytearray(wrapped)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(CustodyError):
            made.unwrap(bytes(damaged), b"context")
    for length in range(len(wrapped)):
        with pytest.raises(CustodyError):
            made.unwrap(wrapped[:length], b"context")
    with pytest.raises(CustodyError):
        made.unwrap(wrapped, b"another context")
    assert made.unwrap(wrapped, b"context") == MATERIAL


def test_nothing_shows_the_root_key(key_file: Path) -> None:
    made = custody(key_file)
    encoded = key_file.read_text().split()[2]
    assert encoded not in f"{made!r} {made} {vars(made)}"
