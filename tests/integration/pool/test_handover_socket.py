"""The agent's side of the handover, with a listening socket in a temporary folder."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.chassis.secret import SecretBytes
from services.pool import handover
from services.pool.adapters.handover_socket import HandoverSocket
from services.pool.handover import HandoverError, sealed_memory
from services.pool.ports import Ciphertext, Material
from tests.fakes.echo_models import echo_manifest

NAME = "bench_echo-v1"


class Confinement:
    """What the launcher would say."""

    def __init__(self) -> None:
        self.answer = True
        self.asked: list[int] = []

    async def __call__(self, pid: int) -> bool:
        self.asked.append(pid)
        return self.answer


@pytest.fixture
def confinement() -> Confinement:
    return Confinement()


@pytest.fixture
async def agent(tmp_path: Path, confinement: Confinement) -> AsyncIterator[HandoverSocket]:
    agent = HandoverSocket(tmp_path / "agent.sock", os.geteuid(), confinement)
    task = asyncio.create_task(agent.serve())
    while not (tmp_path / "agent.sock").exists():
        await asyncio.sleep(0.001)
    yield agent
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def material() -> Material:
    descriptor = sealed_memory("x", [b"ciphertext"])
    files = [Ciphertext("model.safetensors", descriptor, 10)]
    return Material(echo_manifest("echo-v1"), NAME, files, SecretBytes(b"K" * 32))


async def obtain(folder: Path, name: str = NAME) -> handover.Handover:
    return await asyncio.to_thread(handover.obtain, str(folder / "agent.sock"), name, timeout_s=5)


async def test_material_is_handed_over_once_and_the_end_is_noticed(
    tmp_path: Path, agent: HandoverSocket, confinement: Confinement
) -> None:
    offered = material()
    arriving = asyncio.ensure_future(agent.expect(offered))
    got = await obtain(tmp_path)
    assert got.data_key == b"K" * 32
    assert got.manifest["model_id"] == "bench.echo-v1"
    assert os.pread(got.files[0].descriptor, 99, 0) == b"ciphertext"
    assert confinement.asked == [os.getpid()]
    with pytest.raises(HandoverError):
        await obtain(tmp_path)
    await asyncio.to_thread(got.announce, b"p" * 32, "instance-1")
    arrival = await arriving
    assert arrival.instance.instance_id == "instance-1"
    assert arrival.instance.public_key == b"p" * 32
    assert arrival.pid == os.getpid()
    gone = asyncio.ensure_future(arrival.gone())
    await asyncio.sleep(0.02)
    assert not gone.done()
    got.close_files()
    got.close()
    await asyncio.wait_for(gone, 5)
    arrival.close()
    os.close(offered.files[0].descriptor)


async def test_a_process_outside_the_sandbox_gets_nothing(
    tmp_path: Path, agent: HandoverSocket, confinement: Confinement
) -> None:
    confinement.answer = False
    offered = material()
    arriving = asyncio.ensure_future(agent.expect(offered))
    with pytest.raises(HandoverError):
        await obtain(tmp_path)
    assert not arriving.done()
    confinement.answer = True
    got = await obtain(tmp_path)
    got.close_files()
    got.close()
    os.close(offered.files[0].descriptor)


async def test_another_uid_gets_nothing_and_the_launcher_is_not_even_asked(
    tmp_path: Path, confinement: Confinement
) -> None:
    agent = HandoverSocket(tmp_path / "agent.sock", os.geteuid() + 1, confinement)
    task = asyncio.create_task(agent.serve())
    while not (tmp_path / "agent.sock").exists():
        await asyncio.sleep(0.001)
    with pytest.raises(HandoverError):
        await obtain(tmp_path)
    assert confinement.asked == []
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_model_that_is_not_expected_gets_nothing(tmp_path: Path, agent: HandoverSocket) -> None:
    with pytest.raises(HandoverError):
        await obtain(tmp_path, "bench_other-v1")
    offered = material()
    asyncio.ensure_future(agent.expect(offered)).cancel()
    agent.forget(NAME)
    with pytest.raises(HandoverError):
        await obtain(tmp_path)
    os.close(offered.files[0].descriptor)


@pytest.mark.parametrize(
    ("public_key", "instance_id"), [(b"p" * 31, "i"), (b"p" * 32, ""), (b"p" * 32, "i" * 65)]
)
async def test_an_announcement_out_of_bounds_is_refused(
    tmp_path: Path, agent: HandoverSocket, public_key: bytes, instance_id: str
) -> None:
    offered = material()
    arriving = asyncio.ensure_future(agent.expect(offered))
    got = await obtain(tmp_path)
    with pytest.raises(HandoverError):
        await asyncio.to_thread(got.announce, public_key, instance_id)
    assert not arriving.done()
    got.close_files()
    got.close()
    os.close(offered.files[0].descriptor)
