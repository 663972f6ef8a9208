"""The kernel's own queue: what it says is what happened."""

import asyncio
import errno
import os

import pytest
from caio import linux_aio

from services.chassis.audit import kernel_syncs
from services.chassis.audit.kernel_syncs import KernelSyncs


@pytest.fixture
async def syncs():
    one = KernelSyncs(asyncio.get_running_loop())
    yield one
    one.close()


@pytest.fixture
def descriptor(tmp_path):
    opened = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT, 0o600)
    yield opened
    os.close(opened)


async def test_a_sync_ends_on_the_event_loop(syncs, descriptor):
    loop = asyncio.get_running_loop()
    for _ in range(50):
        os.write(descriptor, b"record")
        done = loop.create_future()
        assert syncs.start(descriptor, done.set_result)
        assert await asyncio.wait_for(done, 5) is None


async def test_what_has_ended_can_be_collected_before_the_loop_notices(syncs, descriptor):
    ended = []
    os.write(descriptor, b"record")
    assert syncs.start(descriptor, ended.append)
    while not ended:
        syncs.collect()
    assert ended == [None]
    await asyncio.sleep(0.01)
    assert ended == [None], "told once"


async def test_what_cannot_be_synced_is_not_begun(syncs, descriptor):
    reading, writing = os.pipe()
    os.close(reading)
    assert not syncs.start(writing, lambda _: pytest.fail("called back"))
    os.close(writing)
    assert not syncs.start(writing, lambda _: pytest.fail("called back"))


async def test_an_error_of_the_device_arrives_as_its_number(descriptor):
    """No device here fails on command; a write beyond the largest file ends the same way in the kernel."""
    context, results = linux_aio.Context(max_requests=1), []
    operation = linux_aio.Operation.write(b"x", descriptor, 1 << 62)
    operation.set_callback(results.append)
    assert context.submit(operation) == 1
    context.process_events(1, 1, 5)
    error = kernel_syncs._error(results[0])
    assert error is not None
    assert error.errno == errno.EFBIG


async def test_a_kernel_without_room_for_more_says_so(monkeypatch):
    def refuse(**_):
        raise SystemError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(kernel_syncs.linux_aio, "Context", refuse)
    with pytest.raises(OSError, match="asynchronous"):
        KernelSyncs(asyncio.get_running_loop())


async def test_a_library_built_without_it_says_so(monkeypatch):
    monkeypatch.setattr(kernel_syncs, "linux_aio", None)
    with pytest.raises(OSError, match="asynchronous"):
        KernelSyncs(asyncio.get_running_loop())


async def test_children_inherit_nothing(syncs):
    assert not os.get_inheritable(syncs._context.fileno)
