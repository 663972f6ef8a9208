"""Keeps one model loaded and answering."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack
from typing import Any

from services.chassis.clock import Clock
from services.chassis.logs import Log
from services.chassis.manifest import ModelManifest
from services.chassis.secret import SecretBytes
from services.pool.config import WatchdogSettings
from services.pool.domain.backoff import Backoff
from services.pool.domain.key_bounds import PROCESS_ENDS_S, UNLOAD_TIMEOUT_S
from services.pool.domain.server_files import server_model_name
from services.pool.errors import KeyEndedError, ModelServerError, PoolError
from services.pool.operations.key_watch import HeldKey, KeyWatch
from services.pool.ports import (
    Arrival,
    Handovers,
    Instance,
    Material,
    ModelKeys,
    ModelServer,
    Repository,
    SealedFiles,
)

_log = Log("pool.model")
_ANNOUNCED_S = 2.0
_PROCESS_ENDS_S = PROCESS_ENDS_S
_HEALTHY_AFTER_S = 10.0
"""A model that served this long did not fail at its start: the back-off begins anew."""


class ModelKeeper:
    """Loads a model, watches it by real inferences, and loads it again when it stops answering.

    A killed model process is noticed at once, by its connection; one that hangs, by the inferences. The
    model server itself notices neither: it goes on calling such a model ready. A model whose key has ended is
    unloaded, and loaded again when the key can be opened again.
    """

    def __init__(
        self,
        manifest: ModelManifest,
        *,
        server: ModelServer,
        handovers: Handovers,
        files: SealedFiles,
        keys: ModelKeys,
        key_watch: KeyWatch,
        repository: Repository,
        settings: WatchdogSettings,
        loading: asyncio.Semaphore,
        end_process: Callable[[int], Awaitable[None]],
        clock: Clock,
    ) -> None:
        """Keep the model of `manifest` in `server`; `loading` bounds how many models load at once."""
        self.manifest = manifest
        self.server_model = server_model_name(manifest.model_id)
        self.instance: Instance | None = None
        self.ready = False
        self.attempted = asyncio.Event()
        """Set when the first load has succeeded or failed."""
        self.loads = 0
        self.abandoned = False
        """Set when the sandbox is given up: then nothing is unloaded."""
        self._server = server
        self._handovers = handovers
        self._files = files
        self._keys = keys
        self._key_watch = key_watch
        self._repository = repository
        self._settings = settings
        self._loading = loading
        self._end_process = end_process
        self._clock = clock
        self._backoff = Backoff(settings.first_delay_s, settings.longest_delay_s)

    async def run(self) -> None:
        """Keep it loaded until cancelled, then unload it."""
        failures = 0
        while True:
            try:
                healthy = await self._live()
                failures = 0 if healthy else failures + 1
                _log.warning("model_lost", model_id=self.manifest.model_id, attempt=failures)
            except KeyEndedError as error:
                failures += 1
                _log.warning("model_key_ended", model_id=self.manifest.model_id, reason=error.reason)
            except PoolError as error:
                failures += 1
                _log.warning(
                    "model_load_failed",
                    model_id=self.manifest.model_id,
                    reason=error.reason,
                    attempt=failures,
                )
            self.attempted.set()
            await asyncio.sleep(self._backoff.delay(failures))

    async def _live(self) -> bool:
        """Load and watch until it is lost; return whether it had served well before. Raises PoolError."""
        arrival = None
        material = Material(self.manifest, self.server_model)
        with ExitStack() as watched:
            try:
                async with self._loading:
                    asked = self._clock.boottime()
                    key = await self._keys.open(self.manifest)
                    held = watched.enter_context(self._key_watch.holding(self.manifest, key, asked))
                    if key is not None:
                        material.data_key = key.plaintext
                        del key
                    arrival = await _until_ended(held, self._load(material))
                loaded = self._clock.boottime()
                await self._watch(arrival, held)
                return self.ready and self._clock.boottime() - loaded > _HEALTHY_AFTER_S
            finally:
                self.ready = False
                self.instance = None
                # Not when the whole sandbox is given up: it takes the model along.
                if not self.abandoned:
                    await self._unload(arrival, material.taken_by)
                if arrival is not None:
                    arrival.close()

    async def _load(self, material: Material) -> Arrival:
        try:
            material.files = await self._files.fetch(self.manifest)
            return await self._load_with(material)
        finally:
            # The process has its own by now.
            material.data_key = SecretBytes(b"")
            for file in material.files:
                os.close(file.descriptor)
            self._handovers.forget(self.server_model)

    async def _load_with(self, material: Material) -> Arrival:
        self._repository.write(self.manifest, self.server_model)
        arriving = asyncio.ensure_future(self._handovers.expect(material))
        try:
            await self._server.load(self.server_model, self._settings.load_timeout_s)
            # The process announced itself before it called itself loaded; our side may be a moment behind.
            await asyncio.wait([arriving], timeout=_ANNOUNCED_S)
            arrival = _arrived(arriving)
        except BaseException:
            arriving.cancel()
            if arriving.done() and not arriving.cancelled() and arriving.exception() is None:
                arriving.result().close()
            raise
        self.instance = arrival.instance
        self.loads += 1
        return arrival

    async def _watch(self, arrival: Arrival, held: HeldKey) -> None:
        """Return when the model no longer answers. The first inference makes it ready.

        Raises KeyEndedError when it may not go on. An inference is not broken off for that: Triton never
        unloads a model of which a stream was broken off.
        """
        gone = asyncio.ensure_future(arrival.gone())
        ended = asyncio.ensure_future(held.ended.wait())
        failures = 0
        try:
            while not gone.done() and failures < self._settings.failures:
                answered = await self._answers(arrival.instance)
                held.require()
                failures = 0 if answered else failures + 1
                if answered and not self.ready and not gone.done():
                    self.ready = True
                    self.attempted.set()
                    _log.info(
                        "model_ready",
                        model_id=self.manifest.model_id,
                        instance_id=arrival.instance.instance_id,
                    )
                await asyncio.wait(
                    [gone, ended], timeout=self._settings.period_s, return_when=asyncio.FIRST_COMPLETED
                )
                held.require()
        finally:
            gone.cancel()
            ended.cancel()

    async def _answers(self, instance: Instance) -> bool:
        try:
            await self._server.infer(self.manifest, instance, self._settings.timeout_s)
        except ModelServerError as error:
            _log.warning("watchdog_inference_failed", model_id=self.manifest.model_id, reason=error.reason)
            return False
        return True

    async def _unload(self, arrival: Arrival | None, taken_by: int | None) -> None:
        """Unload it. A process that stays is killed: Triton keeps one while any call to it was broken off.

        `taken_by` is the process that has the material, also when it has not announced itself.
        """
        unloaded = False
        try:
            await self._server.unload(self.server_model, UNLOAD_TIMEOUT_S)
            unloaded = True
        except ModelServerError as error:
            _log.warning("model_unload_failed", model_id=self.manifest.model_id, reason=error.reason)
        if arrival is None:
            if taken_by is not None and not unloaded:
                _log.warning("model_process_killed", model_id=self.manifest.model_id, pid=taken_by)
                await self._end_process(taken_by)
            return
        gone = asyncio.ensure_future(arrival.gone())
        await asyncio.wait([gone], timeout=_PROCESS_ENDS_S)
        if not gone.done():
            gone.cancel()
            _log.warning("model_process_killed", model_id=self.manifest.model_id, pid=arrival.pid)
            await self._end_process(arrival.pid)


async def _until_ended(held: HeldKey, work: Coroutine[Any, Any, Arrival]) -> Arrival:
    """Return what `work` does, unless the key ends before. Raises KeyEndedError."""
    task = asyncio.ensure_future(work)
    ended = asyncio.ensure_future(held.ended.wait())
    try:
        await asyncio.wait([task, ended], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            held.require()
        return task.result()
    except BaseException:
        if task.done() and not task.cancelled() and task.exception() is None:
            task.result().close()
        raise
    finally:
        ended.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait([task])


def _arrived(arriving: "asyncio.Future[Arrival]") -> Arrival:
    if not arriving.done():
        raise ModelServerError("no_handover")
    return arriving.result()
