"""Proofs: those of RFC 6962's definitions, verified, and nothing else."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tlog.trees import consistency, path, tree_hash
from tlog.errors import TlogError
from tlog.hashing import EMPTY_ROOT, fold, leaf_hash
from tlog.proofs import (
    MAX_SIZE,
    Range,
    consistency_ranges,
    inclusion_ranges,
    nodes_of,
    verify_consistency,
    verify_inclusion,
)

ENTRIES = [b"%d" % number for number in range(70)]
REFERENCE = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
"""The leaves with which implementations of Certificate Transparency are compared, and the roots they have."""
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def root(leaves: Range, entries: list[bytes]) -> bytes:
    """The root of a range, from the perfect subtrees that the package names."""
    return fold(
        [
            tree_hash(entries[node.index << node.level : (node.index + 1) << node.level])
            for node in nodes_of(leaves)
        ]
    )


def proof_of(index: int, entries: list[bytes]) -> list[bytes]:
    return [root(leaves, entries) for leaves in inclusion_ranges(index, len(entries))]


def growth_of(first: int, entries: list[bytes]) -> list[bytes]:
    return [root(leaves, entries) for leaves in consistency_ranges(first, len(entries))]


def test_the_reference_trees() -> None:
    entries = [bytes.fromhex(entry) for entry in REFERENCE]
    for size, expected in enumerate(ROOTS):
        assert root(Range(0, size), entries).hex() == expected


def test_every_proof_of_small_trees() -> None:
    for size in range(1, len(ENTRIES) + 1):
        entries, whole = ENTRIES[:size], tree_hash(ENTRIES[:size])
        assert root(Range(0, size), entries) == whole
        for number in range(size):
            proof = proof_of(number, entries)
            assert proof == path(number, entries)
            verify_inclusion(number, size, leaf_hash(entries[number]), proof, whole)
        for first in range(size + 1):
            growth = growth_of(first, entries)
            assert growth == (consistency(first, entries) if first else [])
            verify_consistency(first, size, growth, tree_hash(entries[:first]), whole)


@given(st.integers(1, MAX_SIZE), st.randoms(use_true_random=False))
def test_proofs_of_large_trees_are_short_and_cover_them(size: int, chosen: random.Random) -> None:
    index, first = chosen.randrange(size), chosen.randrange(1, size + 1)
    ranges = inclusion_ranges(index, size)
    assert len(ranges) <= 63
    assert sum(end - start for start, end in ranges) == size - 1
    ranges = consistency_ranges(first, size)
    assert len(ranges) <= 64
    assert all(start >= 0 and end <= size for start, end in ranges)
    assert all(node.level < 63 for leaves in ranges for node in nodes_of(leaves))


def test_what_no_tree_has_is_refused() -> None:
    for index, size in ((0, 0), (3, 3), (-1, 3), (0, -1), (0, MAX_SIZE + 1)):
        with pytest.raises(TlogError):
            inclusion_ranges(index, size)
        with pytest.raises(TlogError):
            verify_inclusion(index, size, bytes(32), [], bytes(32))
    for first, second in ((4, 3), (-1, 3), (0, MAX_SIZE + 1)):
        with pytest.raises(TlogError):
            consistency_ranges(first, second)
        with pytest.raises(TlogError):
            verify_consistency(first, second, [], bytes(32), bytes(32))


def refuses_inclusion(index: int, size: int, leaf: bytes, proof: list[bytes], whole: bytes) -> bool:
    try:
        verify_inclusion(index, size, leaf, proof, whole)
    except TlogError:
        return True
    return False


def test_every_lie_about_inclusion_is_refused() -> None:
    for size in (1, 2, 3, 7, 8, 9, 33, 64, 70):
        entries, whole = ENTRIES[:size], tree_hash(ENTRIES[:size])
        for number in range(size):
            leaf, proof = leaf_hash(entries[number]), proof_of(number, entries)
            lies = [
                *((at, size, leaf, proof, whole) for at in range(size) if at != number),
                (number, size, leaf_hash(b"another"), proof, whole),
                (number, size, leaf, proof, tree_hash([*entries, b"more"])),
                (number, size, leaf, [*proof, bytes(32)], whole),
                (number, size, leaf, [bytes(32), *proof], whole),
                *((number, size, leaf, proof[:at] + proof[at + 1 :], whole) for at in range(len(proof))),
                *(
                    (number, size, leaf, [*proof[:at], bytes(32), *proof[at + 1 :]], whole)
                    for at in range(len(proof))
                ),
                (number, size, leaf, [each[:31] for each in proof], whole[:31]),
            ]
            assert all(refuses_inclusion(*lie) for lie in lies)


def test_every_lie_about_consistency_is_refused() -> None:
    for size in (2, 3, 7, 8, 9, 33, 64, 70):
        entries, whole = ENTRIES[:size], tree_hash(ENTRIES[:size])
        other = tree_hash([*ENTRIES[: size - 1], b"another"])
        for first in range(1, size):
            before, growth = tree_hash(entries[:first]), growth_of(first, entries)
            lies = [
                (first, size, growth, before, other),
                (first, size, growth, tree_hash([*entries[: first - 1], b"another"]), whole),
                (first, size, [*growth, bytes(32)], before, whole),
                (first, size, [bytes(32), *growth], before, whole),
                *((first, size, growth[:at] + growth[at + 1 :], before, whole) for at in range(len(growth))),
                *((at, size, growth, before, whole) for at in range(size + 1) if at != first),
            ]
            for lie in lies:
                with pytest.raises(TlogError):
                    verify_consistency(*lie)


def test_empty_and_equal_trees() -> None:
    verify_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)
    verify_consistency(0, 5, [], EMPTY_ROOT, bytes(32))
    verify_consistency(5, 5, [], bytes(32), bytes(32))
    for lie in (
        (0, 5, [], bytes(32), bytes(32)),
        (0, 5, [bytes(32)], EMPTY_ROOT, bytes(32)),
        (0, 0, [], EMPTY_ROOT, bytes(32)),
        (5, 5, [], bytes(32), EMPTY_ROOT),
        (5, 5, [bytes(32)], bytes(32), bytes(32)),
    ):
        with pytest.raises(TlogError):
            verify_consistency(*lie)
