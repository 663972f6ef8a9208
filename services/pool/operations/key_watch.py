"""Watches the keys of the models in memory: a model goes on only while the key service says so.

A model whose key was disabled or deleted, or whose pool lost its right to it, is unloaded. When the key
service says nothing, because it is away, restarts or is sealed, models go on for a grace, and are unloaded
then: otherwise whoever cuts the pool off from the key service would decide that a key never ends.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from services.chassis.clock import Clock
from services.chassis.logs import Log
from services.chassis.manifest import ModelManifest
from services.pool.config import WatchdogSettings
from services.pool.errors import KeyEndedError, KeyServiceAwayError
from services.pool.ports import ModelKeys, OpenedKey

_BATCH = 1000
"""Models that one call asks about."""

_log = Log("pool.keys")


class HeldKey:
    """The key of one model, for as long as something of the model is in memory."""

    def __init__(self, manifest: ModelManifest, key_name: str, permitted: float) -> None:
        """`permitted` is a boot time at which the use of the key had not ended yet."""
        self.manifest = manifest
        self.key_name = key_name
        self.permitted = permitted
        self.ended = asyncio.Event()
        self._reason = ""

    def end(self, reason: str) -> None:
        """Say that the model must go."""
        if not self.ended.is_set():
            self._reason = reason
            self.ended.set()

    def require(self) -> None:
        """Raise KeyEndedError if the model must go."""
        if self.ended.is_set():
            raise KeyEndedError(self._reason)


class KeyWatch:
    """Asks the key service about all models of the pool, every few seconds."""

    def __init__(self, keys: ModelKeys, settings: WatchdogSettings, clock: Clock) -> None:
        """Ask `keys`, as often as `settings` say."""
        self._keys = keys
        self._settings = settings
        self._clock = clock
        self._held: set[HeldKey] = set()
        self._away = False

    @contextmanager
    def holding(self, manifest: ModelManifest, key: OpenedKey | None, asked: float) -> Iterator[HeldKey]:
        """Watch a model's key, which was opened by a call that began at boot time `asked`.

        Without a key there is nothing to watch: a model without weights goes on.
        """
        held = HeldKey(manifest, "" if key is None else key.key_name, asked)
        if key is not None:
            self._held.add(held)
        try:
            yield held
        finally:
            self._held.discard(held)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await asyncio.sleep(self._settings.key_period_s)
            await self.check()

    async def check(self) -> None:
        """Ask once about every model, and end those that may not go on."""
        held = [each for each in self._held if not each.ended.is_set()]
        for start in range(0, len(held), _BATCH):
            await self._check(held[start : start + _BATCH])
        now = self._clock.boottime()
        for each in held:
            if now - each.permitted > self._settings.key_grace_s:
                each.end("key_service_away")

    async def _check(self, held: list[HeldKey]) -> None:
        asked = self._clock.boottime()
        try:
            refusals = await self._keys.refusals([(each.manifest, each.key_name) for each in held])
        except KeyServiceAwayError as error:
            if not self._away:
                # Once for each time that it goes away.
                _log.warning("keys_not_checked", reason=error.reason)
            self._away = True
            return
        self._away = False
        for each, reason in zip(held, refusals, strict=True):
            if reason:
                each.end(reason)
            else:
                each.permitted = asked
