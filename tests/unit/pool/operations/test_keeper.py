"""The pool's life: sandboxes that end, certificates that change, manifests that come and go."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import pytest

from services.chassis.manifest import ModelManifest
from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.pool.config import WatchdogSettings
from services.pool.errors import CageError, LauncherGoneError, ModelServerError, RestartLimitError
from services.pool.operations import keeper as keeper_module
from services.pool.operations.keeper import Keeper
from services.pool.ports import Arrival, Ciphertext, Instance, Material, OpenedKey, RunningCage
from tests.eventually import until
from tests.fakes.echo_models import echo_manifest


class Clock:
    def now(self) -> datetime:
        raise NotImplementedError

    def boottime(self) -> float:
        return asyncio.get_running_loop().time()


class Process:
    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.pid = 4711
        self.ended = asyncio.Event()

    async def gone(self) -> None:
        await self.ended.wait()

    def close(self) -> None:
        self.ended.set()


class World:
    """The launcher, the model server and everything else around a keeper."""

    def __init__(self) -> None:
        self.starts = 0
        self.stops = 0
        self.refusing = False
        self.launcher_gone = False
        self.server_ready = True
        self.new_certificate = False
        self.manifests: list[ModelManifest] = [echo_manifest("echo-v1")]
        self.door: int | None = None
        self.loaded: list[str] = []
        self.unloaded: list[str] = []
        self.processes: dict[str, Process] = {}
        self._end = asyncio.Event()
        self._offers: dict[str, asyncio.Future[Arrival]] = {}

    # Cage
    async def start(self) -> RunningCage:
        self.starts += 1
        if self.launcher_gone:
            raise LauncherGoneError
        if self.refusing:
            raise CageError("sandbox_refused")
        self._end.clear()
        return RunningCage(os.open("/", os.O_PATH), SecretBytes(b"secret"))

    async def stop(self) -> None:
        self.stops += 1

    async def inside(self, pid: int) -> bool:
        return True

    async def end(self, pid: int) -> None:
        raise AssertionError("no process outlives its unloading here")

    async def ended(self) -> None:
        await self._end.wait()

    def crash(self) -> None:
        self._end.set()

    # Door
    def open(self, directory: int) -> None:
        self.door = directory

    def shut(self) -> None:
        self.door = None

    # Handovers, files, keys
    def expect(self, material: Material) -> Awaitable[Arrival]:
        future: asyncio.Future[Arrival] = asyncio.get_running_loop().create_future()
        self._offers[material.server_model] = future
        return future

    def forget(self, server_model: str) -> None:
        self._offers.pop(server_model, None)

    async def fetch(self, manifest: ModelManifest) -> Sequence[Ciphertext]:
        return ()

    # Repository, shelf
    def write(self, manifest: ModelManifest, server_model: str) -> None:
        pass

    def clear(self) -> None:
        pass

    def read(self) -> Sequence[ModelManifest]:
        return list(self.manifests)

    # Model server
    async def ready(self) -> bool:
        return self.server_ready

    async def load(self, server_model: str, timeout_s: float) -> None:
        self.loaded.append(server_model)
        instance = Instance(server_model, server_model, f"instance-{len(self.loaded)}", b"p" * 32)
        self.processes[server_model] = Process(instance)
        self._offers[server_model].set_result(self.processes[server_model])

    async def unload(self, server_model: str, timeout_s: float) -> None:
        self.unloaded.append(server_model)
        self.processes[server_model].ended.set()

    async def infer(self, manifest: ModelManifest, instance: Instance, timeout_s: float) -> None:
        if not self.server_ready:
            raise ModelServerError("infer_unavailable")

    async def close(self) -> None:
        pass

    def certificate_changed(self) -> bool:
        changed, self.new_certificate = self.new_certificate, False
        return changed


class Keys:
    async def open(self, manifest: ModelManifest) -> OpenedKey | None:
        return None

    async def refusals(self, uses: Sequence[tuple[ModelManifest, str]]) -> Sequence[str]:
        raise AssertionError("models without weights have no keys")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "_SHELF_PERIOD_S", 0.01)
    monkeypatch.setattr(keeper_module, "_TURNOVER_S", 0.01)
    monkeypatch.setattr(keeper_module, "_SERVER_READY_S", 0.2)
    monkeypatch.setattr("services.pool.operations.model_keeper._PROCESS_ENDS_S", 0.01)


def keeper_of(world: World, restarts: int = 20) -> Keeper:
    return Keeper(
        cage=world,
        connect=lambda _cage: world,
        door=world,
        handovers=world,
        files=world,
        keys=Keys(),
        repository=world,
        shelf=world,
        settings=WatchdogSettings(
            period_s=0.01, first_delay_s=0.001, longest_delay_s=0.01, restarts=restarts
        ),
        certificate_changed=world.certificate_changed,
        clock=Clock(),
        randomness=SystemRandomness(),
    )


def all_ready(keeper: Keeper, count: int = 1) -> Callable[[], bool]:
    return lambda: len(keeper.models) == count and all(model.ready for model in keeper.models)


async def end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_door_is_open_while_the_sandbox_runs_and_shut_afterwards() -> None:
    world = World()
    keeper = keeper_of(world)
    assert not await keeper.settled()
    task = asyncio.create_task(keeper.run())
    await until(all_ready(keeper))
    assert await keeper.settled()
    assert world.door is not None
    assert keeper.generation
    await end(task)
    assert world.door is None
    assert (world.starts, world.stops) == (1, 1)
    assert keeper.generation == ""


async def test_a_sandbox_that_ended_is_started_again_as_another_generation() -> None:
    world = World()
    keeper = keeper_of(world)
    task = asyncio.create_task(keeper.run())
    await until(all_ready(keeper))
    generation = keeper.generation
    world.crash()
    await until(lambda: keeper.generation not in ("", generation))
    await until(all_ready(keeper))
    assert (world.starts, world.stops) == (2, 1)
    # A model server that is gone is not asked to unload.
    assert world.unloaded == []
    await end(task)


async def test_a_model_server_that_stops_answering_is_replaced() -> None:
    world = World()
    keeper = keeper_of(world)
    task = asyncio.create_task(keeper.run())
    await until(all_ready(keeper))
    world.server_ready = False
    await until(lambda: world.stops >= 1)
    world.server_ready = True
    await until(all_ready(keeper))
    await end(task)


async def test_a_new_certificate_takes_effect_by_a_restart() -> None:
    world = World()
    keeper = keeper_of(world)
    task = asyncio.create_task(keeper.run())
    await until(all_ready(keeper))
    world.new_certificate = True
    await until(lambda: world.starts == 2)
    await until(all_ready(keeper))
    await end(task)


async def test_manifests_come_change_and_go() -> None:
    world = World()
    keeper = keeper_of(world)
    task = asyncio.create_task(keeper.run())
    await until(all_ready(keeper))
    world.manifests.append(echo_manifest("late-v1"))
    await until(all_ready(keeper, 2))
    assert [model.manifest.model_id for model in keeper.models] == ["bench.echo-v1", "bench.late-v1"]
    del world.manifests[0]
    # It leaves the list before the server is asked to unload it.
    await until(lambda: world.unloaded == ["bench_echo-v1"])
    assert all_ready(keeper, 1)()
    assert world.starts == 1
    await end(task)


async def test_too_many_restarts_end_the_agent() -> None:
    world = World()
    world.refusing = True
    with pytest.raises(RestartLimitError):
        await asyncio.wait_for(keeper_of(world, restarts=3).run(), 5)
    assert world.starts == 4


async def test_without_its_launcher_the_agent_ends_at_once() -> None:
    world = World()
    world.launcher_gone = True
    with pytest.raises(LauncherGoneError):
        await asyncio.wait_for(keeper_of(world).run(), 5)
    assert world.starts == 1


async def test_a_defect_in_one_model_is_survived_and_a_cancellation_is_never_swallowed() -> None:
    world = World()
    world.manifests.append(echo_manifest("late-v1"))
    keeper = keeper_of(world)
    task = asyncio.create_task(keeper.run())
    await until(all_ready(keeper, 2))
    # The fake forgets the process, so that unloading it breaks in a way that nobody foresaw.
    del world.processes["bench_late-v1"]
    del world.manifests[1]
    await until(all_ready(keeper, 1))
    await end(task)
