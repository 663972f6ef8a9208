"""Background tasks end when they are told to."""

import asyncio
import contextlib

from services.chassis.process import BackgroundTasks


async def test_a_task_that_loses_a_cancellation_is_cancelled_again() -> None:
    tasks = BackgroundTasks()
    lost = asyncio.Event()

    async def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        lost.set()
        await asyncio.Event().wait()

    tasks.start("loses one", run)
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await tasks.stop()
    assert lost.is_set()
    assert not tasks.failed.is_set()


async def test_a_task_that_ends_by_itself_is_a_failure_unless_it_may() -> None:
    async def run() -> None:
        return

    tasks = BackgroundTasks()
    tasks.start("may", run, may_end=True)
    await asyncio.sleep(0.01)
    assert not tasks.failed.is_set()
    tasks.start("may not", run)
    async with asyncio.timeout(5):
        await tasks.failed.wait()
        await tasks.stop()
