"""Clients of other workloads: channels that age, so that rotated certificates come into use."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc

from services.chassis.clock import Clock
from services.chassis.context import CallContext, current_call
from services.chassis.http2.channel import Http2Channel
from services.chassis.identity import WorkloadId
from services.chassis.settings import TlsSettings, UpstreamSettings
from services.chassis.tls import channel_credentials, client_context

MAX_AGE_S = 3600.0
"""A channel keeps the certificate it was opened with; a leaf lives for 24 h and is renewed at 16 h."""
_CLOSE_GRACE_S = 300.0
"""How long calls on a channel that was replaced may go on."""
DEFAULT_TIMEOUT_S = 5.0
"""Time-out of a unary call made outside a call of our own."""
_HOP_S = 0.02
"""Shaved off the deadline at every hop, so that the caller hears of a time-out from us."""

MESSAGE_BYTES = 64 * 1024 * 1024
"""No message of either direction is longer."""

OPTIONS: Sequence[tuple[str, Any]] = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # Despite its name this is how long one attempt to connect may take: a handshake on a busy machine
    # needs more than a moment, and one that is given up begins anew.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.use_local_subchannel_pool", 1),
)


class Channel:
    """Looks like a grpc.aio.Channel to generated stubs.

    Every call goes to the newest underlying channel, carries the request id and trace context of the
    call being served, and has a time-out: the one given, else what is left of that call's deadline,
    else DEFAULT_TIMEOUT_S for unary calls.
    """

    def __init__(self, upstream: UpstreamSettings, tls: TlsSettings, trust_domain: str, clock: Clock) -> None:
        """Connect lazily to `upstream`, verifying that it is the workload that was named."""
        self._upstream = upstream
        self._tls = tls
        self._clock = clock
        self._name = WorkloadId(trust_domain, upstream.kind, upstream.name).dns_name
        self._channel: grpc.aio.Channel | Http2Channel | None = None
        self._generation = 0
        self._opened = 0.0
        self._closing: set[asyncio.Task[None]] = set()

    def current(self) -> tuple[int, "grpc.aio.Channel | Http2Channel"]:
        """Return the generation and the channel to use now."""
        now = self._clock.boottime()
        if self._channel is None or now - self._opened > MAX_AGE_S:
            previous = self._channel
            self._channel = self._open()
            self._generation += 1
            self._opened = now
            if previous is not None:
                task = asyncio.get_running_loop().create_task(previous.close(_CLOSE_GRACE_S))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
        return self._generation, self._channel

    def _open(self) -> "grpc.aio.Channel | Http2Channel":
        if self._upstream.transport == "http2":
            return Http2Channel(
                self._upstream.target, client_context(self._tls), self._name, largest_message=MESSAGE_BYTES
            )
        return grpc.aio.secure_channel(
            self._upstream.target,
            channel_credentials(self._tls),
            options=[*OPTIONS, ("grpc.ssl_target_name_override", self._name)],
        )

    def unary_unary(self, method: str, *arguments: Any, **keywords: Any) -> "_MultiCallable":
        """Return a callable for a unary method."""
        return _MultiCallable(
            self, "unary_unary", method, arguments, keywords, DEFAULT_TIMEOUT_S, self._clock
        )

    def unary_stream(self, method: str, *arguments: Any, **keywords: Any) -> "_MultiCallable":
        """Return a callable for a server-streaming method."""
        return _MultiCallable(self, "unary_stream", method, arguments, keywords, None, self._clock)

    async def close(self) -> None:
        """Close now; calls in progress fail."""
        if self._channel is not None:
            await self._channel.close(None)
            self._channel = None
        for task in list(self._closing):
            task.cancel()


class _MultiCallable:
    def __init__(
        self,
        channel: Channel,
        arity: str,
        method: str,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
        default_timeout: float | None,
        clock: Clock,
    ) -> None:
        self._channel = channel
        self._arity = arity
        self._method = method
        self._arguments = arguments
        self._keywords = keywords
        self._default_timeout = default_timeout
        self._clock = clock
        self._generation = 0
        self._callable: Any = None

    def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: Sequence[tuple[str, str]] = (),
        wait_for_ready: bool | None = None,
    ) -> Any:
        generation, channel = self._channel.current()
        if generation != self._generation:
            build = getattr(channel, self._arity)
            self._callable = build(self._method, *self._arguments, **self._keywords)
            self._generation = generation
        call = _serving()
        if call is not None:
            extra = [("x-request-id", call.request_id)]
            if call.traceparent:
                extra.append(("traceparent", call.traceparent))
            metadata = (*metadata, *extra)
            if timeout is None and call.deadline is not None:
                timeout = max(call.deadline - self._clock.boottime() - _HOP_S, 0.0)
        if timeout is None:
            timeout = self._default_timeout
        return self._callable(request, timeout=timeout, metadata=metadata, wait_for_ready=wait_for_ready)


def _serving() -> CallContext | None:
    try:
        return current_call()
    except LookupError:
        return None
