"""An ear for revocations that has them obeyed, and says so to whoever announced them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Protocol

import grpc

from services.chassis.logs import Log
from services.chassis.randomness import Randomness
from services.chassis.revocation import EVERYBODY, RevocationListener, Topic
from services.chassis.settings import RedisSettings

CONFIRM_TIMEOUT_S = 1.5
_ATTEMPTS = 3
_AGAIN_S = 0.1
"""A confirmation that does not arrive is worth repeating for as long as somebody waits for it."""
_MAX_CONFIRMED = 1024
"""Revocations that one call confirms."""
_MAX_WAITING = 10_000
"""Revocations that wait to be confirmed: leases are waited for otherwise."""

_log = Log("enforcement")

Confirm = Callable[[Sequence[tuple[str, int]]], Awaitable[object]]
"""Tells the announcer which revocations (subject, epoch) are obeyed; raises grpc.aio.AioRpcError."""


class Host(Protocol):
    """What runs the tasks: the server factory's Server, or edge's."""

    def add_task(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run `run()` for the life of the process, which ends with it."""


class ConfirmingEar:
    """Hears the revocations of one topic, has them obeyed, and confirms them."""

    def __init__(
        self,
        topic: Topic,
        redis: RedisSettings | None,
        confirm: Confirm,
        revoke: Callable[[str, int], None],
        revoke_all: Callable[[], None],
    ) -> None:
        """Confirm what `revoke(subject, epoch)` has obeyed.

        `revoke_all()` is called when announcements may have been missed, and for those that are about
        everybody. Without `redis` nothing is heard.
        """
        self._topic = topic
        self._confirm = confirm
        self._obey, self._obey_all = revoke, revoke_all
        self._heard: dict[tuple[str, int], int] = {}
        self._some = asyncio.Event()
        self._listener = (
            None if redis is None else RevocationListener(redis, self.revoke, revoke_all, topic=topic)
        )

    def revoke(self, subject: str, epoch: int) -> None:
        """Use nothing older than `epoch` of a subject any more, and say so.

        Of EVERYBODY nothing at all is used that was leased before; `epoch` is the announcement's number.
        """
        if subject == EVERYBODY:
            self._obey_all()
        else:
            self._obey(subject, epoch)
        # Where the newest says it all, one word a subject is enough; otherwise each is a word of its own.
        newest = self._topic.newest_says_all and subject != EVERYBODY
        key = (subject, 0 if newest else epoch)
        if len(self._heard) >= _MAX_WAITING and key not in self._heard:
            del self._heard[next(iter(self._heard))]
        self._heard[key] = max(epoch, self._heard.get(key, 0))
        self._some.set()

    def attach(self, host: Host) -> None:
        """Listen and confirm for the life of the server."""
        if self._listener is not None:
            name = self._topic.channel.rpartition("craton:")[2]
            host.add_task(name, self._listener.run)
            host.add_task(f"{name}:confirmations", self._confirmations)

    async def _confirmations(self) -> None:
        failed = 0
        while True:
            await self._some.wait()
            self._some.clear()
            while self._heard:
                keys = list(islice(self._heard, _MAX_CONFIRMED))
                heard = {key: self._heard.pop(key) for key in keys}
                try:
                    await self._confirm([(subject, epoch) for (subject, _), epoch in heard.items()])
                    failed = 0
                except grpc.aio.AioRpcError:
                    failed += 1
                    if failed < _ATTEMPTS:
                        # What was heard meanwhile says as much and more.
                        self._heard = heard | self._heard
                        await asyncio.sleep(_AGAIN_S)
                        continue
                    failed = 0
                    # The announcer waits until the leases have ended, as for one that hears nothing.
                    _log.warning("revocations_not_confirmed")


def new_instance_id(randomness: Randomness) -> str:
    """Return the id of this process as a holder of leases, 32 hex digits.

    New with every process: what an earlier one confirmed says nothing about this one.
    """
    return randomness.token_bytes(16).hex()
