"""How many calls are in progress, so that a server that stops does not close what they still use."""

import asyncio
from types import TracebackType


class InProgress:
    """Entered by every call for as long as it runs. For one event loop."""

    def __init__(self) -> None:
        """Begin with none."""
        self._calls = 0
        self._none = asyncio.Event()
        self._none.set()

    def __enter__(self) -> None:
        """Count a call."""
        self._calls += 1
        if self._calls == 1:
            self._none.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count its end."""
        self._calls -= 1
        if self._calls == 0:
            self._none.set()

    async def ended(self, timeout_s: float) -> bool:
        """Wait until no call is in progress; False when some still are after `timeout_s`."""
        if self._calls:
            _, late = await asyncio.wait([asyncio.ensure_future(self._none.wait())], timeout=timeout_s)
            for waiting in late:
                waiting.cancel()
        return self._calls == 0
