"""Root custody in files: refused when anybody else could read or write it, overwritten when it is replaced.

What all custodies promise is in tests/contract/kms/test_custody.py.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.adapters.file_custody import FileCustody
from services.kms.adapters.first_boot import first_boot_mark, mark_first_boot
from services.kms.adapters.passphrase_custody import (
    MIN_PASSPHRASE,
    Argon2Costs,
    PassphraseCustody,
    mark_passphrase_boot,
)
from services.kms.ports import CustodyError, PassphraseError, WrapKind
from tests.fakes.custodies import CHEAP, MATERIAL, PASSPHRASE

RANDOM = SystemRandomness()
SHRED = WrapKind.SHRED


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "custody" / "kms-root.key"
    mark_first_boot(path)
    return path


def custody(key_file: Path) -> FileCustody:
    return FileCustody(key_file, RANDOM)


def initialised(key_file: Path) -> FileCustody:
    made = custody(key_file)
    made.complete_first_boot()
    return made


def test_the_first_boot_creates_a_private_file(key_file: Path) -> None:
    made = custody(key_file)
    assert made.first_boot
    assert oct(key_file.stat().st_mode)[-4:] == "0600"
    made.complete_first_boot()
    assert not first_boot_mark(key_file).exists()
    assert list(key_file.parent.iterdir()) == [key_file]


def test_the_file_stays_private_when_it_is_replaced(key_file: Path) -> None:
    made = initialised(key_file)
    key_file.chmod(0o400)
    made.add_generation(SHRED)
    assert oct(key_file.stat().st_mode)[-4:] == "0600"
    assert list(key_file.parent.iterdir()) == [key_file]


@pytest.mark.parametrize("change", [
    lambda made: made.add_generation(SHRED), lambda made: made.destroy_before(SHRED, 2)
])  # fmt: skip
def test_the_blocks_of_the_former_file_are_overwritten(
    key_file: Path, change: Callable[[FileCustody], object]
) -> None:
    made = initialised(key_file)
    made.add_generation(SHRED)
    before = key_file.read_bytes()
    keys = [line.split()[3] for line in before.splitlines()[2:]]
    # A descriptor of the former file sees its blocks when no name leads to them any more.
    with key_file.open("rb") as former:
        change(made)
        left = former.read()
    assert len(left) == len(before)
    assert not any(key in left for key in keys)
    assert made.generations(SHRED)[-1] >= 2


def test_left_overs_of_a_crash_are_overwritten(key_file: Path) -> None:
    initialised(key_file)
    draft, former = key_file.with_name("kms-root.key.new"), key_file.with_name("kms-root.key.old")
    draft.write_text("half a key")
    former.write_text("a former key")
    with draft.open("rb") as one, former.open("rb") as other:
        custody(key_file).generations(SHRED)
        assert b"key" not in one.read() + other.read()
    assert list(key_file.parent.iterdir()) == [key_file]


def test_a_crash_between_the_two_names_keeps_the_file(key_file: Path) -> None:
    made = initialised(key_file)
    key_file.with_name("kms-root.key.old").hardlink_to(key_file)
    assert custody(key_file).store_id == made.store_id


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o644, 0o700, 0o4600])
def test_a_wrong_mode_is_refused(key_file: Path, mode: int) -> None:
    made = initialised(key_file)
    key_file.chmod(mode)
    with pytest.raises(CustodyError, match="mode"):
        custody(key_file)
    with pytest.raises(CustodyError, match="mode"):
        made.generations(SHRED)


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


def test_damaged_content_is_refused_without_being_quoted(key_file: Path) -> None:
    initialised(key_file)
    good = key_file.read_bytes()
    lines = good.splitlines(keepends=True)
    key = lines[2].split()[3].decode()
    damages = [
        b"", b"\xff" * 80, b"craton-kms-root-v1 id AAAA\n", good[:-1], good + b"\n",
        good + lines[2][:-3] + b"\n",
        lines[0] + lines[1], lines[0] + lines[1] + lines[2], good.replace(b"root 1", b"root 0"),
        good.replace(b"root 1", b"root +1"), good.replace(b"root 1", b"none 1"), good.replace(b" ", b"  "),
        good.replace(lines[2].split()[3], lines[2].split()[3].upper() + b"AA"),
        lines[0] + b"store x\n" + b"".join(lines[2:]),
    ]  # fmt: skip
    for content in damages:
        key_file.write_bytes(content)
        with pytest.raises(CustodyError, match="damaged") as caught:
            custody(key_file)
        assert key not in repr(caught.getrepr())
    key_file.write_bytes(good)
    assert custody(key_file).generations(SHRED) == [1]


def test_a_file_that_is_exchanged_under_a_running_process_is_noticed(key_file: Path, tmp_path: Path) -> None:
    made = initialised(key_file)
    other = tmp_path / "other" / "kms-root.key"
    mark_first_boot(other)
    custody(other)
    other.rename(key_file)
    with pytest.raises(CustodyError, match="another store"):
        made.generations(SHRED)


# The file under a passphrase.


def sealed_file(folder: Path) -> Path:
    path = folder / "custody" / "kms-root.key"
    mark_passphrase_boot(path, PASSPHRASE, RANDOM, CHEAP)
    return path


def test_the_sealed_file_holds_no_key(tmp_path: Path) -> None:
    """The canary is found in the file without a passphrase, and nowhere in this one."""

    class Canary:
        def token_bytes(self, count: int) -> bytes:
            return b"\xc5" * count

    mark_first_boot(tmp_path / "plain" / "root.key")
    FileCustody(tmp_path / "plain" / "root.key", Canary())
    canary = (b"\xc5" * 32).hex().encode()
    assert canary in (tmp_path / "plain" / "root.key").read_bytes()
    sealed = tmp_path / "sealed" / "root.key"
    mark_passphrase_boot(sealed, PASSPHRASE, Canary(), CHEAP)
    contents = sealed.read_bytes()
    assert canary not in contents
    assert b"\xc5" * 16 not in contents
    assert PASSPHRASE.reveal() not in contents
    assert oct(sealed.stat().st_mode)[-4:] == "0600"


def test_the_costs_stand_in_the_file_and_are_worth_a_second(tmp_path: Path) -> None:
    path = tmp_path / "custody" / "root.key"
    mark_passphrase_boot(path, PASSPHRASE, RANDOM)
    assert b"argon2id memory_kib=262144 iterations=3 lanes=4 salt=" in path.read_bytes()
    made = PassphraseCustody(path, RANDOM)
    made.unseal(PASSPHRASE)
    assert made.generations(SHRED) == [1]


def test_a_changed_passphrase_is_worth_a_second_as_well(tmp_path: Path) -> None:
    path = sealed_file(tmp_path)
    assert b"memory_kib=64 " in path.read_bytes()
    salt = path.read_bytes().split(b"salt=")[1][:32]
    new = SecretBytes(b"another passphrase")
    PassphraseCustody(path, RANDOM).change_passphrase(PASSPHRASE, new)
    assert b"argon2id memory_kib=262144 iterations=3 lanes=4 salt=" in path.read_bytes()
    assert salt not in path.read_bytes()
    PassphraseCustody(path, RANDOM).unseal(new)
    assert oct(path.stat().st_mode)[-4:] == "0600"


def test_every_flipped_bit_of_the_sealed_file_is_refused(tmp_path: Path) -> None:
    path = sealed_file(tmp_path)
    good = path.read_bytes()
    for position in range(0, len(good) * 8, 3):
        damaged = bytearray(good)
        damaged[position // 8] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises(CustodyError):
            PassphraseCustody(path, RANDOM).unseal(PASSPHRASE)
    path.write_bytes(good)
    PassphraseCustody(path, RANDOM).unseal(PASSPHRASE)


def test_costs_that_nobody_meant_are_refused(tmp_path: Path) -> None:
    """Whoever can write the file must not make kms ask for all memory there is."""
    path = sealed_file(tmp_path)
    good = path.read_bytes()
    for old, new in ((b"memory_kib=64", b"memory_kib=99999999"), (b"iterations=1", b"iterations=999")):
        path.write_bytes(good.replace(old, new))
        with pytest.raises(CustodyError, match="cannot be met"):
            PassphraseCustody(path, RANDOM)
    with pytest.raises(CustodyError):
        Argon2Costs(memory_kib=8, lanes=4)


@pytest.mark.parametrize("passphrase", [b"", b"x" * (MIN_PASSPHRASE - 1), b"x" * 1025])
def test_a_passphrase_has_a_length(tmp_path: Path, passphrase: bytes) -> None:
    with pytest.raises(CustodyError, match="15 to 1024 bytes"):
        mark_passphrase_boot(tmp_path / "custody" / "root.key", SecretBytes(passphrase), RANDOM, CHEAP)
    assert not (tmp_path / "custody").exists()


def test_a_marked_boot_without_a_file_asks_for_its_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "custody" / "root.key"
    mark_first_boot(path)
    with pytest.raises(CustodyError, match="mark the first boot again"):
        PassphraseCustody(path, RANDOM)
    mark_passphrase_boot(path, PASSPHRASE, RANDOM, CHEAP)
    PassphraseCustody(path, RANDOM).unseal(PASSPHRASE)


def test_another_files_passphrase_does_not_open_after_an_exchange(tmp_path: Path) -> None:
    mine, other = sealed_file(tmp_path / "mine"), sealed_file(tmp_path / "other")
    made = PassphraseCustody(mine, RANDOM)
    made.unseal(PASSPHRASE)
    blob = made.wrap(SHRED, 1, MATERIAL, b"")
    other.rename(mine)
    with pytest.raises(CustodyError):
        made.unwrap(SHRED, 1, blob, b"")


def test_the_wrong_passphrase_is_its_own_error(tmp_path: Path) -> None:
    made = PassphraseCustody(sealed_file(tmp_path), RANDOM)
    with pytest.raises(PassphraseError, match="the passphrase is wrong"):
        made.unseal(SecretBytes(b"another passphrase"))
