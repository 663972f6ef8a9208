"""Keeps the pool: one sandbox after the other, and in each every model of the catalogue."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress

from services.chassis.clock import Clock
from services.chassis.logs import Log
from services.chassis.manifest import ModelManifest
from services.chassis.randomness import Randomness, random_uuid
from services.pool.config import WatchdogSettings
from services.pool.domain.backoff import Backoff, RestartLimit
from services.pool.errors import LauncherGoneError, ModelServerError, PoolError, RestartLimitError
from services.pool.operations.key_watch import KeyWatch
from services.pool.operations.model_keeper import ModelKeeper
from services.pool.ports import (
    Cage,
    Connect,
    Door,
    Handovers,
    ModelKeys,
    ModelServer,
    Repository,
    RunningCage,
    SealedFiles,
    Shelf,
)

_log = Log("pool")
_LOADS_AT_ONCE = 2
"""Loading takes memory for ciphertext and plaintext at the same time, and a core."""
_SERVER_READY_S = 15.0
_SHELF_PERIOD_S = 2.0
_HEALTHY_AFTER_S = 30.0
"""A sandbox that lived this long was not a failed start: the back-off begins anew."""
_SERVER_FAILURES = 3
_TURNOVER_S = 3.0
"""Between telling the runtime that no model is ready and a planned stop: calls in progress end meanwhile."""


class Keeper:
    """Runs the pool. The servicer reads `generation` and `models`."""

    def __init__(
        self,
        *,
        cage: Cage,
        connect: Connect,
        door: Door,
        handovers: Handovers,
        files: SealedFiles,
        keys: ModelKeys,
        repository: Repository,
        shelf: Shelf,
        settings: WatchdogSettings,
        certificate_changed: Callable[[], bool],
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """Name the parts. `certificate_changed` says whether the model server's certificate was replaced."""
        self.generation = ""
        """Random id of this run of the sandbox; empty while none runs."""
        self.restarts = 0
        self._models: dict[str, tuple[ModelKeeper, asyncio.Task[None]]] = {}
        self._first_look = asyncio.Event()
        self._cage = cage
        self._connect = connect
        self._door = door
        self._handovers = handovers
        self._files = files
        self._keys = keys
        self._key_watch = KeyWatch(keys, settings, clock)
        self._repository = repository
        self._shelf = shelf
        self._settings = settings
        self._certificate_changed = certificate_changed
        self._clock = clock
        self._randomness = randomness
        self._backoff = Backoff(settings.first_delay_s, settings.longest_delay_s)

    @property
    def models(self) -> Sequence[ModelKeeper]:
        """The models that are kept now, in the order of their ids."""
        return [self._models[name][0] for name in sorted(self._models)]

    async def settled(self) -> bool:
        """Whether a sandbox runs and every model was tried: one with a disabled key holds up no other."""
        return self._first_look.is_set() and all(model.attempted.is_set() for model in self.models)

    async def watch_keys(self) -> None:
        """Have models unloaded whose keys have ended, until cancelled."""
        await self._key_watch.run()

    async def run(self) -> None:
        """Keep the pool until cancelled. Raises RestartLimitError or LauncherGoneError when hopeless."""
        limit = RestartLimit(self._settings.restarts, self._settings.restarts_window_s)
        failures = 0
        while True:
            began = self._clock.boottime()
            try:
                await self._live()
            except LauncherGoneError:
                raise
            except PoolError as error:
                _log.warning("sandbox_failed", reason=error.reason)
            failures = 0 if self._clock.boottime() - began > _HEALTHY_AFTER_S else failures + 1
            self.restarts += 1
            if limit.exceeded(self._clock.boottime()):
                raise RestartLimitError
            await asyncio.sleep(self._backoff.delay(failures))

    async def _live(self) -> None:
        """One life of the sandbox: returns or raises PoolError when it has to be started anew."""
        self._repository.clear()
        running = await self._cage.start()
        server = None
        try:
            server = self._connect(running)
            await self._until_ready(server)
            await self._serve(running, server)
        finally:
            self.generation = ""
            self._door.shut()
            for model in self.models:
                model.abandoned = True
            await self._drop(list(self._models))
            if server is not None:
                await server.close()
            os.close(running.directory)
            # When the launcher is gone, so is the sandbox.
            with suppress(LauncherGoneError):
                await self._cage.stop()

    async def _until_ready(self, server: ModelServer) -> None:
        deadline = self._clock.boottime() + _SERVER_READY_S
        while not await server.ready():
            if self._clock.boottime() > deadline:
                raise ModelServerError("not_ready_in_time")
            await asyncio.sleep(0.05)

    async def _serve(self, running: RunningCage, server: ModelServer) -> None:
        self._door.open(running.directory)
        self.generation = random_uuid(self._randomness)
        _log.info("sandbox_serving", generation=self.generation)
        loading = asyncio.Semaphore(_LOADS_AT_ONCE)
        ended = asyncio.ensure_future(self._cage.ended())
        failures = 0
        try:
            while not ended.done():
                await self._follow_shelf(server, loading)
                self._first_look.set()
                failures = 0 if await server.ready() else failures + 1
                if failures >= _SERVER_FAILURES:
                    raise ModelServerError("not_answering")
                if self._certificate_changed():
                    await self._turn_over()
                    return
                await asyncio.wait([ended], timeout=_SHELF_PERIOD_S)
            ended.result()
            _log.warning("sandbox_ended", generation=self.generation)
        finally:
            ended.cancel()

    async def _turn_over(self) -> None:
        _log.info("sandbox_turnover", generation=self.generation)
        for model in self.models:
            model.ready = False
        await asyncio.sleep(_TURNOVER_S)

    async def _follow_shelf(self, server: ModelServer, loading: asyncio.Semaphore) -> None:
        """Start a keeper for every new manifest; replace those whose manifest changed; drop the rest."""
        wanted = {manifest.model_id: manifest for manifest in await asyncio.to_thread(self._shelf.read)}
        await self._drop(
            [
                name
                for name, (model, task) in self._models.items()
                if task.done() or wanted.get(name) != model.manifest
            ]
        )
        for name, manifest in wanted.items():
            if name not in self._models:
                self._keep(manifest, server, loading)

    def _keep(self, manifest: ModelManifest, server: ModelServer, loading: asyncio.Semaphore) -> None:
        model = ModelKeeper(
            manifest,
            server=server,
            handovers=self._handovers,
            files=self._files,
            keys=self._keys,
            key_watch=self._key_watch,
            repository=self._repository,
            settings=self._settings,
            loading=loading,
            end_process=self._cage.end,
            clock=self._clock,
        )
        task = asyncio.get_running_loop().create_task(model.run(), name=f"model {manifest.model_id}")
        self._models[manifest.model_id] = (model, task)

    async def _drop(self, names: Sequence[str]) -> None:
        dropped = [self._models.pop(name) for name in names]
        for _, task in dropped:
            task.cancel()
        if dropped:
            # Not `await task`: there our own cancellation could not be told from that of the task.
            await asyncio.wait([task for _, task in dropped])
        for model, task in dropped:
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, PoolError):
                # A defect in one keeper must not end the others.
                _log.error("model_keeper_failed", error=error, model_id=model.manifest.model_id)
