"""Counts of the calls that are summarised, in a table that cannot grow without bound."""

from typing import NamedTuple

_ROWS = 1024
_OTHER = "other"


class Row(NamedTuple):
    """One kind of call: who, what, and how it ended."""

    caller: str
    """SPIFFE id, "" without a certificate."""
    event_source: str
    event_name: str
    status: str
    reason: str


class SummaryTable:
    """At most `rows` kinds of calls are told apart; what comes after them is counted as "other"."""

    def __init__(self, rows: int = _ROWS) -> None:
        """Start empty."""
        self._rows = rows
        self._counts: dict[Row, int] = {}

    def count(self, row: Row, calls: int = 1) -> None:
        """Add `calls` to a row, or to the row "other" of the same status when the table is full."""
        if row not in self._counts and len(self._counts) >= self._rows:
            # Statuses are a small fixed set, so that these rows are bounded too.
            row = Row(_OTHER, _OTHER, _OTHER, row.status, "")
        self._counts[row] = self._counts.get(row, 0) + calls

    def take(self) -> dict[Row, int]:
        """Return all counts and start again from zero."""
        counts, self._counts = self._counts, {}
        return counts

    def put_back(self, counts: dict[Row, int]) -> None:
        """Add counts that could not be written to those taken since."""
        for row, calls in counts.items():
            self.count(row, calls)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._counts)
