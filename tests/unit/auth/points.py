"""Enforcement points that ask auth, without a store."""

from collections.abc import Awaitable, Callable

from services.auth.domain.points import EnforcementPointId


class Points:
    """A Registrar: remembers who takes leases; `meanwhile` happens just before a point is written down."""

    def __init__(self) -> None:
        self.registered: list[EnforcementPointId] = []
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    def knows(self, point: EnforcementPointId) -> bool:
        return point in self.registered

    async def register(self, point: EnforcementPointId) -> None:
        if self.meanwhile is not None:
            await self.meanwhile()
        self.registered.append(point)
