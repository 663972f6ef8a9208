"""An anchor in memory. The contract suite of the port runs on it as well."""

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.kms.ports import Anchored, StoreAlteredError


class MemoryAnchor:
    """See the port EpochAnchor."""

    def __init__(self) -> None:
        self.states: dict[str, Anchored] = {}
        self.appended = 0
        self.reachable = True
        """Whether anybody answers."""

    async def newest(self, store_id: str, *, restored: bool = False) -> Anchored | None:
        self._require_reachable()
        return self.states.get(store_id)

    async def append(self, store_id: str, state: Anchored) -> None:
        self._require_reachable()
        newest = self.states.get(store_id)
        if newest is not None and state.epoch <= newest.epoch and state != newest:
            raise StoreAlteredError("another state was anchored")
        self.states[store_id] = state
        self.appended += 1

    def _require_reachable(self) -> None:
        if not self.reachable:
            raise DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "audit did not answer")
