"""Entries whose account was purged: they stay in the log, and nobody can say what they were."""

from dataclasses import dataclass

from services.audit.domain.entry import Index

PURGED = "purged"
"""Stands in the place of the account."""


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
