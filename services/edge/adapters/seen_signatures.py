"""Seen signatures in Redis: one round trip for all signatures that are waiting.

Redis is no ledger. The store has a birth marker, bound to the run of the Redis process: after a restart,
a fail-over or a flush it is born anew. What was dated before that, or too little after it for auth to have
been told, is refused; what is dated later, and may have been used before, is looked up in auth's memory. Ages
are measured on Redis' own clock, so that replicas of the edge need not agree on the time.
"""

import asyncio
import contextlib
from typing import Any

import redis.asyncio
from craton.common.v1.error_reason_pb2 import ErrorReason
from redis.exceptions import RedisError

from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.logs import Log
from services.chassis.redis_connection import connection_pool
from services.chassis.settings import RedisSettings
from services.chassis.sigv4 import MAX_SKEW
from services.edge.ports import AHEAD_S, CLOCKS_S, REUSE_S, Proof, SignatureMemory

_PREFIX = b"craton:seen:"
_BIRTH = _PREFIX + b"birth"
# A signature may be dated five minutes ahead and is then acceptable for ten; one more for good measure.
_KEEP_MS = int(2 * MAX_SKEW.total_seconds() * 1000) + 60_000
_UNKNOWN_S = AHEAD_S + CLOCKS_S
"""A signature dated less than this after the birth may have been used before it, unknown to anybody."""
_ELSEWHERE_S = MAX_SKEW.total_seconds() + CLOCKS_S
"""One dated less than this after the birth may have been used before it, and then auth remembers it."""
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

_AGE = """
local marker = redis.call('GET', KEYS[1])
if not marker then return {} end
local t = redis.call('TIME')
return { string.sub(marker, string.find(marker, ' ') + 1), t[1] }
"""
"""Returns the birth (ms) and the present second."""

_log = Log("seen_signatures")


class _Waiting:
    __slots__ = ("future", "proof")

    def __init__(self, proof: Proof, future: "asyncio.Future[None]") -> None:
        self.proof = proof
        self.future = future


class RedisSeenSignatures:
    """The SeenSignatures port over one pipelined connection."""

    def __init__(self, settings: RedisSettings, memory: SignatureMemory, clock: Clock) -> None:
        """Connect lazily; ask `memory` what was used before a loss.

        Raises OSError when the password file cannot be read.
        """
        self._memory = memory
        self._clock = clock
        self._pool = connection_pool(
            settings,
            connect_timeout_s=_TIMEOUT_S,
            timeout_s=_TIMEOUT_S,
            redis_connect_func=self._connected,
            max_connections=1,
        )
        self._redis = redis.asyncio.Redis(connection_pool=self._pool, single_connection_client=True)
        self._check = self._redis.register_script(_CHECK)
        self._age = self._redis.register_script(_AGE)
        self._pending: list[_Waiting] = []
        self._cleared = 0.0
        """The birth before which nothing was used that was dated ahead."""
        self._draining: asyncio.Task[None] | None = None
        self._connection_lock = asyncio.Lock()

    async def _connected(self, connection: Any) -> None:
        """Log in, then tie the birth marker to the Redis process that answers on this connection."""
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        info = await connection.read_response()
        await connection.send_command("EVAL", _BEGIN, 1, _BIRTH, _run_id(info))
        await connection.read_response()

    def check(self, proof: Proof) -> "asyncio.Future[None]":
        """Note a verified signature and say, by the future, whether it may be used."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append(_Waiting(proof, future))
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
        keys = [_BIRTH, *(_PREFIX + waiting.proof.signature for waiting in batch)]
        async with self._connection_lock, asyncio.timeout(_TIMEOUT_S):
            answer = await self._check(keys=keys, args=[_KEEP_MS])
        if not answer:
            # Someone emptied the store while it ran. A new connection gives it a new birth.
            await self._disconnect()
            for waiting in batch:
                _refuse(waiting, "the store of seen signatures was lost")
            return
        birth_s = int(answer[0]) / 1000
        doubtful: list[_Waiting] = []
        for waiting, age_ms in zip(batch, answer[1:], strict=True):
            proof = waiting.proof
            if proof.signed_at < birth_s + _UNKNOWN_S:
                _refuse(waiting, "the signature may be older than the store of seen signatures")
            elif age_ms > REUSE_S * 1000:
                self._refuse_used(waiting, age_ms / 1000)
            elif (
                proof.signed_at < birth_s + _ELSEWHERE_S and not proof.remembered and self._cleared != birth_s
            ):
                doubtful.append(waiting)
            else:
                _accept(waiting)
        if doubtful:
            await self._look_up(doubtful, birth_s)

    def _refuse_used(self, waiting: _Waiting, age_s: float) -> None:
        if age_s - (self._clock.boottime() - waiting.proof.arrived) <= REUSE_S:
            # It had to wait here, for auth or for its body, and is an honest twin for all that is known.
            _refuse(waiting, "the signature came in time and could not be noted in time")
        else:
            _refuse_replayed(waiting)

    async def _look_up(self, doubtful: list[_Waiting], birth_s: float) -> None:
        """Ask auth about signatures that may have been used, dated ahead, before the store was born.

        When auth remembers none that was, none was used before this birth: that is asked once.
        """
        try:
            recalled = await self._memory.recall([waiting.proof.signature for waiting in doubtful])
        except DomainError as error:
            _log.warning("memory_unreachable", reason=error.reason_name)
            for waiting in doubtful:
                _refuse(waiting, "auth cannot be asked for signatures that it remembers")
            return
        if not recalled.any_ahead:
            self._cleared = birth_s
        for waiting in doubtful:
            if waiting.proof.signature in recalled.used:
                _refuse_replayed(waiting)
            else:
                _accept(waiting)

    async def serving(self) -> bool:
        """Say whether the store accepts what is signed now, which it does not just after its birth."""
        try:
            async with self._connection_lock, asyncio.timeout(_TIMEOUT_S):
                answer = await self._age(keys=[_BIRTH])
        except (RedisError, OSError, TimeoutError):
            await self._disconnect()
            return False
        if not answer:
            await self._disconnect()
            return False
        # Dates have whole seconds: what is signed now is dated at the beginning of this one.
        return int(answer[1]) >= int(answer[0]) / 1000 + _UNKNOWN_S

    async def watch(self) -> None:
        """Keep the connection up, so that a restarted store is born at once and not at the next request."""
        while True:
            await self.serving()
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


def _accept(waiting: _Waiting) -> None:
    if not waiting.future.done():
        waiting.future.set_result(None)


def _refuse_replayed(waiting: _Waiting) -> None:
    if not waiting.future.done():
        waiting.future.set_exception(
            DomainError(
                ErrorReason.ERROR_REASON_SIGNATURE_REPLAYED, "Signature already used: sign the request again."
            )
        )


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
