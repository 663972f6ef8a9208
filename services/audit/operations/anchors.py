"""Remembering how far the stores of other services have come."""

from services.audit.domain.anchor import Anchor, noted_epoch
from services.audit.errors import LogDamagedError, files_away, put_back
from services.audit.operations.witnessed import WitnessedLog
from services.audit.ports import AnchorStore, EventStore
from services.chassis.identity import WorkloadId
from services.chassis.logs import Log

_EVENT = "AppendAnchor"
_RECORDER = "service/audit"
"""This service: nobody else's word counts."""
_NOTED = 64
"""Of the newest events about anchors: several are under way at once."""

_log = Log("anchors")


class Anchors:
    """Answers each workload about its own stores. Needs no key: it works before the key service does."""

    def __init__(self, store: AnchorStore, events: EventStore, witnessed: WitnessedLog) -> None:
        """Keep them in `store`; `events` have noted each of them."""
        self._store = store
        self._events = events
        self._witnessed = witnessed

    async def append(self, workload: WorkloadId, anchor: Anchor) -> None:
        """Remember a state of a store of `workload`; return after it is durable. Raises DomainError."""
        await self._store.append(workload.path, anchor)

    async def newest(
        self, workload: WorkloadId, store_id: str, size: int, root: bytes
    ) -> tuple[Anchor | None, int]:
        """Return the newest state of a store of `workload`, None for none, and the newest epoch in the log.

        A witness has seen the log's first `size` entries with this root; 0 when none was asked. Raises
        DomainError: RESOURCE_STATE when they are not what is here, DEPENDENCY_UNAVAILABLE while the log's
        files are away.
        """
        newest = await self._store.newest(workload.path, store_id)
        noted = await self._events.noted(_RECORDER, _EVENT, _NOTED)
        since = max((sequence for sequence, _ in noted), default=0)
        try:
            await self._witnessed.require(size, root, since)
        except LogDamagedError as error:
            _log.error("log_damaged", reason=str(error))
            raise put_back() from error
        except OSError as error:
            _log.warning("log_files_away", error_type=type(error).__name__)
            raise files_away() from error
        return newest, max((noted_epoch(name, store_id) for _, name in noted), default=0)
