"""Compiled policies by their content: many principals share equal documents."""

from collections import OrderedDict
from collections.abc import Sequence

from services.chassis.policy.document import parse
from services.chassis.policy.evaluator import PolicySet

MAX_CHARS = 8_000_000
"""Characters of documents that are kept compiled: about 28 bytes of memory each, so a quarter gigabyte at
the most, whatever tenants write."""


class PolicyCache:
    """Compiles sets of documents, each distinct set once while it is in use."""

    def __init__(self, max_chars: int = MAX_CHARS) -> None:
        """Keep the sets used last, of at most `max_chars` together."""
        self._max_chars = max_chars
        self._chars = 0
        self._sets: OrderedDict[tuple[str, ...], PolicySet] = OrderedDict()

    def compile(self, documents: Sequence[str]) -> PolicySet:
        """Return the documents compiled. Raises DomainError(UNSUPPORTED_POLICY).

        A set that has to make room is retired, which frees its memory wherever it is still held.
        """
        content = tuple(documents)
        compiled = self._sets.get(content)
        if compiled is not None:
            self._sets.move_to_end(content)
            return compiled
        compiled = PolicySet([parse(document) for document in content])
        self._sets[content] = compiled
        self._chars += _size(content)
        while self._chars > self._max_chars and len(self._sets) > 1:
            evicted, retired = self._sets.popitem(last=False)
            self._chars -= _size(evicted)
            retired.retire()
        return compiled


def _size(content: tuple[str, ...]) -> int:
    return sum(map(len, content))
