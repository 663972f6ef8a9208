"""The contract of root custody, for every adapter."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.adapters.custodies import adopt_custody
from services.kms.adapters.first_boot import first_boot_mark, mark_first_boot
from services.kms.ports import CustodyError, CustodySealedError, PassphraseError, RootCustody, WrapKind
from tests.fakes.custodies import BOUND, MATERIAL, Place

ROOT, SHRED = WrapKind.ROOT, WrapKind.SHRED
RANDOM = SystemRandomness()
REPOSITORY = Path(__file__).parents[3]
OTHER_STORE = b"00000000-0000-4000-8000-000000000000"
Reopened = Callable[[], RootCustody]


def wrapped(custody: RootCustody, kind: WrapKind, generation: int = 1) -> bytes:
    return custody.wrap(kind, generation, MATERIAL, BOUND)


def opens(custody: RootCustody, kind: WrapKind, generation: int, blob: bytes) -> bool:
    try:
        return custody.unwrap(kind, generation, blob, BOUND) == MATERIAL
    except CustodyError:
        return False


def test_it_says_what_it_is(place: Place, custody: RootCustody) -> None:
    assert custody.kind == place.kind
    assert len(custody.store_id) == 36


def test_the_first_generations_are_made_by_the_first_boot(custody: RootCustody) -> None:
    assert [list(custody.generations(kind)) for kind in WrapKind] == [[1], [1]]


def test_keys_outlive_the_process(custody: RootCustody, reopened: Reopened) -> None:
    blobs = {kind: wrapped(custody, kind) for kind in WrapKind}
    again = reopened()
    assert again.store_id == custody.store_id
    for kind, blob in blobs.items():
        assert again.unwrap(kind, 1, blob, BOUND) == MATERIAL


@pytest.mark.parametrize("size", [0, 1, 32, 64])
def test_up_to_64_bytes_are_wrapped(custody: RootCustody, size: int) -> None:
    material = SecretBytes(bytes(range(size)))
    assert custody.unwrap(SHRED, 1, custody.wrap(SHRED, 1, material, b""), b"") == material


def test_more_is_refused(custody: RootCustody) -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        custody.wrap(SHRED, 1, SecretBytes(bytes(65)), b"")


def test_nothing_is_wrapped_twice_to_the_same(custody: RootCustody) -> None:
    assert len({wrapped(custody, ROOT) for _ in range(50)}) == 50


def test_generations_count_up_and_all_of_them_open(custody: RootCustody, reopened: Reopened) -> None:
    first = wrapped(custody, SHRED)
    assert custody.add_generation(SHRED) == 2
    assert list(custody.generations(SHRED)) == [1, 2]
    assert list(custody.generations(ROOT)) == [1]
    second = wrapped(custody, SHRED, 2)
    again = reopened()
    assert list(again.generations(SHRED)) == [1, 2]
    assert opens(again, SHRED, 1, first)
    assert opens(again, SHRED, 2, second)


def test_what_is_wrapped_is_bound_to_everything(custody: RootCustody) -> None:
    custody.add_generation(SHRED)
    custody.add_generation(ROOT)
    blob = wrapped(custody, SHRED, 1)
    assert opens(custody, SHRED, 1, blob)
    assert not opens(custody, SHRED, 2, blob)
    assert not opens(custody, ROOT, 1, blob)
    assert not opens(custody, ROOT, 2, blob)
    for other in (b"", BOUND[:-1], BOUND + b"\x00", b"x" + BOUND):
        with pytest.raises(CustodyError):
            custody.unwrap(SHRED, 1, blob, other)


def test_a_relabelled_blob_is_refused(custody: RootCustody) -> None:
    """Its header may say what it likes: the generation that it was wrapped under is authenticated."""
    custody.add_generation(SHRED)
    old, new = wrapped(custody, SHRED, 1), wrapped(custody, SHRED, 2)
    for header in (old[:6] + new[6:22], new[:22]):
        assert not opens(custody, SHRED, 2, header + old[22:])
        assert not opens(custody, SHRED, 1, header + old[22:])


def test_every_flipped_bit_and_every_cut_is_refused(custody: RootCustody) -> None:
    blob = wrapped(custody, SHRED)
    for position in range(len(blob) * 8):
        damaged = bytearray(blob)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(CustodyError):
            custody.unwrap(SHRED, 1, bytes(damaged), BOUND)
    for length in range(len(blob)):
        with pytest.raises(CustodyError):
            custody.unwrap(SHRED, 1, blob[:length], BOUND)
    for longer in (blob + b"\x00", blob * 2, blob + bytes(1000)):
        with pytest.raises(CustodyError):
            custody.unwrap(SHRED, 1, longer, BOUND)
    assert custody.unwrap(SHRED, 1, blob, BOUND) == MATERIAL


def test_destroyed_stays_destroyed(custody: RootCustody, reopened: Reopened) -> None:
    old = wrapped(custody, SHRED, 1)
    custody.add_generation(SHRED)
    new = wrapped(custody, SHRED, 2)
    root = wrapped(custody, ROOT, 1)
    custody.destroy_before(SHRED, 2)
    for open_one in (lambda: custody, reopened):
        each = open_one()
        assert list(each.generations(SHRED)) == [2]
        assert opens(each, SHRED, 2, new)
        assert opens(each, ROOT, 1, root)
        with pytest.raises(CustodyError, match="generation 1 of the shred key is not in custody"):
            each.unwrap(SHRED, 1, old, BOUND)
        with pytest.raises(CustodyError):
            each.wrap(SHRED, 1, MATERIAL, BOUND)
    again = reopened()
    again.destroy_before(SHRED, 2)
    assert again.add_generation(SHRED) == 3
    assert not opens(again, SHRED, 1, old)


def test_the_last_key_is_never_destroyed(custody: RootCustody) -> None:
    with pytest.raises(CustodyError, match="make the next generation first"):
        custody.destroy_before(SHRED, 2)
    assert list(custody.generations(SHRED)) == [1]


def test_sealed_custody_does_nothing_but_say_who_it_is(place: Place, custody: RootCustody) -> None:
    blob = wrapped(custody, SHRED)
    custody.seal()
    assert custody.sealed
    assert custody.kind == place.kind
    assert len(custody.store_id) == 36
    uses: list[Callable[[], Any]] = [
        lambda: custody.generations(ROOT),
        lambda: custody.add_generation(ROOT),
        lambda: custody.destroy_before(ROOT, 1),
        lambda: custody.wrap(SHRED, 1, MATERIAL, BOUND),
        lambda: custody.unwrap(SHRED, 1, blob, BOUND),
        custody.complete_first_boot,
    ]
    for use in uses:
        with pytest.raises(CustodySealedError):
            use()
    custody.seal()
    custody.unseal(place.secret)
    custody.unseal(place.secret)
    assert not custody.sealed
    assert opens(custody, SHRED, 1, blob)


def test_only_the_right_secret_unseals(place: Place, custody: RootCustody) -> None:
    if place.kind == "file":
        pytest.skip("there is no secret: whoever has kms's uid has the file")
    custody.seal()
    right = place.secret.reveal()
    for wrong in (b"", right[:-1], right + b"x", b"11111111", b"\xff" * 16):
        with pytest.raises(PassphraseError) as caught:
            custody.unseal(SecretBytes(wrong))
        assert custody.sealed
        assert right.decode() not in str(caught.value)
    custody.unseal(place.secret)
    with pytest.raises(PassphraseError):
        custody.unseal(SecretBytes(b"another passphrase"))
    assert not custody.sealed


NEW = SecretBytes(b"another staple, of another horse")


def test_a_passphrase_is_changed_by_whoever_knows_it(
    place: Place, custody: RootCustody, reopened: Reopened
) -> None:
    blob = wrapped(custody, SHRED)
    if place.kind != "passphrase":
        with pytest.raises(CustodyError):
            custody.change_passphrase(place.secret, NEW)
        assert opens(custody, SHRED, 1, blob)
        return
    before = place.file.read_bytes()
    for present, new, refused in (
        (SecretBytes(b"not the present one"), NEW, PassphraseError),
        (place.secret, SecretBytes(b"x" * 14), CustodyError),
        (place.secret, SecretBytes(b"x" * 1025), CustodyError),
    ):
        with pytest.raises(refused):
            custody.change_passphrase(present, new)
    assert place.file.read_bytes() == before
    elsewhere = place.open()
    custody.change_passphrase(place.secret, NEW)
    assert not custody.sealed
    assert opens(custody, SHRED, 1, blob)
    assert custody.add_generation(ROOT) == 2
    with pytest.raises(CustodyError, match="seal and unseal"):
        elsewhere.wrap(SHRED, 1, MATERIAL, BOUND)
    custody.seal()
    with pytest.raises(PassphraseError):
        custody.unseal(place.secret)
    custody.change_passphrase(NEW, place.secret)
    assert custody.sealed
    assert opens(reopened(), SHRED, 1, blob)


def test_without_a_mark_nothing_is_made(place: Place, custody: RootCustody) -> None:
    custody.seal()
    place.file.unlink()
    with pytest.raises(CustodyError, match="no first boot is marked"):
        place.open()
    assert not place.file.exists()


def test_the_first_boot_is_marked_once(place: Place, custody: RootCustody) -> None:
    assert not custody.first_boot
    with pytest.raises(CustodyError, match="has had its first boot"):
        mark_first_boot(place.file)


def test_the_mark_outlives_a_crash_of_the_first_boot(place: Place, reopened: Reopened) -> None:
    first = reopened()
    blob = wrapped(first, ROOT)
    again = reopened()
    assert again.first_boot
    assert again.store_id == first.store_id
    assert opens(again, ROOT, 1, blob)
    again.complete_first_boot()
    assert not first_boot_mark(place.file).exists()
    assert not reopened().first_boot


def test_the_custody_of_another_store_opens_nothing(place: Place, custody: RootCustody) -> None:
    """Even with the same keys: what was wrapped is bound to the store."""
    blob = wrapped(custody, ROOT)
    custody.seal()
    contents = place.file.read_bytes()
    place.file.write_bytes(contents.replace(custody.store_id.encode(), OTHER_STORE))
    if place.kind == "file":
        assert not opens(place.open(), ROOT, 1, blob)
    else:
        # The passphrase's key is bound to the store as well; a device has no key that is labelled so.
        with pytest.raises(CustodyError):
            place.open()


def test_two_processes_use_one_custody(place: Place, custody: RootCustody) -> None:
    custody.seal()
    environment = os.environ | place.environment()
    command = [sys.executable, "-m", "tests.fakes.custodies", place.kind, str(place.folder), "8"]
    processes = [
        subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    answers = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        out, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, complaint
        answers += [json.loads(line) for line in out.splitlines()]
    again = place.open()
    try:
        assert len(answers) == 16
        for generation, blob in answers:
            assert opens(again, ROOT, generation, base64.b64decode(blob))
        existing = list(again.generations(ROOT))
        assert existing == list(range(1, existing[-1] + 1))
        again.destroy_before(ROOT, existing[-1])
        assert list(again.generations(ROOT)) == existing[-1:]
    finally:
        again.seal()


def test_a_destruction_elsewhere_is_seen_at_once(place: Place, custody: RootCustody) -> None:
    if place.kind == "pkcs11":
        pytest.skip("one process has one session of the device: two processes are tried above")
    old = wrapped(custody, SHRED)
    elsewhere = place.open()
    elsewhere.add_generation(SHRED)
    elsewhere.destroy_before(SHRED, 2)
    assert not opens(custody, SHRED, 1, old)
    assert list(custody.generations(SHRED)) == [2]


def test_threads_take_turns(custody: RootCustody) -> None:
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(20):
                blob = custody.wrap(SHRED, 1, MATERIAL, b"%d" % number)
                assert custody.unwrap(SHRED, 1, blob, b"%d" % number) == MATERIAL
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


@pytest.mark.parametrize("operation", ["open", "add", "destroy"])
def test_a_crash_between_any_two_steps_leaves_a_usable_custody(place: Place, operation: str) -> None:
    command = [sys.executable, "-m", "tests.fakes.custody_crashes", place.kind, str(place.folder), operation]
    environment = os.environ | place.environment()
    ended = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 10


def test_keys_of_a_file_are_adopted(place: Place, tmp_path_factory: pytest.TempPathFactory) -> None:
    """How an installation moves out of development custody: what hangs on the file opens afterwards."""
    if place.kind == "file":
        with pytest.raises(CustodyError, match="move the file"):
            adopt_custody(place.settings(), place.file, place.secret, RANDOM)
        return
    source = Place("file", tmp_path_factory.mktemp("source"))
    source.mark()
    former = source.open()
    former.add_generation(SHRED)
    blobs = {
        (kind, each): wrapped(former, kind, each) for kind in WrapKind for each in former.generations(kind)
    }
    # Whatever custody was begun here is not in use.
    place.file.unlink(missing_ok=True)
    first_boot_mark(place.file).unlink()
    adopt_custody(place.settings(), source.file, place.secret, RANDOM)
    if place.kind == "pkcs11":
        adopt_custody(place.settings(), source.file, place.secret, RANDOM)
    else:
        with pytest.raises(CustodyError, match="exists"):
            adopt_custody(place.settings(), source.file, place.secret, RANDOM)
    custody = place.open()
    assert custody.store_id == former.store_id
    assert not custody.first_boot
    for (kind, generation), blob in blobs.items():
        assert opens(custody, kind, generation, blob)
    assert [list(custody.generations(kind)) for kind in WrapKind] == [[1], [1, 2]]
    assert custody.add_generation(SHRED) == 3
    custody.destroy_before(SHRED, 3)
    assert not opens(custody, SHRED, 1, blobs[SHRED, 1])
    # The file that was left behind still opens what was wrapped under it: it must be destroyed as well.
    assert opens(former, SHRED, 1, blobs[SHRED, 1])
    custody.seal()


def test_nothing_shows_a_key(place: Place, custody: RootCustody) -> None:
    shown = f"{custody!r} {custody} {vars(custody)}".encode()
    assert place.secret.reveal() not in shown or place.kind == "file"
    if place.kind == "file":
        for line in place.file.read_bytes().splitlines()[2:]:
            assert line.split()[3] not in shown
