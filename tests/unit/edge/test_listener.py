"""The listener's sweep over its connections."""

import asyncio
import time
from typing import Any

import pytest
import uvloop

from services.edge.http.listener import Listener, fair_time


@pytest.mark.parametrize(("now", "due", "judged"), [(10.0, 10.0, 10.0), (14.0, 10.0, 10.0), (9.9, 10.0, 9.9)])
def test_clients_get_back_the_time_in_which_the_loop_stood_still(now, due, judged):
    assert fair_time(now, due) == judged


class _Swept:
    """Connections of which one was idle when the loop stopped, and has sent something meanwhile."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.hung_up = False
        self.swept = 0

    def sweep(self, now: float) -> None:
        self.swept += 1
        self.hung_up |= now > self.deadline


def test_a_pause_of_the_machine_hangs_up_on_nobody():
    """On the loop that serves: it looks at its timers before it looks at its sockets."""

    async def scenario() -> _Swept:
        loop = asyncio.get_running_loop()
        swept = _Swept(loop.time() + 0.6)
        listener: Any = Listener.__new__(Listener)
        listener._connections = swept
        listener.renew = lambda: None
        watching = asyncio.create_task(listener.watch())
        await asyncio.sleep(0.3)
        # The machine stops; after it the client's data is handled within a turn of the loop.
        time.sleep(1.0)
        while swept.swept < 2:
            await asyncio.sleep(0)
        swept.deadline = loop.time() + 60
        await asyncio.sleep(0.3)
        watching.cancel()
        return swept

    swept = uvloop.run(scenario())
    assert swept.swept >= 3
    assert not swept.hung_up
