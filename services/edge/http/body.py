"""Reading request bodies: bounded for each request, and for all strangers together."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.edge.domain.faults import Fault

MAX_BODY_BYTES = 25_000_000
"""Bedrock's limit of one request body."""
MAX_DISCARD_BYTES = 64 * 1024 * 1024
"""A larger body than allowed is read, hashed and thrown away up to here, so that its sender hears why."""
_THREAD_BYTES = 256 * 1024
"""Above this, hashing would hold up other requests: about 0.15 ms."""

Receive = Callable[[], Awaitable[Any]]


class ClientGoneError(Exception):
    """The client hung up before its request was complete."""


class BodyBudget:
    """Body bytes of all requests whose signature is not verified yet.

    Callers without a leased key get at most half, so that strangers cannot keep known callers out.
    """

    def __init__(self, limit: int) -> None:
        """Allow `limit` bytes."""
        self._limit = limit
        self.used = 0

    def take(self, count: int, *, known: bool) -> None:
        """Count received bytes. Raises DomainError(DEPENDENCY_UNAVAILABLE) at the limit."""
        if self.used + count > (self._limit if known else self._limit // 2):
            raise DomainError(
                ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
                "too many request bodies wait for verification",
                retry_after_s=1.0,
            )
        self.used += count

    def give_back(self, count: int) -> None:
        """Forget bytes that were taken."""
        self.used -= count


@dataclass(frozen=True, slots=True)
class Body:
    """A received body, or only its size and hash when it was too large to keep."""

    content: bytes
    sha256_hex: bytes
    size: int
    taken: int
    """Bytes still counted in the budget: whoever verified the signature gives them back."""

    @property
    def too_large(self) -> bool:
        """Whether the body was larger than an operation accepts."""
        return self.size > MAX_BODY_BYTES

    def __repr__(self) -> str:
        """Never show content."""
        return f"Body({self.size} bytes)"


async def read_body(receive: Receive, declared: int | None, budget: BodyBudget, *, known: bool) -> Body:
    """Read a request body. `declared` is its Content-Length, None when it is chunked.

    Raises ClientGoneError, and DomainError or Fault at a limit.
    """
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    content: bytes = message.get("body", b"")
    if not message.get("more_body"):
        budget.take(len(content), known=known)
        return Body(content, _digest(content), len(content), len(content))
    if declared is not None and declared > MAX_BODY_BYTES:
        return await _discard(receive, content)
    return await _collect(receive, content, budget, known=known)


async def _collect(receive: Receive, first: bytes, budget: BodyBudget, *, known: bool) -> Body:
    chunks, size, taken = [first], len(first), 0
    try:
        budget.take(size, known=known)
        taken = size
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk, more = message.get("body", b""), message.get("more_body", False)
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                seen = sha256()
                for each in (*chunks, chunk):
                    seen.update(each)
                chunks.clear()
                return await _discard_rest(receive, seen, size, more=more)
            budget.take(len(chunk), known=known)
            taken += len(chunk)
            chunks.append(chunk)
        content = b"".join(chunks)
        chunks.clear()
        if size > _THREAD_BYTES:
            digest = await asyncio.to_thread(_digest, content)
        else:
            digest = _digest(content)
        body, taken = Body(content, digest, size, taken), 0
        return body
    finally:
        budget.give_back(taken)


def _digest(content: bytes) -> bytes:
    return sha256(content).hexdigest().encode()


async def _discard(receive: Receive, first: bytes) -> Body:
    return await _discard_rest(receive, sha256(first), len(first), more=True)


async def _discard_rest(receive: Receive, seen: Any, size: int, *, more: bool) -> Body:
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size > MAX_DISCARD_BYTES:
            raise Fault(
                "RequestEntityTooLargeException", 413, "Request is too large.", reason="INVALID_FIELD"
            )
        seen.update(chunk)
    return Body(b"", seen.hexdigest().encode(), size, 0)
