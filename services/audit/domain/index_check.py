"""What a comparison of the database with the log finds, and what it has to know of what came before."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from craton.audit.v1 import resources_pb2 as pb

from services.audit.domain.entry import Index
from services.audit.domain.index_rows import IndexRow
from services.audit.domain.purged import FINISHED, PurgedAccount

_SOURCE, _PURGE, _CONTINUE = "audit.craton", "PurgeAccount", "ContinueAccount"
SKEW_US = 60_000_000
"""By how much clocks of replicas may differ."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference. It names places, never what stands there: names of customers are theirs."""

    table: str
    row: str
    """Which row, for example "entry 7", or a key's id."""
    problem: str
    columns: tuple[str, ...] = ()
    sequence: int | None = None
    """Index in the log, of what belongs to an entry."""
    event_id: str = ""

    def __str__(self) -> str:
        """Return it as one line."""
        event = f" (event {self.event_id})" if self.event_id else ""
        columns = f": {', '.join(self.columns)}" if self.columns else ""
        return f"{self.table}, {self.row}{event} {self.problem}{columns}"


@dataclass(slots=True)
class Walk:
    """What is known of a log after its entries up to here.

    A walk that did not begin with the first entry knows nothing of spools before it has seen them, and not
    all purges. Memory: some bytes a spool and a purge.
    """

    whole: bool = True
    reached: int = 0
    """Entries so far."""
    purged: int = 0
    """Of these, entries that nobody can open since their account was purged."""
    positions: dict[str, int] = field(default_factory=dict)
    """Where each spool goes on."""
    begun: set[tuple[str, ...]] = field(default_factory=set)
    """Purges that the log has events of: how these name account, incarnation and purge."""
    purges: set[tuple[str, ...]] = field(default_factory=set)
    """Those of which something was done."""
    finished: set[tuple[str, ...]] = field(default_factory=set)
    """Those that have left nothing in any row."""
    continued: dict[tuple[str, ...], tuple[int, int]] = field(default_factory=dict)
    """When another incarnation began, by names of account and incarnation: not before, and not after."""
    key_names: set[str] = field(default_factory=set)
    """How these events name the data keys that were removed."""
    _gone: Counter[str] = field(default_factory=Counter)

    def misplaced(self, row: IndexRow, recorder: str) -> bool:
        """Say whether an entry does not follow the one before it of its spool, which is a recorder's."""
        expected = self.positions.get(row.spool_id, 0 if self.whole else row.position)
        self.positions[row.spool_id] = row.position + 1
        skipped = row.position - expected
        if 0 < skipped <= self._gone[recorder]:
            # Rows that are missing are findings of their own.
            self._gone[recorder] -= skipped
            return False
        return skipped != 0

    def missing(self, recorder: str) -> None:
        """Note that the row of an entry of a recorder is missing."""
        self._gone[recorder] += 1

    def lose(self, upto: int) -> None:
        """Go on behind entries of which nothing could be read."""
        self.whole, self.reached = False, upto
        self.positions.clear()

    def saw(self, event: pb.Event, index: Index, recorder: str) -> None:
        """Learn from an event what `recorder`, this service itself, says of purges."""
        if (event.recorder, event.event_source) != (recorder, _SOURCE):
            return
        done = event.phase == pb.EVENT_PHASE_OUTCOME and event.status_code == "OK"
        if event.event_name == _PURGE:
            named, keys = tuple(event.resources[:3]), set(event.resources[3:])
            self.begun.add(named)
            if done:
                self.purges.add(named)
                self.key_names.update(keys - {FINISHED})
                if FINISHED in keys:
                    self.finished.add(named)
        elif event.event_name == _CONTINUE:
            first, last = self.continued.get(tuple(event.resources), (index.time_us, 0))
            self.continued[tuple(event.resources)] = first, index.time_us if done else last


def until_is_recorded(walk: Walk, account: PurgedAccount) -> bool:
    """Say whether the log has it that another incarnation began when the account's row says so, or none."""
    names = purge_names(account.account_id, account.incarnation, "")
    first, last = walk.continued.get(names[:2], (0, 0))
    if account.until_us is None:
        return not last
    return (
        first != 0
        and first - SKEW_US <= account.until_us
        and (not last or account.until_us <= last + SKEW_US)
    )


def purge_names(account_id: str, incarnation: str, purge_id: str) -> tuple[str, ...]:
    """Return how the log names a purge; see services.chassis.account_purge."""
    account = f"accounts/{account_id}"
    return account, f"{account}/incarnations/{incarnation}", f"purges/{purge_id}"


def rows_of_entry(where: tuple[int, str], columns: Sequence[str], resources: Sequence[str]) -> list[Finding]:
    """Return the findings about the rows of one entry, `where` being its index and event id."""
    return [
        Finding(table, f"entry {where[0]}", "differs from the log", tuple(names), *where)
        for table, names in (("entries", columns), ("resources", resources))
        if names
    ]
