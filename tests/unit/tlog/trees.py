"""Trees by RFC 6962's own recursive definitions, against which the package is tested."""

from collections.abc import Sequence
from hashlib import sha256


def tree_hash(entries: Sequence[bytes]) -> bytes:
    """MTH of section 2.1."""
    if not entries:
        return sha256().digest()
    if len(entries) == 1:
        return sha256(b"\0" + entries[0]).digest()
    middle = split(len(entries))
    return sha256(b"\1" + tree_hash(entries[:middle]) + tree_hash(entries[middle:])).digest()


def path(index: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH of section 2.1.1."""
    if len(entries) == 1:
        return []
    middle = split(len(entries))
    if index < middle:
        return [*path(index, entries[:middle]), tree_hash(entries[middle:])]
    return [*path(index - middle, entries[middle:]), tree_hash(entries[:middle])]


def consistency(first: int, entries: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    """PROOF and SUBPROOF of section 2.1.2."""
    if first == len(entries):
        return [] if whole else [tree_hash(entries)]
    middle = split(len(entries))
    if first <= middle:
        return [*consistency(first, entries[:middle], whole=whole), tree_hash(entries[middle:])]
    return [*consistency(first - middle, entries[middle:], whole=False), tree_hash(entries[:middle])]


def split(count: int) -> int:
    """The largest power of two below `count`."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power
