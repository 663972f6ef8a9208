"""Checking a whole log: whatever is changed in one of its files is found, and where."""

import pytest

from tests.unit.tlog.keys import LOG, Signer
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.fsck import check
from tlog.leaf import LeafHeader
from tlog.note import Note, SignatureType
from tlog.tiles import CHECKPOINT_PATH
from tlog.tree import EMPTY, grow

TRUST = Trust(LOG.key)


def entry(number: int) -> bytes:
    return bytes(LeafHeader(number.to_bytes(16, "big"), number, b"k" * 16, b"c" * 32)) + bytes(
        61 + number % 40
    )


ENTRIES = [entry(number) for number in range(70_000)]


def log(entries: list[bytes], steps: tuple[int, ...] = ()) -> dict[str, bytes]:
    edge, files = EMPTY, {}
    for size in (*steps, len(entries)):
        growth = grow(edge, entries[edge.bundle_start : size])
        edge = growth.edge
        files |= growth.files
    checkpoint = Checkpoint(LOG.key.name, edge.size, edge.root)
    return files | {CHECKPOINT_PATH: bytes(LOG.sign(Note(checkpoint.text, ())))}


async def checked(files: dict[str, bytes]) -> int:
    async def read(path: str) -> bytes | None:
        return files.get(path)

    return (await check(read, TRUST)).checkpoint.size


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 1_000])
async def test_a_log_that_is_whole(size: int) -> None:
    assert await checked(log(ENTRIES[:size])) == size
    assert await checked(log(ENTRIES[:size], (size // 3, size // 2))) == size


async def test_a_log_of_three_levels_and_its_progress() -> None:
    files, seen = log(ENTRIES), []

    async def read(path: str) -> bytes | None:
        return files.get(path)

    done = await check(read, TRUST, lambda count, size: seen.append((count, size)))
    assert done.checkpoint.size == 70_000
    # As many as C2SP's example has, bundles and tiles.
    assert done.files == 274 + 274 + 2 + 1
    assert seen[0] == (256, 70_000)
    assert seen[-1] == (70_000, 70_000)


async def test_a_log_that_grows_meanwhile() -> None:
    """The partial tiles of the checkpoint that was read first are gone when the full ones are there."""
    before, after = log(ENTRIES[:300]), log(ENTRIES[:900])

    async def read(path: str) -> bytes | None:
        gone = path.partition(".p/")[0] in after
        return before.get(path) if path == CHECKPOINT_PATH or not gone else after.get(path)

    assert (await check(read, TRUST)).checkpoint.size == 300


async def test_every_changed_or_missing_file_is_found() -> None:
    whole = log(ENTRIES[:1_000])
    for path, content in whole.items():
        for changed in (None, content[:-1], content[:-1] + bytes((content[-1] ^ 1,)), content + b"\0"):
            files = {**whole, path: changed}
            with pytest.raises(TlogError):
                await checked({name: value for name, value in files.items() if value is not None})


@pytest.mark.parametrize(
    "entries",
    [
        [*ENTRIES[:300], ENTRIES[7], *ENTRIES[300:400]],
        [*ENTRIES[:300], b"no entry", *ENTRIES[300:400]],
    ],
)
async def test_what_an_honest_log_never_has(entries: list[bytes]) -> None:
    with pytest.raises(TlogError, match="entry 300"):
        await checked(log(entries))


@pytest.mark.parametrize(
    "entries",
    [
        [*ENTRIES[:300], *ENTRIES[301:400]],
        [*ENTRIES[:300], ENTRIES[301], ENTRIES[300], *ENTRIES[302:400]],
        ENTRIES[:399],
    ],
)
async def test_entries_that_are_removed_or_exchanged(entries: list[bytes]) -> None:
    """Whoever rewrites all files still lacks the key for another checkpoint of this size."""
    with pytest.raises(TlogError):
        await checked(log(entries) | {CHECKPOINT_PATH: log(ENTRIES[:400])[CHECKPOINT_PATH]})


async def test_another_logs_key_vouches_for_nothing() -> None:
    other = Signer("other.example/log", SignatureType.NOTE)
    checkpoint = Checkpoint(LOG.key.name, 0, EMPTY.root)
    with pytest.raises(TlogError):
        await checked({CHECKPOINT_PATH: bytes(other.sign(Note(checkpoint.text, ())))})
