"""What the clients of one listener may hold of it, together and each of them."""

from collections.abc import Sequence

_SHARE = 2
"""One workload, however many connections it has, can use up one half of the room, not all of it."""


class Budget:
    """Bytes of requests that may be held before their handlers begin, and connections of one workload."""

    __slots__ = ("_shares", "connections", "limit", "used")

    def __init__(self, limit: int, connections: int) -> None:
        """Allow `limit` bytes to all workloads together, and `connections` to each of them."""
        self.limit = limit
        self.connections = connections
        self.used = 0
        self._shares: dict[tuple[bytes, ...], Share] = {}

    def join(self, names: Sequence[bytes]) -> "Share | None":
        """Count a connection of the workload with these names; None when it has too many."""
        key = tuple(names)
        share = self._shares.get(key)
        if share is None:
            share = self._shares[key] = Share(self, key)
        if share.connections >= self.connections:
            return None
        share.connections += 1
        return share

    def drop(self, key: tuple[bytes, ...]) -> None:
        """Forget a workload that has no connection any more."""
        self._shares.pop(key, None)


class Share:
    """What one workload holds."""

    __slots__ = ("_budget", "_key", "connections", "used")

    def __init__(self, budget: Budget, key: tuple[bytes, ...]) -> None:
        """Only Budget makes one."""
        self._budget = budget
        self._key = key
        self.connections = 0
        self.used = 0

    def take(self, size: int) -> bool:
        """Hold `size` bytes more. Returns False when that is too much; they are held all the same."""
        self.used += size
        self._budget.used += size
        return self._budget.used <= self._budget.limit and self.used <= self._budget.limit // _SHARE

    def give_back(self, size: int) -> None:
        """Hold `size` bytes less."""
        self.used -= size
        self._budget.used -= size

    def leave(self) -> None:
        """A connection has ended."""
        self.connections -= 1
        if self.connections == 0:
            self._budget.drop(self._key)
