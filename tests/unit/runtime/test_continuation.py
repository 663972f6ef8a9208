"""A stream that goes on only as long as it is permitted."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.runtime.operations.continuation import Continuation

EVERY_S = 0.02


class Judge:
    """Permits until told otherwise; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.refusal: Exception | None = None

    async def __call__(self) -> None:
        self.asked += 1
        if self.refusal is not None:
            raise self.refusal


def refused() -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_ACCESS_DENIED, "no longer")


async def numbers(count: int, pause_s: float, closed: list[str]) -> AsyncGenerator[int, None]:
    try:
        for number in range(count):
            await asyncio.sleep(pause_s)
            yield number
    finally:
        closed.append("closed")


async def collect(judge: Judge, source: AsyncGenerator[int, None]) -> list[int]:
    found = []
    async with Continuation(judge, EVERY_S) as continuation:
        while (number := await continuation.next(source)) is not None:
            found.append(number)
    return found


async def test_a_stream_that_stays_permitted_is_whole() -> None:
    judge, closed = Judge(), list[str]()
    assert await collect(judge, numbers(10, 0.01, closed)) == list(range(10))
    assert judge.asked >= 2
    asked = judge.asked
    await asyncio.sleep(3 * EVERY_S)
    assert judge.asked == asked, "nobody asks about a stream that has ended"


async def test_a_short_stream_is_not_asked_about() -> None:
    judge = Judge()
    assert await collect(judge, numbers(3, 0, [])) == [0, 1, 2]
    assert judge.asked == 0


@pytest.mark.parametrize("refusal", [refused(), OSError("nobody to ask")])
async def test_a_silent_stream_ends_when_it_is_refused(refusal: Exception) -> None:
    judge, closed = Judge(), list[str]()
    judge.refusal = refusal
    async with asyncio.timeout(5):
        with pytest.raises(type(refusal)) as caught:
            await collect(judge, numbers(1, 60, closed))
    assert caught.value is refusal
    assert closed == ["closed"], "the source was told"


async def test_nothing_is_taken_from_a_source_after_the_refusal() -> None:
    judge, closed = Judge(), list[str]()
    source = numbers(10, 0, closed)
    async with Continuation(judge, EVERY_S) as continuation:
        assert await continuation.next(source) == 0
        judge.refusal = refused()
        # The reader is slow: the refusal comes while nobody waits for the source.
        await asyncio.sleep(3 * EVERY_S)
        for _ in range(2):
            with pytest.raises(DomainError):
                await continuation.next(source)
    await source.aclose()


async def test_a_cancelled_reader_is_cancelled() -> None:
    judge, closed = Judge(), list[str]()
    reading = asyncio.create_task(collect(judge, numbers(1, 60, closed)))
    await asyncio.sleep(2 * EVERY_S)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert closed == ["closed"]
    asked = judge.asked
    await asyncio.sleep(3 * EVERY_S)
    assert judge.asked == asked
