"""Purges of accounts: their states, and who may bring them from one to the next.

The states are drawn in docs/account-purge.md.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.auth.errors.purges import own_purge, purge_state

WAIT = timedelta(days=7)
"""Between approval and beginning: whoever notices a mistake, or a wrong, can call it off."""


class Profile(enum.Enum):
    """What the installation is for."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"
    """One operator purges at once, and the id goes on."""


class PurgeState(enum.Enum):
    """How far a purge is."""

    REQUESTED = "requested"
    WAITING = "waiting"
    PURGING = "purging"
    CERTIFYING = "certifying"
    DONE = "done"
    CANCELLED = "cancelled"


OPEN = frozenset({PurgeState.REQUESTED, PurgeState.WAITING, PurgeState.PURGING, PurgeState.CERTIFYING})
"""An account has one purge in these states at most."""
_CANCELLABLE = (PurgeState.REQUESTED, PurgeState.WAITING)


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did to a purge."""

    by: str
    """Path of the workload, for example "operator/admin"."""
    at: datetime
    event_id: str
    """The event in the audit log that says so."""


@dataclass(frozen=True, slots=True)
class AccountPurge:
    """One purge of one incarnation of an account."""

    purge_id: str
    account_id: str
    incarnation: str
    state: PurgeState
    profile: Profile
    keep_principals: bool
    requested: Deed
    approved: Deed | None = None
    due: datetime | None = None
    """When removing begins."""
    removed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Counts by kinds, of the services that are done."""
    completed: Deed | None = None
    indexes: Mapping[str, int] = field(default_factory=dict)
    """Where in the log the events are, by their ids; known when it is done."""
    certificate: bytes = b""
    public_key: bytes = b""
    revision: int = 0

    @property
    def continues(self) -> bool:
        """Whether the id goes on, with a new incarnation.

        In production it is never given to anybody else: it goes on with the principals that were kept, or not
        at all.
        """
        return self.keep_principals or self.profile is Profile.DEVELOPMENT

    @property
    def deeds(self) -> tuple[tuple[str, Deed], ...]:
        """What was done, with names."""
        named = (("requested", self.requested), ("approved", self.approved), ("completed", self.completed))
        return tuple((about, deed) for about, deed in named if deed is not None)

    def approve(self, deed: Deed) -> "AccountPurge":
        """Return the purge with the approval of another operator. Raises DomainError."""
        if self.state is not PurgeState.REQUESTED:
            raise purge_state(self.purge_id, self.state.value, "requested")
        if deed.by == self.requested.by:
            raise own_purge()
        return replace(self, state=PurgeState.WAITING, approved=deed, due=deed.at + WAIT)

    def cancel(self) -> "AccountPurge":
        """Return the purge, called off. Raises DomainError once anything may be gone."""
        if self.state not in _CANCELLABLE:
            raise purge_state(self.purge_id, self.state.value, "requested or waiting")
        return replace(self, state=PurgeState.CANCELLED)

    def is_due(self, now: datetime) -> bool:
        """Say whether removing is to begin."""
        return self.state is PurgeState.WAITING and self.due is not None and now >= self.due

    def begun(self) -> "AccountPurge":
        """Return the purge at the moment from which on nobody acts for the account."""
        if self.state is not PurgeState.WAITING:
            raise purge_state(self.purge_id, self.state.value, "waiting")
        return replace(self, state=PurgeState.PURGING)

    def removing(self, service: str, counts: Mapping[str, int]) -> "AccountPurge":
        """Return the purge after a service was done."""
        return replace(self, removed={**self.removed, service: dict(counts)})

    def complete(self, deed: Deed) -> "AccountPurge":
        """Return the purge after everything is removed."""
        return replace(self, state=PurgeState.CERTIFYING, completed=deed)

    def certified(self, indexes: Mapping[str, int], certificate: bytes, public_key: bytes) -> "AccountPurge":
        """Return the purge at its end."""
        return replace(
            self,
            state=PurgeState.DONE,
            indexes=dict(indexes),
            certificate=certificate,
            public_key=public_key,
        )


def requested(
    purge_id: str, account_id: str, incarnation: str, profile: Profile, *, keep: bool, deed: Deed
) -> AccountPurge:
    """Return a new purge. In development it is due at once, and nobody need approve."""
    purge = AccountPurge(purge_id, account_id, incarnation, PurgeState.REQUESTED, profile, keep, deed)
    if profile is Profile.DEVELOPMENT:
        return replace(purge, state=PurgeState.WAITING, due=deed.at)
    return purge
