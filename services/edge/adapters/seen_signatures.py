"""Seen signatures in Redis: one round trip for all signatures that are waiting.

Redis is no ledger. The store has a birth marker, bound to the run of the Redis process: after a restart,
a fail-over or a flush it is born anew, and signatures dated before that are refused. Ages are measured on
Redis' own clock, so that replicas of the edge need not agree on the time.
"""

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Any, cast

import redis.asyncio
from craton.common.v1.error_reason_pb2 import ErrorReason
from redis.exceptions import RedisError

from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.chassis.redis_connection import connection_pool
from services.chassis.settings import RedisSettings
from services.chassis.sigv4 import MAX_SKEW
from services.edge.ports import REUSE_S

_PREFIX = b"craton:seen:"
_BIRTH = _PREFIX + b"birth"
# A signature may be dated five minutes ahead and is then acceptable for ten; one more for good measure.
_KEEP_MS = int(2 * MAX_SKEW.total_seconds() * 1000) + 60_000
_BATCH = 256
_TIMEOUT_S = 1.0
_WATCH_S = 0.5

_BEGIN = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local known = redis.call('GET', KEYS[1])
if not known or string.sub(known, 1, #ARGV[1] + 1) ~= ARGV[1] .. ' ' then
  redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. string.format('%.0f', now))
end
return 1
"""
"""Make the birth marker of this run of Redis, unless it exists."""

_CHECK = """
local marker = redis.call('GET', KEYS[1])
if not marker then return {} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local answer = { string.sub(marker, string.find(marker, ' ') + 1) }
for i = 2, #KEYS do
  local first = redis.call('SET', KEYS[i], string.format('%.0f', now), 'NX', 'GET', 'PX', ARGV[1])
  answer[i] = first and (now - tonumber(first)) or 0
end
return answer
"""
"""Note signatures. Returns the birth (ms), then for each signature how long ago (ms) it was first seen."""

_log = Log("seen_signatures")


class _Waiting:
    __slots__ = ("future", "signature", "signed_at")

    def __init__(self, signature: bytes, signed_at: float, future: "asyncio.Future[None]") -> None:
        self.signature = signature
        self.signed_at = signed_at
        self.future = future


class RedisSeenSignatures:
    """The SeenSignatures port over one pipelined connection."""

    def __init__(self, settings: RedisSettings) -> None:
        """Connect lazily. Raises OSError when the password file cannot be read."""
        self._pool = connection_pool(
            settings,
            connect_timeout_s=_TIMEOUT_S,
            timeout_s=_TIMEOUT_S,
            redis_connect_func=self._connected,
            max_connections=1,
        )
        self._redis = redis.asyncio.Redis(connection_pool=self._pool, single_connection_client=True)
        self._check = self._redis.register_script(_CHECK)
        self._pending: list[_Waiting] = []
        self._draining: asyncio.Task[None] | None = None
        self._connection_lock = asyncio.Lock()

    async def _connected(self, connection: Any) -> None:
        """Log in, then tie the birth marker to the Redis process that answers on this connection."""
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        info = await connection.read_response()
        await connection.send_command("EVAL", _BEGIN, 1, _BIRTH, _run_id(info))
        await connection.read_response()

    def check(self, signature: bytes, signed_at: float) -> "asyncio.Future[None]":
        """Note a verified signature and say, by the future, whether it may be used."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append(_Waiting(signature, signed_at, future))
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain())
        return future

    async def _drain(self) -> None:
        try:
            while self._pending:
                batch, self._pending = self._pending[:_BATCH], self._pending[_BATCH:]
                try:
                    await self._ask(batch)
                except (RedisError, OSError, TimeoutError) as error:
                    _log.warning("store_unreachable", error_type=type(error).__name__)
                    await self._disconnect()
                    for waiting in batch:
                        _refuse(waiting, "the store of seen signatures cannot be asked")
        finally:
            self._draining = None

    async def _ask(self, batch: list[_Waiting]) -> None:
        keys = [_BIRTH, *(_PREFIX + waiting.signature for waiting in batch)]
        async with self._connection_lock, asyncio.timeout(_TIMEOUT_S):
            answer = await self._check(keys=keys, args=[_KEEP_MS])
        if not answer:
            # Someone emptied the store while it ran. A new connection gives it a new birth.
            await self._disconnect()
            for waiting in batch:
                _refuse(waiting, "the store of seen signatures was lost")
            return
        birth_s = int(answer[0]) / 1000
        for waiting, age_ms in zip(batch, answer[1:], strict=True):
            if waiting.future.done():
                continue
            if waiting.signed_at < birth_s:
                _refuse(waiting, "the signature is older than the store of seen signatures")
            elif age_ms > REUSE_S * 1000:
                waiting.future.set_exception(
                    DomainError(
                        ErrorReason.ERROR_REASON_SIGNATURE_REPLAYED,
                        "Signature already used: sign the request again.",
                    )
                )
            else:
                waiting.future.set_result(None)

    async def reachable(self) -> bool:
        """Ask the store for a sign of life."""
        try:
            async with self._connection_lock, asyncio.timeout(_TIMEOUT_S):
                return bool(await cast("Awaitable[Any]", self._redis.ping()))
        except (RedisError, OSError, TimeoutError):
            await self._disconnect()
            return False

    async def watch(self) -> None:
        """Keep the connection up, so that a restarted store is born at once and not at the next request."""
        while True:
            await self.reachable()
            await asyncio.sleep(_WATCH_S)

    async def _disconnect(self) -> None:
        async with self._connection_lock:
            connection = self._redis.connection
            if connection is not None:
                with contextlib.suppress(RedisError, OSError, TimeoutError):
                    await connection.disconnect(nowait=True)

    async def close(self) -> None:
        """Close the connection."""
        if self._draining is not None:
            await asyncio.wait([self._draining], timeout=_TIMEOUT_S)
        await self._redis.aclose()
        await self._pool.disconnect()


def _refuse(waiting: _Waiting, why: str) -> None:
    if not waiting.future.done():
        error = DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, why, retry_after_s=1.0)
        waiting.future.set_exception(error)


def _run_id(info: Any) -> str:
    text = info.decode() if isinstance(info, bytes) else str(info)
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "run_id":
            return str(value.strip())
    raise RedisError("INFO names no run_id")
