"""A witness: what it remembers before it signs, whom it follows, and what it refuses."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import services.witness
from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.errors import DomainError
from services.witness.adapters.key_file import KeyFile
from services.witness.adapters.sql_logs import SqlKnownLogs
from services.witness.operations.witnessing import Witnessing
from tests.fakes.databases import make_schema
from tests.unit.tlog.keys import LOG, Signer
from tests.unit.tlog.trees import consistency, tree_hash
from tlog.checkpoint import Checkpoint
from tlog.note import Note, SignatureType, VerifierKey, parse_signature

REVISIONS = Path(services.witness.__file__).parent / "adapters" / "migrations"
ENTRIES = [b"%d" % number for number in range(40)]
FORK = [*ENTRIES[:10], b"another", *ENTRIES[11:]]


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    opened = Database("sqlite://")
    make_schema(opened, REVISIONS)
    yield opened
    await opened.close()


@pytest.fixture
def witness(database: Database, tmp_path: Path) -> Witnessing:
    return made(database, tmp_path)


def made(database: Database, folder: Path, *trusted: VerifierKey) -> Witnessing:
    cosigner = KeyFile(folder / "witness.key", "witness.example/w")
    return Witnessing(SqlKnownLogs(database), cosigner, SystemClock(), trusted)


def note(entries: list[bytes], signer: Signer = LOG) -> Note:
    return signer.sign(Note(Checkpoint(signer.key.name, len(entries), tree_hash(entries)).text, ()))


async def add(witness: Witnessing, entries: list[bytes], old: int, signer: Signer = LOG) -> Note:
    """Ask for a cosignature and return the note with it, verified."""
    proof = consistency(old, entries) if 0 < old <= len(entries) else []
    asked = note(entries, signer)
    line = await witness.add(str(signer.key), old, proof, bytes(asked))
    cosigned = asked.signed(parse_signature(line))
    assert set(cosigned.verify([signer.key, witness.key])) == {signer.key, witness.key}
    return cosigned


async def refusal(asking: Any) -> tuple[str, str]:
    with pytest.raises(DomainError) as refused:
        await asking
    return refused.value.reason_name, refused.value.metadata.get("size", "")


async def test_it_follows_a_log(witness: Witnessing) -> None:
    for old, size in ((0, 5), (5, 5), (5, 32), (32, 40)):
        await add(witness, ENTRIES[:size], old)


async def test_it_says_where_the_proof_must_begin(witness: Witnessing) -> None:
    await add(witness, ENTRIES[:20], 0)
    for old in (0, 19, 21):
        assert await refusal(add(witness, ENTRIES[:30], old)) == ("RESOURCE_STATE", "20")
    assert await refusal(add(witness, ENTRIES[:10], 10)) == ("RESOURCE_STATE", "20")


async def test_it_never_cosigns_two_views(witness: Witnessing, database: Database, tmp_path: Path) -> None:
    await add(witness, ENTRIES[:20], 0)
    assert await refusal(add(witness, FORK[:20], 20)) == ("CONFLICT", "")
    assert await refusal(add(witness, FORK, 20)) == ("CONFLICT", "")
    # Neither after a restart, nor when both come at the same time.
    again = made(database, tmp_path)
    assert again.key == witness.key
    assert await refusal(add(again, FORK, 20)) == ("CONFLICT", "")
    results = await asyncio.gather(
        *(add(each, entries, 20) for each in (witness, again) for entries in (ENTRIES[:30], ENTRIES[:35])),
        return_exceptions=True,
    )
    won = [each for each in results if isinstance(each, Note)]
    assert won
    assert len({each.text for each in won}) == 1


async def test_the_first_key_of_a_log_is_its_key_for_ever(witness: Witnessing) -> None:
    await add(witness, ENTRIES[:5], 0)
    impostor = Signer("impostor", SignatureType.NOTE)
    other = VerifierKey(LOG.key.name, SignatureType.NOTE, impostor.key.public_key)
    impostor.key = other
    assert await refusal(add(witness, ENTRIES[:9], 5, impostor)) == ("ACCESS_DENIED", "")
    # Another log has a name of its own.
    await add(witness, ENTRIES[:3], 0, Signer("other.example/log", SignatureType.NOTE))


async def test_it_follows_whom_it_was_told_to(database: Database, tmp_path: Path) -> None:
    told = made(database, tmp_path, LOG.key)
    await add(told, ENTRIES[:5], 0)
    stranger = Signer("other.example/log", SignatureType.NOTE)
    assert await refusal(add(told, ENTRIES[:5], 0, stranger)) == ("ACCESS_DENIED", "")


@pytest.mark.parametrize(
    ("key", "checkpoint"),
    [
        ("nonsense", bytes(note(ENTRIES))),
        (str(LOG.key), b"nonsense"),
        (str(LOG.key), bytes(Note(note(ENTRIES).text, note(ENTRIES[:5]).signatures))),
        (str(LOG.key), bytes(note(ENTRIES, Signer("other.example/log", SignatureType.NOTE)))),
    ],
)
async def test_what_the_log_has_not_signed(witness: Witnessing, key: str, checkpoint: bytes) -> None:
    assert await refusal(witness.add(key, 0, [], checkpoint)) == ("INVALID_FIELD", "")
    await add(witness, ENTRIES[:5], 0)


async def test_a_cosigners_key_is_no_logs(witness: Witnessing) -> None:
    key = VerifierKey(LOG.key.name, SignatureType.COSIGNATURE, LOG.key.public_key)
    assert (await refusal(witness.add(str(key), 0, [], bytes(note(ENTRIES)))))[0] == "ACCESS_DENIED"


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "witness.key"
    first = KeyFile(file, "witness.example/w")
    assert file.stat().st_mode & 0o777 == 0o600
    assert KeyFile(file, "witness.example/w").key == first.key
    assert [path.name for path in tmp_path.iterdir()] == ["witness.key"]
    file.write_text("nonsense")
    with pytest.raises(ValueError):
        KeyFile(file, "witness.example/w")
