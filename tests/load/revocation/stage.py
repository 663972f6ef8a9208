"""A running stack, a load upon it, and trials under the load; driven from a test that knows no event loop."""

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, TypeVar

import uvloop

from deploy.local.supervisor import Supervisor
from tests import echo_model
from tests.load.revocation import estate
from tests.load.revocation.kinds import Kind
from tests.load.revocation.principals import Key
from tests.load.revocation.steady import SteadyLoad
from tests.load.revocation.trials import LEASE_S, STOPPED_LIMIT_S, Measured, TrialError, Trials
from tests.load.revocation.ways import Ways
from tests.running_stack import RunningStack

T = TypeVar("T")
SERVED_BY = {
    "runtime": frozenset({"runtime", "edge", "invoke"}),
    "kms": frozenset({"kms"}),
    "edge": frozenset({"edge"}),
}
"""What an enforcement point serves, by the ways of its callers."""
_SETTLED_S = 60.0


class Stage:
    """Everything that trials need, in a thread of its own."""

    def __init__(self, running: RunningStack, rate: float, seed: int) -> None:
        """Trials on `running`, under `rate` calls a second."""
        self.stack = running.local
        self._running = running
        self._rate = rate
        self._seed = seed
        self._loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self.measured = Measured()
        self.kinds: list[Kind] = []
        self.load: SteadyLoad
        self._trials: Trials

    @contextlib.contextmanager
    def open(self, accounts: int) -> Iterator[None]:
        """Publish the model, make accounts and principals, and begin the load."""
        echo_model.publish(self._running)
        thread = threading.Thread(target=self._loop.run_forever, name="revocation", daemon=True)
        thread.start()
        try:
            self.do(self._begin(accounts))
            try:
                yield
            finally:
                self.do(self._end())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)

    def healthy(self, kind: Kind, *, stream: bool = False) -> None:
        """As Trials has it."""
        self.do(self._trials.healthy(kind, stream=stream))

    def stopped(self, kinds: Sequence[Kind], service: str, limit_s: float = STOPPED_LIMIT_S) -> None:
        """As Trials has it, of a service by its name."""
        programs = Supervisor(self.stack).programs()
        pid = next(each["pid"] for each in programs if each["name"] == service)
        self.do(self._trials.stopped(kinds, pid, SERVED_BY[service], limit_s))

    def settle(self) -> None:
        """Wait until no process counts as alive that is not, and forget what was measured.

        Raises TrialError when changes go on being acknowledged by the end of leases alone.
        """
        deadline = time.monotonic() + _SETTLED_S
        while True:
            self.healthy(self.kinds[0])
            if self.measured.healthy[-1] < LEASE_S / 2:
                break
            if time.monotonic() > deadline:
                raise TrialError(f"no enforcement point confirms within {_SETTLED_S:.0f} s")
        self.measured.clear()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine beside the load, and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _begin(self, accounts: int) -> None:
        self._ways = Ways(self.stack)
        keys = self._running.credentials()
        administrator = Key(keys["aws_access_key_id"], keys["aws_secret_access_key"])
        self.kinds = await estate.build(self.stack, administrator, self._ways, accounts)
        principals = [kind.principal for kind in self.kinds]
        self.load = SteadyLoad(self._ways, principals, self._rate, random.Random(self._seed))
        self._trials = Trials(self._ways, self.load, self.measured)
        self._calling = asyncio.create_task(self.load.run())

    async def _end(self) -> None:
        self._calling.cancel()
        await asyncio.gather(self._calling, return_exceptions=True)
        await self._ways.close()
