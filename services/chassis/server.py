"""The one server factory: no service listens in any other way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc

from services.chassis import logs
from services.chassis.audit.ports import AuditedMethod, AuditRecorder
from services.chassis.callers import load_callers
from services.chassis.clock import Clock
from services.chassis.health import HEALTH_CHECK, HEALTH_EVENT, Health
from services.chassis.http2.listener import Http2Listener
from services.chassis.http2.server import NO_SUCH_METHOD
from services.chassis.in_progress import InProgress
from services.chassis.logs import Log
from services.chassis.pipeline import Method, PrincipalVerifier, Surroundings, count_unknown, wrap
from services.chassis.process import BackgroundTasks, run_until_signal
from services.chassis.randomness import OrderedUuids, Randomness
from services.chassis.settings import ServerSettings, TelemetrySettings, TlsSettings
from services.chassis.telemetry import Metrics, Tracing
from services.chassis.tls import server_credentials

_log = Log("server")
_READINESS_PERIOD_S = 0.25
_LAST_RECORDS_S = 1.0
"""An outcome is durable within 250 ms, or refused, unless a slower disk was given more."""


class _Registrar:
    """Stands in for a grpc.Server while generated code registers its handlers."""

    def __init__(self, only: Collection[str] | None = None) -> None:
        self._only = only
        self.handlers: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """Ignored: the registered method handlers below say the same by name."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        for name, handler in handlers.items():
            if self._only is None or name in self._only:
                self.handlers[f"/{service}/{name}"] = handler


class _Unknown(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """Refuses what no other handler takes, as gRPC itself would, once it has told `count`."""

    def __init__(self, count: Callable[[Any], None]) -> None:
        self._count = count

    def service(self, _details: Any) -> Any:
        # Of a stream nothing has to come before it is refused.
        return grpc.stream_unary_rpc_method_handler(self._refuse)

    async def _refuse(self, _requests: AsyncIterator[bytes], context: Any) -> None:
        self._count(context)
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, NO_SUCH_METHOD)


class Server:
    """A gRPC service with identity, callers, audit, telemetry, health and drain.

    Order of life: construct, add servicers, tasks and readiness checks, start, stop.
    """

    def __init__(
        self,
        settings: ServerSettings,
        tls: TlsSettings,
        *,
        callers: Path,
        events: Mapping[str, AuditedMethod],
        clock: Clock,
        randomness: Randomness,
        recorder: AuditRecorder,
        tokens: PrincipalVerifier | None,
        telemetry: TelemetrySettings,
    ) -> None:
        """Name everything the server needs; nothing is opened before `start`."""
        self.settings = settings
        self.metrics = Metrics()
        self.port = 0
        self.public_port = 0
        self._tls = tls
        self._callers_file = callers
        self._events = {**events, HEALTH_CHECK: HEALTH_EVENT}
        self.log_level = telemetry.log_level
        self._tracing = Tracing(settings.name, telemetry)
        self._around = Surroundings(
            settings.trust_domain,
            clock,
            OrderedUuids(clock, randomness),
            recorder,
            tokens,
            self.metrics,
            self._tracing,
            {},
            InProgress(),
        )
        self._handlers: dict[str, Any] = {}
        self._health = Health()
        # Watch is not offered: callers poll.
        self.add(health_pb2_grpc.add_HealthServicer_to_server, self._health, only=("Check",))
        self._tasks: dict[str, Callable[[], Awaitable[None]]] = {}
        self._readiness: dict[str, Callable[[], Awaitable[bool]]] = {}
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._background = BackgroundTasks()
        self._server: Any = None
        self._listener: Http2Listener | None = None
        self._public: tuple[str, TlsSettings] | None = None
        self._stop_metrics: Callable[[], None] | None = None

    def add(
        self, register: Callable[[Any, Any], None], servicer: Any, *, only: Collection[str] | None = None
    ) -> None:
        """Register a servicer with its generated `add_…Servicer_to_server` function.

        `only` names the methods that are served here, when the servicer does not serve all of them.
        """
        registrar = _Registrar(only)
        register(servicer, registrar)
        self._handlers.update(registrar.handlers)

    def add_public_listener(self, listen: str, tls: TlsSettings) -> None:
        """Also listen on host:port without asking for client certificates.

        There only methods whose callers include "public" can be called.
        """
        self._public = (listen, tls)

    def add_task(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run `run()` while the server lives. When it ends or raises, the process stops."""
        self._tasks[name] = run

    @property
    def serving(self) -> bool:
        """True once every readiness check has passed, until the server drains."""
        return self._health.serving

    def add_readiness(self, name: str, check: Callable[[], Awaitable[bool]]) -> None:
        """Health stays NOT_SERVING until every check has returned True once."""
        self._readiness[name] = check

    def add_closer(self, close: Callable[[], Awaitable[None]]) -> None:
        """Call `close()` after the drain, last added first."""
        self._closers.append(close)

    @property
    def failed(self) -> asyncio.Event:
        """Set when a background task has ended: the process must end too."""
        return self._background.failed

    async def start(self) -> None:
        """Check callers and events against the methods, listen, then become ready in the background."""
        handlers = self._handlers
        callers = load_callers(self._callers_file, handlers)
        undescribed = sorted(handlers.keys() ^ self._events.keys())
        if undescribed:
            raise ValueError(f"audit events do not fit the methods: {', '.join(undescribed)}")
        wrapped = {
            name: wrap(Method(name, handler, callers[name], self._events[name]), self._around)
            for name, handler in handlers.items()
        }
        if self.settings.transport == "http2":
            self._listener = Http2Listener(
                self.settings.listen,
                self._tls,
                wrapped,
                self.settings.max_message_bytes,
                partial(count_unknown, self._around),
            )
            await self._listener.start()
            self.port = self._listener.port
            self.add_task("listener", self._listener.watch)
        if self._listener is None or self._public is not None:
            await self._start_grpc(wrapped)
        if self.settings.metrics_listen:
            self._stop_metrics = self.metrics.serve(self.settings.metrics_listen)
        for name, run in self._tasks.items():
            self._background.start(name, run)
        self._background.start("readiness", self._become_ready, may_end=True)
        _log.info("listening", service=self.settings.name, port=self.port)

    async def _start_grpc(self, wrapped: Mapping[str, Any]) -> None:
        """Listen with gRPC's own server: for all, or for public clients where workloads have another."""
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", self.settings.max_message_bytes),
                ("grpc.max_send_message_length", self.settings.max_message_bytes),
                ("grpc.max_metadata_size", 16 * 1024),
                ("grpc.so_reuseport", 0),
                ("grpc.keepalive_time_ms", 30_000),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
                ("grpc.keepalive_permit_without_calls", 1),
            ]
        )
        for service, methods in _by_service(wrapped).items():
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
            self._server.add_registered_method_handlers(service, methods)
        self._server.add_generic_rpc_handlers((_Unknown(partial(count_unknown, self._around)),))
        if self._listener is None:
            self.port = self._server.add_secure_port(self.settings.listen, server_credentials(self._tls))
        if self._public is not None:
            listen, tls = self._public
            self.public_port = self._server.add_secure_port(
                listen, server_credentials(tls, require_client=False)
            )
        await self._server.start()

    async def stop(self) -> None:
        """Stop taking calls, let those in progress finish, then close what they used."""
        self._health.set_serving(False)
        stops = [] if self._server is None else [self._server.stop(self.settings.drain_s)]
        if self._listener is not None:
            stops.append(self._listener.stop(self.settings.drain_s))
        await asyncio.gather(*stops)
        # Calls that were cut short still write their outcome, for which the spool must be open.
        if not await self._around.in_progress.ended(_LAST_RECORDS_S):
            _log.warning("stopped_with_calls_in_progress", service=self.settings.name)
        await self._background.stop()
        for close in reversed(self._closers):
            await close()
        self._tracing.close()
        if self._stop_metrics is not None:
            await asyncio.to_thread(self._stop_metrics)
        _log.info("stopped", service=self.settings.name)

    async def _become_ready(self) -> None:
        waiting = dict(self._readiness)
        while waiting:
            for name, check in list(waiting.items()):
                if await check():
                    del waiting[name]
                    _log.info("ready", task=name)
            if waiting:
                await asyncio.sleep(_READINESS_PERIOD_S)
        self._health.set_serving(True)
        _log.info("serving", service=self.settings.name)


def _by_service(handlers: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = {}
    for name, handler in handlers.items():
        _, service, method = name.split("/")
        services.setdefault(service, {})[method] = handler
    return services


def run(build: Callable[[], Server]) -> int:
    """Build and run a server until SIGTERM or SIGINT. Returns the exit status of the process."""

    def configured() -> Server:
        server = build()
        logs.configure(server.settings.name, server.log_level)
        return server

    return run_until_signal(configured)
