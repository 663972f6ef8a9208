"""How much of the spool's cap each lane may use."""

from dataclasses import dataclass

from services.chassis.audit.segment import Lane

_MIB = 1024 * 1024
_SEGMENT_BYTES = 4 * _MIB
_SUMMARY_BYTES = 8 * _MIB
_OUTCOME_BYTES = 16 * _MIB


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """Sizes and times of a spool."""

    max_bytes: int = 512 * _MIB
    """Cap of all segments together."""
    segment_bytes: int = _SEGMENT_BYTES
    """A segment is deleted as a whole once it was shipped."""
    summary_bytes: int = _SUMMARY_BYTES
    """Of the cap: budget of summaries and of callers that nobody authenticated."""
    outcome_bytes: int = _OUTCOME_BYTES
    """Of the cap: reserve for the outcomes of calls that were admitted before the cap was reached."""
    commit_timeout_s: float = 0.25
    """A device that takes longer is hung: callers are refused instead of waiting."""
    linger_s: float = 0.001
    """How long a commit waits for company while more than two callers wait already."""

    @classmethod
    def of(cls, max_bytes: int, commit_timeout_s: float) -> "SpoolLimits":
        """Return limits that fit a cap: the parts shrink with a small one."""
        return cls(
            max_bytes=max_bytes,
            commit_timeout_s=commit_timeout_s,
            segment_bytes=min(_SEGMENT_BYTES, max_bytes // 64),
            summary_bytes=min(_SUMMARY_BYTES, max_bytes // 16),
            outcome_bytes=min(_OUTCOME_BYTES, max_bytes // 16),
        )


class Budget:
    """Counts the bytes on disk and those about to be written, summaries apart from all others.

    Summaries and everything else can fill only their own part: a flood of one never refuses the other.
    """

    def __init__(self, limits: SpoolLimits, used: int, summaries: int) -> None:
        """Start with what recovery found: `used` bytes, of which `summaries` are summaries'."""
        self._others = used - summaries
        self._summaries = summaries
        room = limits.max_bytes - limits.summary_bytes
        self._room = {
            Lane.EVENT: room - limits.outcome_bytes,
            Lane.OUTCOME: room,
            Lane.SUMMARY: limits.summary_bytes,
        }

    @property
    def used(self) -> int:
        """Bytes on disk and about to be written."""
        return self._others + self._summaries

    def reserve(self, size: int, lane: Lane) -> bool:
        """Take `size` bytes for a record; False when the lane has no room."""
        if lane is Lane.SUMMARY:
            if self._summaries + size > self._room[lane]:
                return False
            self._summaries += size
        else:
            if self._others + size > self._room[lane]:
                return False
            self._others += size
        return True

    def release(self, size: int, lane: Lane) -> None:
        """Give back what was reserved for a record that was not written."""
        if lane is Lane.SUMMARY:
            self._summaries -= size
        else:
            self._others -= size

    def add_header(self, size: int) -> None:
        """Count the header of a new segment."""
        self._others += size

    def forget(self, size: int, summaries: int) -> None:
        """Give back a deleted segment of `size` bytes, of which `summaries` were summaries'."""
        self._others -= size - summaries
        self._summaries -= summaries
