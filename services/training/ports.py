"""What training needs of the outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.chassis.context import CallContext
from services.training.domain.jobs import Job, JobFilter, Owner, Position


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job and where it stands in the list."""

    job: Job
    position: Position


class JobStore(Protocol):
    """Keeps the jobs. MUST never return a job of another owner, whatever the filter."""

    async def list(
        self, owner: Owner, wanted: JobFilter, after: Position | None, limit: int
    ) -> Sequence[ListedJob]:
        """Return at most `limit` jobs behind `after`, newest first.

        Going on behind the last one returned MUST give every job that stood there all the time exactly
        once, whatever was added meanwhile.
        """


class PolicyEnforcer(Protocol):
    """Decides whether the principal of a call may do something."""

    async def authorize(self, call: CallContext, action: str, resource: str) -> None:
        """Raise DomainError(ACCESS_DENIED) unless the principal's policies allow `action`."""
