"""Bodies: read as they come, hashed as received, bounded together."""

from hashlib import sha256
from typing import Any

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.edge.domain.dialect import REST_BODY_BYTES
from services.edge.domain.faults import Fault
from services.edge.http.body import (
    SMALL_BODY_BYTES,
    BodyBudget,
    ClientGoneError,
    read_body,
)


def receiving(*chunks: bytes | None) -> Any:
    """Return an ASGI receive that gives these chunks; None hangs up."""
    messages = [
        {"type": "http.disconnect"}
        if chunk is None
        else {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1}
        for index, chunk in enumerate(chunks)
    ]

    async def receive() -> Any:
        return messages.pop(0)

    return receive


@pytest.mark.parametrize("chunks", [(b"",), (b"abc",), (b"a", b"", b"bc"), (b"x" * 200_000,) * 3])
async def test_content_and_hash(chunks: tuple[bytes, ...]) -> None:
    budget = BodyBudget(10_000_000)
    whole = b"".join(chunks)
    body = await read_body(receiving(*chunks), len(whole), budget, known=True)
    content = body.content()
    assert body.sha256_hex == sha256(whole).hexdigest().encode()
    assert budget.used == body.size == len(whole)
    body.close()
    body.close()
    assert budget.used == 0
    assert content == whole
    assert "abc" not in repr(body)


async def test_a_client_that_leaves_gives_its_bytes_back() -> None:
    budget = BodyBudget(100)
    for chunks in ((None,), (b"a", b"b", None)):
        with pytest.raises(ClientGoneError):
            await read_body(receiving(*chunks), 10, budget, known=True)
        assert budget.used == 0


@pytest.mark.parametrize(("known", "limit"), [(True, 400_000), (False, 200_000)])
async def test_the_budget_is_kept(known: bool, limit: int) -> None:
    budget = BodyBudget(400_000)
    large = SMALL_BODY_BYTES + 1
    body = await read_body(receiving(b"x" * limit), limit, budget, known=known)
    for declared in (large, None):
        with pytest.raises(DomainError) as caught:
            await read_body(receiving(b"x"), declared, budget, known=known)
        assert caught.value.reason == ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE
        with pytest.raises(DomainError):
            await read_body(receiving(b"", b"x", b"y"), declared, budget, known=known)
    assert budget.used == limit
    body.close()
    assert (await read_body(receiving(b"x"), large, budget, known=known)).size == 1


@pytest.mark.parametrize("chunks", [(b"abc",), (b"a", b"bc")])
async def test_small_bodies_have_room_whatever_strangers_hold(chunks: tuple[bytes, ...]) -> None:
    budget = BodyBudget(100)
    held = await read_body(receiving(b"x" * 50), None, budget, known=False)
    body = await read_body(receiving(*chunks), SMALL_BODY_BYTES, budget, known=False)
    assert body.content() == b"abc"
    assert budget.used == 53
    body.close()
    held.close()
    assert budget.used == 0


@pytest.mark.parametrize("declared", [26_000_000, None, 5])
async def test_too_large_is_hashed_and_thrown_away(declared: int | None) -> None:
    chunk = b"x" * 1_000_000
    chunks = (chunk,) * 26
    budget = BodyBudget(30_000_000)
    body = await read_body(receiving(*chunks), declared, budget, known=True)
    assert body.too_large
    assert body.content() == b""
    assert body.sha256_hex == sha256(chunk * 26).hexdigest().encode()
    assert budget.used == 0


async def test_the_limit_itself_is_allowed() -> None:
    chunks = (b"x" * 1_000_000,) * 25
    body = await read_body(receiving(*chunks), REST_BODY_BYTES, BodyBudget(10**9), known=True)
    assert not body.too_large
    assert body.size == REST_BODY_BYTES


async def test_without_end() -> None:
    chunks = (b"x" * 10_000_000,) * 8
    with pytest.raises(Fault) as caught:
        await read_body(receiving(*chunks), None, BodyBudget(10**9), known=True)
    assert caught.value.status == 413
