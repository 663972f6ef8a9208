"""Reading request bodies: bounded for each request, and for all strangers together."""

import asyncio
import mmap
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.edge.domain.dialect import REST_BODY_BYTES
from services.edge.domain.faults import Fault

SMALL_BODY_BYTES = 64 * 1024
"""Bodies that say they are no larger are read in any case."""
MAX_DISCARD_BYTES = 64 * 1024 * 1024
"""A larger body than allowed is read, hashed and thrown away up to here, so that its sender hears why."""
_THREAD_BYTES = 256 * 1024
"""Above this, hashing would hold up other requests: about 0.15 ms."""

Receive = Callable[[], Awaitable[Any]]


class ClientGoneError(Exception):
    """The client hung up before its request was complete."""


class BodyBudget:
    """Body bytes of all requests whose signature is not verified yet.

    Callers that are not known get at most half, so that strangers cannot keep known callers out.
    """

    def __init__(self, limit: int) -> None:
        """Allow `limit` bytes."""
        self._limit = limit
        self.used = 0

    def take(self, count: int, *, known: bool, small: bool = False) -> None:
        """Count received bytes. Raises DomainError(DEPENDENCY_UNAVAILABLE) at the limit.

        A piece of a `small` body always has room: the number of connections bounds them, and a caller
        that nobody knows yet must not be kept out by strangers with large bodies.
        """
        if not small and self.used + count > (self._limit if known else self._limit // 2):
            raise DomainError(
                ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE,
                "too many request bodies wait for verification",
                retry_after_s=1.0,
            )
        self.used += count

    def give_back(self, count: int) -> None:
        """Forget bytes that were taken."""
        self.used -= count


class Body:
    """A received body, or only its size and hash when it was too large to keep.

    Whoever has verified the signature, or refused it, closes it: that gives its bytes back to the budget.
    """

    __slots__ = ("_budget", "_content", "_limit", "_pages", "_taken", "sha256_hex", "size")

    def __init__(
        self,
        content: bytes,
        pages: "mmap.mmap | None",
        size: int,
        sha256_hex: bytes,
        budget: BodyBudget,
        taken: int,
        limit: int,
    ) -> None:
        """Hold `content`, or the first `size` bytes of `pages`; `taken` bytes are counted in the budget."""
        self._limit = limit
        self.size = size
        self.sha256_hex = sha256_hex
        self._content = content
        self._pages = pages
        self._budget = budget
        self._taken = taken

    @property
    def too_large(self) -> bool:
        """Whether the body was larger than an operation accepts."""
        return self.size > self._limit

    def content(self) -> bytes:
        """Return the body itself. Call it once the signature is verified: a large body is copied."""
        return self._content if self._pages is None else self._pages[: self.size]

    def close(self) -> None:
        """Give pages and budget back. The content that was returned stays valid."""
        self._budget.give_back(self._taken)
        self._taken = 0
        if self._pages is not None:
            self._pages.close()
            self._pages = None

    def __repr__(self) -> str:
        """Never show content."""
        return f"Body({self.size} bytes)"


async def read_body(
    receive: Receive,
    declared: int | None,
    budget: BodyBudget,
    *,
    known: bool,
    limit: int = REST_BODY_BYTES,
) -> Body:
    """Read a request body. `declared` is its Content-Length, None when it is chunked.

    More than `limit` bytes are hashed and thrown away.
    Raises ClientGoneError, and DomainError or Fault at a limit.
    """
    small = declared is not None and declared <= SMALL_BODY_BYTES
    first, more = await _next(receive)
    if not more:
        budget.take(len(first), known=known, small=small)
        return Body(first, None, len(first), _digest(first), budget, len(first), limit)
    if declared is not None and declared > limit:
        return await _discard(receive, sha256(first), len(first), budget, limit, more=True)
    # Pages of its own, committed as they are written and returned as they are closed: in the heap, the
    # pieces of many large bodies would leave holes that stay with the process.
    length = limit if declared is None else max(declared, len(first), 1)
    pages = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    taken = 0
    try:
        budget.take(len(first), known=known, small=small)
        taken = size = len(first)
        pages[:size] = first
        first = b""
        while more:
            chunk, more = await _next(receive)
            end = size + len(chunk)
            if end > length:
                # More than an operation accepts: from here on it is only hashed.
                with memoryview(pages) as view, view[:size] as written:
                    seen = sha256(written)
                seen.update(chunk)
                budget.give_back(taken)
                taken = 0
                pages.close()
                return await _discard(receive, seen, end, budget, limit, more=more)
            budget.take(len(chunk), known=known, small=small)
            taken = end
            pages[size:end] = chunk
            size = end
            # Waiting for the next piece must not keep this one.
            chunk = b""
        if size > _THREAD_BYTES:
            digest = await asyncio.to_thread(_digest_pages, pages, size)
        else:
            digest = _digest_pages(pages, size)
    except BaseException:
        budget.give_back(taken)
        pages.close()
        raise
    return Body(b"", pages, size, digest, budget, taken, limit)


async def _next(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    return message.get("body", b""), message.get("more_body", False)


def _digest_pages(pages: mmap.mmap, size: int) -> bytes:
    with memoryview(pages) as view, view[:size] as written:
        return sha256(written).hexdigest().encode()


def _digest(content: bytes) -> bytes:
    return sha256(content).hexdigest().encode()


async def _discard(
    receive: Receive, seen: Any, size: int, budget: BodyBudget, limit: int, *, more: bool
) -> Body:
    while more:
        chunk, more = await _next(receive)
        size += len(chunk)
        if size > MAX_DISCARD_BYTES:
            raise Fault(
                "RequestEntityTooLargeException", 413, "Request is too large.", reason="INVALID_FIELD"
            )
        seen.update(chunk)
    return Body(b"", None, size, seen.hexdigest().encode(), budget, 0, limit)
