"""One model's life, with a model server and model processes that do as told."""

import asyncio
from collections.abc import Awaitable, Sequence

import pytest

from services.chassis.manifest import ModelManifest
from services.chassis.secret import SecretBytes
from services.pool.config import WatchdogSettings
from services.pool.domain.key_bounds import MODEL_OUTLIVES_KEY_S, outlives_key_s
from services.pool.errors import KeyEndedError, KeyRefusedError, KeyServiceAwayError, ModelServerError
from services.pool.operations.key_watch import KeyWatch
from services.pool.operations.model_keeper import ModelKeeper
from services.pool.ports import Arrival, Ciphertext, Instance, Material, OpenedKey
from tests.eventually import until
from tests.fakes.echo_models import echo_manifest

KEY = "providers/bench/keys/weights"
SETTINGS = WatchdogSettings(period_s=0.01, first_delay_s=0.001, longest_delay_s=0.01)


class Clock:
    def now(self):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    def boottime(self) -> float:
        return asyncio.get_running_loop().time()


class Process:
    """A model process."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.pid = 4711
        self.ended = asyncio.Event()
        self.closed = False

    async def gone(self) -> None:
        await self.ended.wait()

    def close(self) -> None:
        self.closed = True


class World:
    """Model server, handover socket, key service, object store and repository at once."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.processes: list[Process] = []
        self.key_refused = False
        self.away = False
        self.asked: list[list[str]] = []
        self.loading: asyncio.Event | None = None
        self.unloadable = True
        self.materials: list[Material] = []
        self.load_refused = False
        self.handover_missing = False
        self.answering = True
        self.processes_stay = False
        self._offers: dict[str, asyncio.Future[Arrival]] = {}

    async def open(self, manifest: ModelManifest) -> OpenedKey | None:
        if self.key_refused:
            raise KeyRefusedError("key_disabled")
        return OpenedKey(SecretBytes(b"k" * 32), KEY)

    async def refusals(self, uses: Sequence[tuple[ModelManifest, str]]) -> Sequence[str]:
        self.asked.append([name for _, name in uses])
        if self.away:
            raise KeyServiceAwayError("dependency_unavailable")
        return ["key_disabled" if self.key_refused else "" for _ in uses]

    async def fetch(self, manifest: ModelManifest) -> Sequence[Ciphertext]:
        return ()

    def write(self, manifest: ModelManifest, server_model: str) -> None:
        self.calls.append(f"write {server_model}")

    def clear(self) -> None:
        self.calls.append("clear")

    def expect(self, material: Material) -> Awaitable[Arrival]:
        future: asyncio.Future[Arrival] = asyncio.get_running_loop().create_future()
        self._offers[material.server_model] = future
        self.materials.append(material)
        return future

    def forget(self, server_model: str) -> None:
        self._offers.pop(server_model, None)

    async def ready(self) -> bool:
        return True

    async def load(self, server_model: str, timeout_s: float) -> None:
        self.calls.append(f"load {server_model}")
        if self.load_refused:
            raise ModelServerError("load_internal")
        if self.loading is not None:
            self.materials[-1].taken_by = 4712
            await self.loading.wait()
        if not self.handover_missing:
            number = len(self.processes) + 1
            process = Process(Instance("bench.echo-v1", server_model, f"instance-{number}", b"p" * 32))
            self.processes.append(process)
            self._offers[server_model].set_result(process)

    async def unload(self, server_model: str, timeout_s: float) -> None:
        self.calls.append(f"unload {server_model}")
        if not self.unloadable:
            raise ModelServerError("unload_deadline_exceeded")
        if self.processes and not self.processes_stay:
            self.processes[-1].ended.set()

    async def end(self, pid: int) -> None:
        self.calls.append(f"end {pid}")

    async def infer(self, manifest: ModelManifest, instance: Instance, timeout_s: float) -> None:
        if not self.answering:
            raise ModelServerError("infer_deadline_exceeded")

    async def close(self) -> None:
        self.calls.append("close")


def watch_of(world: World, settings: WatchdogSettings = SETTINGS) -> KeyWatch:
    return KeyWatch(world, settings, Clock())


def keeper_of(world: World, watch: KeyWatch | None = None) -> ModelKeeper:
    return ModelKeeper(
        echo_manifest("echo-v1"),
        server=world,
        handovers=world,
        files=world,
        keys=world,
        key_watch=watch or watch_of(world),
        repository=world,
        settings=SETTINGS,
        loading=asyncio.Semaphore(1),
        end_process=world.end,
        clock=Clock(),
    )


async def end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_model_is_ready_after_it_answered_and_unloaded_when_withdrawn() -> None:
    world = World()
    keeper = keeper_of(world)
    task = asyncio.create_task(keeper.run())
    await until(lambda: keeper.ready)
    assert keeper.instance is not None
    assert keeper.instance.instance_id == "instance-1"
    await end(task)
    assert world.calls == ["write bench_echo-v1", "load bench_echo-v1", "unload bench_echo-v1"]
    assert world.processes[0].closed
    assert not keeper.ready
    assert keeper.instance is None


async def test_a_process_that_ended_is_replaced_at_once() -> None:
    world = World()
    keeper = keeper_of(world)
    task = asyncio.create_task(keeper.run())
    await until(lambda: keeper.ready)
    world.processes[0].ended.set()
    await until(lambda: keeper.ready and keeper.loads == 2)
    assert world.calls[1:4] == ["load bench_echo-v1", "unload bench_echo-v1", "write bench_echo-v1"]
    await end(task)


async def test_a_model_that_stops_answering_is_loaded_again() -> None:
    world = World()
    keeper = keeper_of(world)
    task = asyncio.create_task(keeper.run())
    await until(lambda: keeper.ready)
    world.answering = False
    await until(lambda: keeper.loads >= 2)
    assert not keeper.ready
    world.answering = True
    await until(lambda: keeper.ready)
    await end(task)


@pytest.mark.parametrize("obstacle", ["key_refused", "load_refused"])
async def test_a_load_is_tried_again_until_it_succeeds(obstacle: str) -> None:
    world = World()
    setattr(world, obstacle, True)
    keeper = keeper_of(world)
    task = asyncio.create_task(keeper.run())
    await asyncio.wait_for(keeper.attempted.wait(), 5)
    assert keeper.instance is None
    assert not keeper.ready
    setattr(world, obstacle, False)
    await until(lambda: keeper.ready)
    await end(task)


async def test_without_the_key_nothing_reaches_the_model_server() -> None:
    world = World()
    world.key_refused = True
    keeper = keeper_of(world)
    task = asyncio.create_task(keeper.run())
    await asyncio.sleep(0.05)
    await end(task)
    assert not [call for call in world.calls if call.startswith("load")]


async def test_a_model_that_claims_to_be_loaded_without_a_handover_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.pool.operations.model_keeper._ANNOUNCED_S", 0.01)
    world = World()
    world.handover_missing = True
    keeper = keeper_of(world)
    task = asyncio.create_task(keeper.run())
    await until(lambda: world.calls.count("load bench_echo-v1") >= 2)
    assert not keeper.ready
    await end(task)


async def test_nothing_is_unloaded_when_the_sandbox_is_given_up() -> None:
    world = World()
    keeper = keeper_of(world)
    task = asyncio.create_task(keeper.run())
    await until(lambda: keeper.ready)
    keeper.abandoned = True
    await end(task)
    assert not [call for call in world.calls if call.startswith("unload")]


async def test_a_process_that_outlives_its_unloading_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.pool.operations.model_keeper._PROCESS_ENDS_S", 0.01)
    world = World()
    world.processes_stay = True
    keeper = keeper_of(world)
    task = asyncio.create_task(keeper.run())
    await until(lambda: keeper.ready)
    await end(task)
    assert world.calls[-2:] == ["unload bench_echo-v1", "end 4711"]


class SetClock(Clock):
    """A clock that is set by hand."""

    now_s = 1_000.0

    def boottime(self) -> float:
        return self.now_s


async def test_a_model_whose_key_ends_is_unloaded_and_loaded_again_when_it_may_be() -> None:
    world = World()
    watch = watch_of(world)
    keeper = keeper_of(world, watch)
    task = asyncio.create_task(keeper.run())
    await until(lambda: keeper.ready)
    await watch.check()
    assert world.asked == [[KEY]]
    assert keeper.ready
    world.key_refused = True
    await watch.check()
    await until(lambda: not keeper.ready)
    assert keeper.instance is None
    await until(lambda: "unload bench_echo-v1" in world.calls and world.processes[0].closed)
    await asyncio.sleep(0.02)
    assert keeper.loads == 1, "without the key it is not loaded"
    world.key_refused = False
    await until(lambda: keeper.ready and keeper.loads == 2)
    await watch.check()
    assert keeper.ready
    await end(task)


async def test_a_model_whose_key_ends_while_it_loads_never_gets_ready_and_its_process_ends() -> None:
    world = World()
    world.loading = asyncio.Event()
    world.unloadable = False
    watch = watch_of(world)
    keeper = keeper_of(world, watch)
    task = asyncio.create_task(keeper.run())
    await until(lambda: "load bench_echo-v1" in world.calls)
    world.key_refused = True
    await watch.check()
    await until(lambda: "end 4712" in world.calls)
    before = world.calls[: world.calls.index("end 4712")]
    assert before[-1] == "unload bench_echo-v1", "the model server did not end it"
    assert not keeper.ready
    world.key_refused, world.loading, world.unloadable = False, None, True
    await until(lambda: keeper.ready)
    await end(task)


async def test_the_agent_keeps_no_data_key_once_a_process_has_it() -> None:
    world = World()
    keeper = keeper_of(world)
    task = asyncio.create_task(keeper.run())
    await until(lambda: keeper.ready)
    assert len(world.materials[0].data_key) == 0
    await end(task)


async def test_while_the_key_service_is_away_models_go_on_for_the_grace_and_no_longer() -> None:
    world, clock = World(), SetClock()
    watch = KeyWatch(world, SETTINGS, clock)
    with watch.holding(echo_manifest("echo-v1"), OpenedKey(SecretBytes(b"k"), KEY), clock.boottime()) as held:
        world.away = True
        clock.now_s += SETTINGS.key_grace_s
        await watch.check()
        held.require()
        world.away = False
        await watch.check()
        world.away = True
        clock.now_s += SETTINGS.key_grace_s
        await watch.check()
        held.require()
        clock.now_s += 0.1
        await watch.check()
        with pytest.raises(KeyEndedError) as caught:
            held.require()
        assert caught.value.reason == "key_service_away"
    world.asked.clear()
    await watch.check()
    assert world.asked == [], "what is not in memory is not asked about"


async def test_a_yes_counts_from_before_it_was_asked_for() -> None:
    class Slow(World):
        async def refusals(self, uses: Sequence[tuple[ModelManifest, str]]) -> Sequence[str]:
            clock.now_s += 4
            return await super().refusals(uses)

    world, clock = Slow(), SetClock()
    watch = KeyWatch(world, SETTINGS, clock)
    with watch.holding(echo_manifest("echo-v1"), OpenedKey(SecretBytes(b"k"), KEY), 0.0) as held:
        await watch.check()
        assert held.permitted == 1_000.0
        held.require()


async def test_a_model_without_weights_has_no_key_that_could_end() -> None:
    world = World()
    watch = watch_of(world)
    with watch.holding(echo_manifest("echo-v1"), None, -1e9) as held:
        world.key_refused = True
        await watch.check()
        held.require()
    assert world.asked == []


def test_a_model_outlives_its_key_by_less_than_a_minute_whatever_is_configured() -> None:
    usual = WatchdogSettings()
    assert outlives_key_s(usual.key_period_s, usual.key_grace_s, usual.timeout_s) == 58.0
    assert MODEL_OUTLIVES_KEY_S == 60.0
    for longer in ({"key_grace_s": 27.1}, {"key_period_s": 7.1}, {"timeout_s": 7.1}):
        with pytest.raises(ValueError, match="outlive its key"):
            WatchdogSettings(**longer)  # type: ignore[arg-type]
    for never in ({"key_grace_s": 0.0}, {"key_period_s": 0.0}):
        with pytest.raises(ValueError, match="above zero"):
            WatchdogSettings(**never)  # type: ignore[arg-type]
