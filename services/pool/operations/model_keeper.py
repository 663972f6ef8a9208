"""Keeps one model loaded and answering."""

import asyncio
import os
from collections.abc import Awaitable, Callable

from services.chassis.clock import Clock
from services.chassis.logs import Log
from services.chassis.manifest import ModelManifest
from services.pool.config import WatchdogSettings
from services.pool.domain.backoff import Backoff
from services.pool.domain.server_files import server_model_name
from services.pool.errors import ModelServerError, PoolError
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
_UNLOAD_TIMEOUT_S = 15.0
_ANNOUNCED_S = 2.0
_PROCESS_ENDS_S = 3.0
_HEALTHY_AFTER_S = 10.0
"""A model that served this long did not fail at its start: the back-off begins anew."""


class ModelKeeper:
    """Loads a model, watches it by real inferences, and loads it again when it stops answering.

    A killed model process is noticed at once, by its connection; one that hangs, by the inferences. The
    model server itself notices neither: it goes on calling such a model ready.
    """

    def __init__(
        self,
        manifest: ModelManifest,
        *,
        server: ModelServer,
        handovers: Handovers,
        files: SealedFiles,
        keys: ModelKeys,
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
        try:
            arrival = await self._load()
            loaded = self._clock.boottime()
            await self._watch(arrival)
            return self.ready and self._clock.boottime() - loaded > _HEALTHY_AFTER_S
        finally:
            self.ready = False
            self.instance = None
            # Not when the whole sandbox is given up: it takes the model along.
            if not self.abandoned:
                await self._unload(arrival)
            if arrival is not None:
                arrival.close()

    async def _load(self) -> Arrival:
        async with self._loading:
            material = Material(self.manifest, self.server_model)
            try:
                material.data_key = await self._keys.open(self.manifest)
                material.files = await self._files.fetch(self.manifest)
                return await self._load_with(material)
            finally:
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

    async def _watch(self, arrival: Arrival) -> None:
        """Return when the model no longer answers. The first inference makes it ready."""
        gone = asyncio.ensure_future(arrival.gone())
        failures = 0
        try:
            while not gone.done() and failures < self._settings.failures:
                answered = await self._answers(arrival.instance)
                failures = 0 if answered else failures + 1
                if answered and not self.ready and not gone.done():
                    self.ready = True
                    self.attempted.set()
                    _log.info(
                        "model_ready",
                        model_id=self.manifest.model_id,
                        instance_id=arrival.instance.instance_id,
                    )
                await asyncio.wait([gone], timeout=self._settings.period_s)
        finally:
            gone.cancel()

    async def _answers(self, instance: Instance) -> bool:
        try:
            await self._server.infer(self.manifest, instance, self._settings.timeout_s)
        except ModelServerError as error:
            _log.warning("watchdog_inference_failed", model_id=self.manifest.model_id, reason=error.reason)
            return False
        return True

    async def _unload(self, arrival: Arrival | None) -> None:
        """Unload it. A process that stays is killed: Triton keeps one while any call to it was broken off."""
        try:
            await self._server.unload(self.server_model, _UNLOAD_TIMEOUT_S)
        except ModelServerError as error:
            _log.warning("model_unload_failed", model_id=self.manifest.model_id, reason=error.reason)
        if arrival is None:
            return
        gone = asyncio.ensure_future(arrival.gone())
        await asyncio.wait([gone], timeout=_PROCESS_ENDS_S)
        if not gone.done():
            gone.cancel()
            _log.warning("model_process_killed", model_id=self.manifest.model_id, pid=arrival.pid)
            await self._end_process(arrival.pid)


def _arrived(arriving: "asyncio.Future[Arrival]") -> Arrival:
    if not arriving.done():
        raise ModelServerError("no_handover")
    return arriving.result()
