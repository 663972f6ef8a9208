"""A server that stops waits for what its calls still have to do."""

import asyncio

from services.chassis.in_progress import InProgress


async def test_it_waits_for_the_last_call() -> None:
    calls = InProgress()
    assert await calls.ended(0)
    release = asyncio.Event()

    async def call() -> None:
        with calls:
            await release.wait()

    tasks = [asyncio.create_task(call()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not await calls.ended(0.01)
    tasks[0].cancel()
    await asyncio.sleep(0)
    assert not await calls.ended(0.01)
    release.set()
    assert await calls.ended(1)
