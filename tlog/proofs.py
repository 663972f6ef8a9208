"""Inclusion and consistency proofs: which nodes they consist of, and how they are verified.

RFC 6962, sections 2.1.1 and 2.1.2, say what a proof is; RFC 9162, sections 2.1.3.2 and 2.1.4.2, how it is
verified. A prover asks here for the ranges of leaves whose roots make the proof, reads them where it keeps
its nodes, and folds each range.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tlog.errors import TlogError
from tlog.hashing import EMPTY_ROOT, HASH_BYTES, node_hash

MAX_SIZE = 2**63 - 1
"""No tree is larger: sizes fit a signed number of 64 bits wherever they are kept."""


@dataclass(frozen=True, slots=True)
class Node:
    """The root of a perfect subtree: the leaves from `index << level` to below `(index + 1) << level`."""

    level: int
    index: int


class Range(NamedTuple):
    """The leaves from `start` to below `end`, which a tree of some size has below one node."""

    start: int
    end: int


def nodes_of(leaves: Range) -> list[Node]:
    """Return the perfect subtrees of a range, from the left; their hashes fold to the range's root.

    The range is one of a tree: it starts where a subtree of its size may.
    """
    nodes, start = [], leaves.start
    while start < leaves.end:
        level = (leaves.end - start).bit_length() - 1
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return nodes


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Return the ranges whose roots prove that a leaf stands at `index` of a tree, its sibling first.

    Raises TlogError when a tree of `size` leaves has no such leaf.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise TlogError(f"a tree of {size} leaves has none at {index}")
    proof: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _left(end - start)
        if index < middle:
            proof.append(Range(middle, end))
            end = middle
        else:
            proof.append(Range(start, middle))
            start = middle
    proof.reverse()
    return proof


def consistency_ranges(first: int, second: int) -> list[Range]:
    """Return the ranges whose roots prove that a tree of `second` leaves begins with one of `first`.

    Raises TlogError when it is not larger or as large.
    """
    if not 0 <= first <= second <= MAX_SIZE:
        raise TlogError(f"a tree of {second} leaves cannot begin with {first}")
    if first in (0, second):
        return []
    proof: list[Range] = []
    start, end = 0, second
    while first != end:
        middle = start + _left(end - start)
        if first <= middle:
            proof.append(Range(middle, end))
            end = middle
        else:
            proof.append(Range(start, middle))
            start = middle
    if start > 0:
        # The verifier knows the smaller tree's root, but not the root of its last part.
        proof.append(Range(start, end))
    proof.reverse()
    return proof


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Verify that the hash `leaf` stands at `index` in the tree of `size` leaves with this root.

    Raises TlogError.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise TlogError(f"a tree of {size} leaves has none at {index}")
    _check_hashes((leaf, root, *proof))
    place, last, found = index, size - 1, leaf
    for each in proof:
        if last == 0:
            raise TlogError("the inclusion proof is too long")
        if place & 1 or place == last:
            found = node_hash(each, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, each)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise TlogError("the inclusion proof is too short")
    if found != root:
        raise TlogError("the inclusion proof leads to another root")


def verify_consistency(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """Verify that the tree of `second` leaves begins with that of `first`. Raises TlogError."""
    if not 0 <= first <= second <= MAX_SIZE:
        raise TlogError(f"a tree of {second} leaves cannot begin with {first}")
    _check_hashes((first_root, second_root, *proof))
    if first == 0 and first_root != EMPTY_ROOT:
        raise TlogError("an empty tree has another root")
    if second == 0 and second_root != EMPTY_ROOT:
        raise TlogError("an empty tree has another root")
    if first in (0, second):
        if proof:
            raise TlogError("the consistency proof is too long")
        if first == second and first_root != second_root:
            raise TlogError("two trees of one size have different roots")
        return
    _walk_consistency(first, second, list(proof), first_root, second_root)


def _walk_consistency(
    first: int, second: int, path: list[bytes], first_root: bytes, second_root: bytes
) -> None:
    if first & (first - 1) == 0:
        # The smaller tree is one subtree of the larger: its root begins the path.
        path.insert(0, first_root)
    if not path:
        raise TlogError("the consistency proof is too short")
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for each in path[1:]:
        if last == 0:
            raise TlogError("the consistency proof is too long")
        if place & 1 or place == last:
            old, new = node_hash(each, old), node_hash(each, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, each)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise TlogError("the consistency proof is too short")
    if old != first_root or new != second_root:
        raise TlogError("the consistency proof leads to other roots")


def _left(count: int) -> int:
    """Return how many leaves the left subtree of a tree of `count` (at least 2) has."""
    return 1 << ((count - 1).bit_length() - 1)


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise TlogError(f"a hash has {HASH_BYTES} bytes")
