"""Checking a whole log: every entry, every tile, and the checkpoint that vouches for them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from tlog import leaf
from tlog.checkpoint import Checkpoint, Trust
from tlog.errors import TlogError
from tlog.note import Note
from tlog.tiles import (
    CHECKPOINT_PATH,
    WIDTH,
    Bundle,
    Tile,
    bundles_between,
    edge_tiles,
    entries_of,
    parse_path,
)
from tlog.tree import EMPTY, grow

_ENTRIES, _PARTIAL = "tile/entries/", ".p/"

Read = Callable[[str], Awaitable[bytes | None]]
"""Returns the log's file of a path, None when there is none."""
Progress = Callable[[int, int], None]
"""Told how many entries of how many are checked."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A log that is whole."""

    checkpoint: Checkpoint
    files: int
    """Tiles and bundles that were compared."""


async def check(read: Read, trust: Trust, progress: Progress | None = None) -> Checked:
    """Read a log from its beginning to its checkpoint and compute anew all that follows from its entries.

    Every entry must be one of an audit log, no event may be there twice, every tile must follow from the
    entries, and their root must be the checkpoint's. The log may grow meanwhile. Memory: about 100 bytes an
    entry. Raises TlogError, which says where.
    """
    checkpoint = trust.checkpoint(Note.parse(await _file(read, CHECKPOINT_PATH)))
    edge, files, seen = EMPTY, 0, set[bytes]()
    for bundle in bundles_between(0, checkpoint.size):
        first = bundle.index * WIDTH
        entries = await _entries(read, bundle)
        for number, entry in enumerate(entries):
            event_id = _event_id(entry, first + number)
            if event_id in seen:
                raise TlogError(f"entry {first + number} has an event that is in the log before")
            seen.add(event_id)
        growth = grow(edge, entries)
        for path, content in growth.files.items():
            # Partial tiles on the way are those of smaller trees.
            if not path.startswith(_ENTRIES) and _PARTIAL not in path:
                await _compare(read, parse_path(path), content)
                files += 1
        edge, files = growth.edge, files + 1
        if progress is not None:
            progress(edge.size, checkpoint.size)
    for tile, hashes in zip(edge_tiles(edge.size), edge.rows, strict=True):
        if tile is not None:
            await _compare(read, tile, b"".join(hashes))
            files += 1
    if edge.root != checkpoint.root:
        raise TlogError("the entries have another root than the checkpoint")
    return Checked(checkpoint, files)


async def _compare(read: Read, tile: Tile | Bundle, content: bytes) -> None:
    found, full = await _current(read, tile)
    if (found[: len(content)] if full else found) != content:
        raise TlogError(f"{tile.path} does not follow from the entries")


async def _current(read: Read, tile: Tile | Bundle) -> tuple[bytes, bool]:
    """Return a file, or the full one that has taken the place of a partial one, and whether it is that."""
    content = await read(tile.path)
    if content is not None:
        return content, False
    return await _file(read, replace(tile, width=WIDTH).path, tile.path), True


async def _file(read: Read, path: str, wanted: str = "") -> bytes:
    content = await read(path)
    if content is None:
        raise TlogError(f"{wanted or path} is missing")
    return content


async def _entries(read: Read, bundle: Bundle) -> list[bytes]:
    content, full = await _current(read, bundle)
    try:
        return entries_of(content, WIDTH if full else bundle.width)[: bundle.width]
    except TlogError as error:
        raise TlogError(f"{bundle.path}: {error}") from error


def _event_id(entry: bytes, index: int) -> bytes:
    try:
        return leaf.parse(entry).event_id
    except TlogError as error:
        raise TlogError(f"entry {index}: {error}") from error
