"""Bringing changes into force at every enforcement point."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from services.auth.domain.points import EnforcementPointId


class Revocations(Protocol):
    """Brings changes into force at all enforcement points."""

    async def publish(self, account_id: str, epoch: int) -> None:
        """Return when no enforcement point uses anything of the account that is older than `epoch`.

        The change MUST be durable before. MUST NOT raise, and MUST return within the life of a lease.
        """

    async def publish_all(self, epochs: Mapping[str, int]) -> None:
        """As `publish`, for a change that reaches many accounts, each with its epoch."""


class Announcer(Protocol):
    """Tells enforcement points that what they leased is outdated, and replicas what those confirmed.

    It makes revocation faster, never possible: it MUST NOT raise and MUST return within a bounded time,
    because leases end by themselves.
    """

    async def publish(self, account_id: str, epoch: int) -> None:
        """Announce that the account's policies have reached `epoch`."""

    async def publish_all(self, epochs: Mapping[str, int]) -> None:
        """Announce the epochs of a hundred accounts at most at once."""

    async def relay(self, confirmation: str) -> None:
        """Tell all replicas of auth what an enforcement point has confirmed."""


class EnforcementPointStore(Protocol):
    """The processes that hold leases."""

    async def register(self, point: EnforcementPointId, now: datetime, since: datetime, most: int) -> bool:
        """Write down that a point takes leases now. MUST be durable, and seen by every replica, on return.

        Returns False, and writes nothing, when `most` other points of the service registered at `since` or
        later and this one did not: who holds leases can go on, whoever else comes.
        """

    async def live(self, since: datetime) -> list[EnforcementPointId]:
        """Return the points that registered at `since` or later. MAY forget the others."""
