"""The tree as it grows: the same files and roots, in whatever steps the entries come."""

import random

import pytest

from tests.unit.tlog.trees import tree_hash
from tlog.errors import TlogError
from tlog.tiles import (
    Bundle,
    Tile,
    bundles_between,
    edge_tiles,
    entries_of,
    hashes_of,
    parse_path,
    tiles_between,
)
from tlog.tree import EMPTY, Edge, grow

ENTRIES = [b"entry %d" % number for number in range(66_000)]


def grown(steps: list[int]) -> tuple[Edge, dict[str, bytes]]:
    edge, files = EMPTY, {}
    for size in steps:
        growth = grow(edge, ENTRIES[edge.bundle_start : size])
        named = {tile.path for tile in tiles_between(edge.size, size)}
        named |= {bundle.path for bundle in bundles_between(edge.size, size)}
        assert set(growth.files) == named
        files |= growth.files
        edge = growth.edge
        assert edge.size == size
    return edge, files


@pytest.mark.parametrize("seed", range(6))
def test_steps_make_no_difference(seed: int) -> None:
    chosen = random.Random(seed)
    size = chosen.choice([1, 255, 256, 257, 512, 5_000, 65_535, 65_536, 66_000])
    steps = sorted({size, *(chosen.randrange(1, size + 1) for _ in range(20))})
    edge, files = grown(steps)
    assert edge.root == tree_hash(ENTRIES[:size])
    whole = grown([size])
    assert whole[0] == edge
    assert whole[1].items() <= files.items()
    for path, content in files.items():
        tile = parse_path(path)
        if isinstance(tile, Bundle):
            start = tile.index * 256
            assert entries_of(content, tile.width) == ENTRIES[start : start + tile.width]
    for tile, row in zip(edge_tiles(size), edge.rows, strict=True):
        assert (() if tile is None else tuple(hashes_of(tile, files[tile.path]))) == row


def test_nothing_new_is_no_growth() -> None:
    edge, _ = grown([300])
    growth = grow(edge, ENTRIES[256:300])
    assert growth.edge == edge
    assert set(growth.files) == {Bundle(1, 44).path}
    assert Tile(0, 1, 44).path not in growth.files


def test_entries_that_are_others_now_are_noticed() -> None:
    edge, _ = grown([300])
    with pytest.raises(TlogError, match="entry 290 is another"):
        grow(edge, [*ENTRIES[256:290], b"another", *ENTRIES[291:310]])
    with pytest.raises(TlogError, match="entry 299 is gone"):
        grow(edge, ENTRIES[256:299])


def test_an_empty_log() -> None:
    assert grow(EMPTY, []).edge == EMPTY
    assert EMPTY.root == tree_hash([])
