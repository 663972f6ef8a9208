"""Tiles: names and contents as C2SP has them, and trees that are computed from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tlog.trees import tree_hash
from tlog.errors import TlogError
from tlog.hashing import leaf_hash
from tlog.proofs import MAX_SIZE, Node
from tlog.tiles import (
    Bundle,
    Tile,
    bundles_between,
    edge_tiles,
    encode_bundle,
    entries_of,
    hashes_of,
    node_in,
    parent_hash,
    parse_path,
    root_of,
    tile_of,
    tiles_between,
    width_at,
)

ENTRIES = [b"entry %d" % number for number in range(70_000)]


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 1_234_067, 256), "tile/0/x001/x234/067"),
        (Tile(63, 5, 1), "tile/63/005.p/1"),
        (Bundle(999, 255), "tile/entries/999.p/255"),
        (Bundle(1_000, 256), "tile/entries/x001/000"),
    ],
)
def test_paths(tile: Tile | Bundle, path: str) -> None:
    assert tile.path == path
    assert parse_path(path) == tile


@given(st.integers(0, 63), st.integers(0, 2**55), st.integers(1, 256))
def test_every_path_is_read_again(level: int, index: int, width: int) -> None:
    for tile in (Tile(level, index, width), Bundle(index, width)):
        assert parse_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        *("", "checkpoint", "tile/0/0", "tile/00/000", "tile/64/000", "tile/0/x000/000", "tile/0/000.p/256"),
        *("tile/0/000.p/0", "tile/0/000.p/01", "tile/0/x01/000", "/tile/0/000", "tile/0/000\n", "tile/0/٠٠٠"),
        *("tile/data/000", "tile/entries/../000", "tile/0/x001/234/067"),
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(TlogError):
        parse_path(path)


def test_the_tiles_of_the_specifications_example() -> None:
    tiles = list(tiles_between(0, 70_000))
    widths = {level: [tile.width for tile in tiles if tile.level == level] for level in range(4)}
    assert widths == {0: [256] * 273 + [112], 1: [256, 17], 2: [1], 3: []}
    assert list(tiles_between(0, 256)) == [Tile(0, 0, 256), Tile(1, 0, 1)]
    assert [bundle.width for bundle in bundles_between(0, 70_000)] == [256] * 273 + [112]


def grown(sizes: list[int]) -> dict[tuple[int, int], list[bytes]]:
    """All tiles of a log that has had these sizes, each made from what is new or from the level below."""
    held: dict[tuple[int, int], list[bytes]] = {}
    before = 0
    for size in sizes:
        for bundle in bundles_between(before, size):
            start = bundle.index * 256
            content = encode_bundle(ENTRIES[start : start + bundle.width])
            assert entries_of(content, bundle.width) == ENTRIES[start : start + bundle.width]
            tile = Tile(0, bundle.index, bundle.width)
            held[0, bundle.index] = hashes_of(
                tile, b"".join(map(leaf_hash, entries_of(content, bundle.width)))
            )
        for tile in tiles_between(before, size):
            if tile.level:
                below = [held[tile.level - 1, tile.index * 256 + number] for number in range(tile.width)]
                held[tile.level, tile.index] = [parent_hash(hashes) for hashes in below]
        before = size
    return held


@pytest.mark.parametrize(
    "sizes", [[1], [255], [256], [257], [1, 300, 65_535], [65_536], [10, 65_537, 70_000]]
)
def test_the_root_follows_from_the_last_tiles(sizes: list[int]) -> None:
    size = sizes[-1]
    held = grown(sizes)
    edge = [[] if tile is None else held[tile.level, tile.index] for tile in edge_tiles(size)]
    assert root_of(edge) == tree_hash(ENTRIES[:size])
    assert {(tile.level, tile.index) for tile in tiles_between(0, size)} == set(held)
    for node in (Node(0, 0), Node(0, size - 1), Node(size.bit_length() - 1, 0)):
        tile = tile_of(node, size)
        leaves = ENTRIES[node.index << node.level : (node.index + 1) << node.level]
        assert node_in(node, held[tile.level, tile.index][: tile.width]) == tree_hash(leaves)


@given(st.integers(1, MAX_SIZE))
def test_every_node_is_in_one_tile(size: int) -> None:
    level = size.bit_length() - 1
    tile = tile_of(Node(level, 0), size)
    assert 1 <= tile.width == width_at(tile.level, tile.index, size)
    with pytest.raises(TlogError):
        tile_of(Node(level, 1), size)
    with pytest.raises(TlogError):
        tile_of(Node(0, size), size)


def test_contents_that_are_none() -> None:
    with pytest.raises(TlogError):
        hashes_of(Tile(0, 0, 2), bytes(65))
    with pytest.raises(TlogError):
        node_in(Node(2, 0), [leaf_hash(b"")] * 3)
    with pytest.raises(TlogError):
        encode_bundle([bytes(65_536)])
    content = encode_bundle([b"a", b"", b"ccc"])
    assert entries_of(content, 3) == [b"a", b"", b"ccc"]
    for wrong in (content[:-1], content + b"\0", content + b"\0\0", b"", b"\xff\xff"):
        with pytest.raises(TlogError):
            entries_of(wrong, 3)
