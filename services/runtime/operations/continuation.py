"""A call that takes long goes on only as long as its principal may: it is asked again while it runs."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from types import TracebackType
from typing import TypeVar

EVERY_S = 1.0
"""How often it is asked. With a live lease that costs microseconds; a lease ends after five seconds."""

T = TypeVar("T")


class Continuation:
    """Watches over one stream."""

    def __init__(self, still_permitted: Callable[[], Awaitable[None]], every_s: float = EVERY_S) -> None:
        """Call `still_permitted()`, which raises DomainError when it is not, once every `every_s`."""
        self._still_permitted = still_permitted
        self._every_s = every_s
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None
        self._waiting: asyncio.Timeout | None = None
        self._refusal: BaseException | None = None

    async def __aenter__(self) -> "Continuation":
        """Begin to watch. A short stream costs one timer."""
        self._again()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
        if self._asking is not None:
            self._asking.cancel()

    async def next(self, source: AsyncGenerator[T, None]) -> T | None:
        """Return what `source` yields next, None at its end.

        Raises the refusal as soon as there is one, also while the source is silent, which then is at its end.
        """
        if self._refusal is not None:
            raise self._refusal
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await anext(source, None)
        except TimeoutError:
            if self._refusal is None:
                raise
            raise self._refusal from None
        finally:
            self._waiting = None

    def _again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every_s, self._ask)

    def _ask(self) -> None:
        self._asking = asyncio.get_running_loop().create_task(self._asked(), name="continuation")

    async def _asked(self) -> None:
        try:
            await self._still_permitted()
        except Exception as refusal:
            # Whoever cannot be asked has not permitted it either.
            self._refuse(refusal)
        else:
            self._again()

    def _refuse(self, refusal: BaseException) -> None:
        self._refusal = refusal
        if self._waiting is not None:
            # Ends the wait for the source now; the place that waits tells why.
            self._waiting.reschedule(asyncio.get_running_loop().time())
