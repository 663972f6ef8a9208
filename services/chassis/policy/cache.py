"""Compiled policies by their content: many principals share equal documents."""

from collections import OrderedDict
from collections.abc import Sequence

from services.chassis.policy.document import parse
from services.chassis.policy.evaluator import PolicySet

_MAX_SETS = 10_000


class PolicyCache:
    """Compiles sets of documents, each distinct set once while it is in use."""

    def __init__(self, max_sets: int = _MAX_SETS) -> None:
        """Keep at most `max_sets`, those used last."""
        self._max_sets = max_sets
        self._sets: OrderedDict[tuple[str, ...], PolicySet] = OrderedDict()

    def compile(self, documents: Sequence[str]) -> PolicySet:
        """Return the documents compiled. Raises DomainError(UNSUPPORTED_POLICY)."""
        content = tuple(documents)
        compiled = self._sets.get(content)
        if compiled is not None:
            self._sets.move_to_end(content)
            return compiled
        compiled = PolicySet([parse(document) for document in content])
        self._sets[content] = compiled
        if len(self._sets) > self._max_sets:
            self._sets.popitem(last=False)
        return compiled
