"""Entries whose account was purged: they stay in the log, and nobody can say what they were."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from craton.audit.v1 import resources_pb2 as pb

from services.audit.domain.entry import Entry, Index, index_of

PURGED = "purged"
"""Stands in the place of the account."""
DISCARDED = "DiscardEvent"
"""Name of the installation's event that stands in the place of one that came late."""

FINISHED = "purge-finished"
"""Among the resources of a purge's event: from then on no row of the account has anything left."""


@dataclass(frozen=True, slots=True)
class PurgedAccount:
    """One incarnation of an account that was purged, or is being."""

    account_id: str
    incarnation: str
    until_us: int | None
    """When another incarnation began; None before, and for ever where none does."""

    def covers(self, index: Index) -> bool:
        """Say whether an event that comes now is of it.

        An event of the account's own principal bears its incarnation. Copies of what others did with the
        account's resources do not: those go by the time, on the clock of whoever recorded them.
        """
        if index.account_id != self.account_id:
            return False
        if self.until_us is None:
            return True
        if index.incarnation:
            return index.incarnation == self.incarnation
        return index.time_us <= self.until_us


def emptied(index: Index) -> Index:
    """Return what stays in clear of an entry: what its leaf, which is public, says as well."""
    return Index(index.event_id, index.time_us, PURGED, "", "", "", ())


def discarded(entry: Entry) -> Entry:
    """Return what is kept of an event that came late: that there was one, when, and who recorded it.

    Its place in its spool and its id are taken. What it said is kept nowhere, not even under a key that
    nobody has: an entry that nobody can open could be any.
    """
    late = pb.Event.FromString(entry.body)
    kept = pb.Event(
        event_id=late.event_id,
        phase=pb.EVENT_PHASE_OUTCOME,
        event_time=late.event_time,
        recorder=late.recorder,
        event_source="audit.craton",
        event_name=DISCARDED,
        status_code="OK",
        count=1,
    )
    return Entry(index_of(kept), kept.SerializeToString())


def keys_name(key_ids: Iterable[bytes]) -> str:
    """Return how the event of a purge names all data keys that purges have removed, by their ids in order.

    Without its key nobody can say whose an entry was. That it was purged, and not hidden, the log says so.
    """
    digest, count = hashlib.sha256(b"craton purged data keys v1\n"), 0
    for key_id in key_ids:
        digest.update(key_id)
        count += 1
    return f"purged-data-keys/{count}/{digest.hexdigest()}"
