"""What kms keeps is opened by hand, as the documents say; of a deleted key, nothing is, whatever was kept."""

import re
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from cryptography.exceptions import InvalidTag

from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.kms.operations.encryption import Asked
from services.kms.ports import StoreAlteredError, WrapKind
from tests.fakes.custodies import PIN, SOFTHSM, Place
from tests.fakes.kms_installation import Installation
from tests.known_answers import worked_example
from tests.unit.kms.world import call

PLAINTEXT = b"attack at dawn"
CONTEXT = {"tenant": "a", "purpose": "é"}
DAY = 86_400.0


BY_HAND = worked_example.program()


def test_the_program_needs_nothing_of_ours() -> None:
    imported = set(
        re.findall(r"^(?:import|from) ([a-z_0-9]+)", worked_example.PROGRAM.read_text(), re.MULTILINE)
    )
    assert imported == {
        "base64",
        "json",
        "sqlite3",
        "sys",
        "collections",
        "pathlib",
        "typing",
        "cryptography",
    }


async def test_the_worked_example_is_what_kms_makes_today(tmp_path: Path) -> None:
    made = await worked_example.make(tmp_path / "kms")
    again = "python -m tests.known_answers.worked_example"
    for name, content in made.items():
        assert (worked_example.FOLDER / name).read_text() == content, f"out of date: run {again}"


def test_the_worked_example_is_decrypted_as_the_page_shows() -> None:
    printed = worked_example.explained(worked_example.FOLDER)
    assert worked_example.shown_on_page() == printed
    assert bytes.fromhex(printed.split()[-1]) == PLAINTEXT
    page = worked_example.PAGE.read_text()
    assert PLAINTEXT.decode() in page


def custody_of(place: Place, store_id: str) -> Any:
    """What custody does, with none of the service's code."""
    if place.kind == "file":
        found, unwrap = BY_HAND.custody_file(place.file)
        assert found == store_id
        return unwrap

    def in_device(kind: str, generation: int, key_id: bytes, iv: bytes, sealed: bytes, bound: bytes) -> bytes:
        token = pkcs11.lib(str(SOFTHSM)).get_token(token_label="craton-test")
        with token.open(user_pin=PIN.reveal().decode()) as session:
            label = f"craton-kms/{store_id}/{kind}/{generation}"
            key: Any = session.get_key(label=label, id=key_id)
            mechanism = pkcs11.Mechanism.AES_GCM
            return bytes(
                key.decrypt(sealed, mechanism=mechanism, mechanism_param=pkcs11.GCMParams(iv, bound, 128))
            )

    return in_device


def opened(installation: Installation, database: Path, ciphertext: bytes) -> bytes:
    """Open a ciphertext by hand, with a database file and custody as it is now."""
    store_id = installation.custody.store_id
    installation.custody.seal()  # A device lets in one login of a process at a time.
    try:
        with sqlite3.connect(database) as connection:
            plaintext: bytes = BY_HAND.decrypt(
                custody_of(installation.place, store_id), store_id, connection, ciphertext, CONTEXT
            )
        return plaintext
    finally:
        connection.close()
        installation.custody.unseal(installation.place.secret)


@pytest.fixture(params=["file", "pkcs11"])
async def installation(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Installation]:
    made = Installation(tmp_path / "kms", request.param)
    if made.place.kind == "pkcs11":
        monkeypatch.setenv("SOFTHSM2_CONF", made.place.environment()["SOFTHSM2_CONF"])
        pkcs11.lib(str(SOFTHSM)).reinitialize()
    await made.start()
    yield made
    await made.stop()
    if made.place.kind == "pkcs11":
        pkcs11.lib(str(SOFTHSM)).finalize()


async def encrypted(installation: Installation, name: Any) -> bytes:
    ciphertext, _ = await installation.world.encryption.encrypt(
        call(), Asked(str(name), CONTEXT), SecretBytes(PLAINTEXT)
    )
    return ciphertext


async def copied(installation: Installation, to: Path) -> Path:
    """Take a backup of the database, as an operator does: of a kms that stands still."""
    await installation.stop()
    shutil.copy(installation.database_file, to)
    await installation.start()
    return to


async def deleted(installation: Installation, name: Any) -> None:
    await installation.world.deletion.schedule(call(), name, 7)
    installation.clock.advance(7 * DAY + 1)
    assert await installation.world.shredder.delete_due() == [name]


async def test_ciphertexts_of_every_version_open_by_hand(installation: Installation, tmp_path: Path) -> None:
    world = installation.world
    key = await world.key()
    blobs = [await encrypted(installation, key.name)]
    for _ in range(2):
        await world.rotation.rotate(call(), key.name)
        blobs.append(await encrypted(installation, key.name))
    await installation.seal.rotate_root()
    backup = await copied(installation, tmp_path / "backup.sqlite")
    assert [opened(installation, backup, blob) for blob in blobs] == [PLAINTEXT] * 3
    changed = bytearray(blobs[0])
    changed[-1] ^= 1
    with pytest.raises(InvalidTag):
        opened(installation, backup, bytes(changed))


async def test_nothing_of_a_deleted_key_opens_from_yesterdays_database(
    installation: Installation, tmp_path: Path
) -> None:
    """With today's custody, neither by hand nor by kms; of the living keys, only today's database opens."""
    dead, living = await installation.world.key(), await installation.world.key()
    assert dead.page == living.page
    lost, kept = await encrypted(installation, dead.name), await encrypted(installation, living.name)
    yesterday = await copied(installation, tmp_path / "yesterday.sqlite")
    assert opened(installation, yesterday, lost) == PLAINTEXT  # The attempts below can succeed, then.

    await deleted(installation, dead.name)
    today = await copied(installation, tmp_path / "today.sqlite")
    assert list(installation.custody.generations(WrapKind.SHRED)) == [2]
    assert opened(installation, today, kept) == PLAINTEXT
    with pytest.raises(LookupError):
        opened(installation, today, lost)
    for blob in (lost, kept):
        with pytest.raises((KeyError, pkcs11.NoSuchKey)):
            opened(installation, yesterday, blob)


async def test_all_wrapped_material_of_a_deleted_key_is_tried_with_all_keys_there_are(
    installation: Installation, tmp_path: Path
) -> None:
    """Yesterday's record of the version, put before today's page keys, as a thief with everything would."""
    dead, living = await installation.world.key(), await installation.world.key()
    blob, kept = await encrypted(installation, dead.name), await encrypted(installation, living.name)
    before = await copied(installation, tmp_path / "yesterday.sqlite")
    await deleted(installation, dead.name)
    await copied(installation, tmp_path / "mixed.sqlite")
    mixed = tmp_path / "mixed.sqlite"
    with sqlite3.connect(mixed) as connection:
        connection.execute("ATTACH ? AS yesterday", (str(before),))
        connection.execute("INSERT OR IGNORE INTO records SELECT * FROM yesterday.records")
    connection.close()
    assert opened(installation, mixed, kept) == PLAINTEXT
    with pytest.raises(InvalidTag):
        opened(installation, mixed, blob)


async def test_kms_itself_does_not_start_from_yesterday(tmp_path: Path) -> None:
    """Its anchor knows better; and when an operator permits it, custody lacks what the pages hang on."""
    installation = Installation(tmp_path / "kms")
    world = await installation.start()
    dead = (await world.key()).name
    await world.key()
    yesterday = await copied(installation, tmp_path / "yesterday.sqlite")
    await deleted(installation, dead)
    await installation.stop()
    shutil.copy(yesterday, installation.database_file)
    with pytest.raises(StoreAlteredError):
        await installation.start()
    with pytest.raises(DomainError, match="generation 1 of the shred key is not in custody"):
        await installation.start(restored=True)


async def test_a_restored_custody_file_brings_back_what_was_deleted(tmp_path: Path) -> None:
    """Which is what docs/key-hierarchy.md says of backups of custody."""
    installation = Installation(tmp_path / "kms")
    world = await installation.start()
    dead = (await world.key()).name
    blob = await encrypted(installation, dead)
    yesterday = await copied(installation, tmp_path / "yesterday.sqlite")
    custody = installation.place.file.read_bytes()
    await deleted(installation, dead)
    installation.place.file.write_bytes(custody)
    assert opened(installation, yesterday, blob) == PLAINTEXT
    await installation.stop()
    with pytest.raises(DomainError, match="generation 2 of the shred key is not in custody"):
        await installation.start()
