"""The edge's life: what runs, when it is healthy, and how it ends."""

import asyncio
import ctypes
import json
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.chassis import logs
from services.chassis.logs import Log
from services.chassis.process import BackgroundTasks, run_until_signal
from services.chassis.telemetry import Metrics, Tracing
from services.edge.http.listener import Listener

_CHECK_S = 0.5
_POLL_S = 0.1
_M_MMAP_THRESHOLD = -3
"""From glibc's malloc.h."""
_MMAP_THRESHOLD = 128 * 1024

_STORM_CONNECTIONS = 64
"""When so many have come and half of them have gone, the heap has holes that are worth returning."""
_STORM_CHECK_S = 2.0

_log = Log("edge")


class EdgeServer:
    """The listeners with their background tasks, and the metrics listener with its health.

    Order of life: construct, add tasks, checks and closers, start, stop. A task that ends stops the process.
    """

    def __init__(
        self,
        listeners: Sequence[Listener],
        metrics_listen: str,
        metrics: Metrics,
        tracing: Tracing,
    ) -> None:
        """Name everything the server needs; nothing is opened before `start`.

        The first listener is the public one.
        """
        self.metrics = metrics
        self.ready = asyncio.Event()
        self._metrics_listen = metrics_listen
        self._tracing = tracing
        self._tasks: dict[str, Callable[[], Awaitable[None]]] = {}
        self._checks: dict[str, Callable[[], Awaitable[bool]]] = {}
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._background = BackgroundTasks()
        self._healthy: dict[str, bool] = {}
        self._draining = False
        self._http: ThreadingHTTPServer | None = None
        self.metrics_port = 0
        self._listeners = listeners

    @property
    def failed(self) -> asyncio.Event:
        """Set when a background task has ended: the process must end too."""
        return self._background.failed

    @property
    def port(self) -> int:
        """Port of the public listener."""
        return self._listeners[0].port

    @property
    def private_ports(self) -> Mapping[str, int]:
        """Ports of the private listeners by their names."""
        return {each.name: each.port for each in self._listeners[1:]}

    def add_task(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run `run()` while the server lives. When it ends or raises, the process stops."""
        self._tasks[name] = run

    def add_check(self, name: str, check: Callable[[], Awaitable[bool]]) -> None:
        """The edge is healthy while the last answer of every check is True."""
        self._checks[name] = check

    def add_closer(self, close: Callable[[], Awaitable[None]]) -> None:
        """Call `close()` after the drain, last added first."""
        self._closers.append(close)

    def health(self) -> Mapping[str, bool]:
        """Return what is reachable; read from the metrics listener's threads."""
        return {**dict.fromkeys(self._checks, False), **self._healthy, "serving": not self._draining}

    async def start(self) -> None:
        """Listen; become healthy in the background."""
        self._http = _metrics_server(self, self._metrics_listen)
        self.metrics_port = self._http.server_address[1]
        for listener in self._listeners:
            await listener.start()
            self.add_task(f"listener {listener.name}".rstrip(), listener.watch)
        self.add_task("health", self._watch_health)
        self.add_task("memory", self._return_memory)
        for name, run in self._tasks.items():
            self._background.start(name, run)
        for listener in self._listeners:
            _log.info("listening", service="edge", port=listener.port)

    async def stop(self) -> None:
        """Stop taking requests, let those in progress end, then close what they used."""
        self._draining = True
        await asyncio.gather(*(listener.stop() for listener in self._listeners))
        await self._background.stop()
        for close in reversed(self._closers):
            await close()
        self._tracing.close()
        if self._http is not None:
            await asyncio.to_thread(self._http.shutdown)
            self._http.server_close()
        _log.info("stopped", service="edge")

    async def _watch_health(self) -> None:
        while True:
            for name, check in self._checks.items():
                healthy = await check()
                if healthy is not self._healthy.get(name):
                    _log.info("upstream_changed", upstream=name, state="reachable" if healthy else "lost")
                self._healthy[name] = healthy
            if all(self._healthy.values()):
                self.ready.set()
            else:
                self.ready.clear()
            await asyncio.sleep(_CHECK_S)

    async def _return_memory(self) -> None:
        """Give back what many connections have left free: by itself glibc returns only the heap's end."""
        while True:
            await asyncio.sleep(_STORM_CHECK_S)
            # Each is asked: every one of them remembers its own storm.
            over = [listener.storm_is_over(_STORM_CONNECTIONS) for listener in self._listeners]
            if any(over):
                await asyncio.to_thread(ctypes.CDLL(None).malloc_trim, 0)


def _metrics_server(server: EdgeServer, listen: str) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        """/metrics for Prometheus, /healthz for whoever supervises the edge."""

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._send(200, CONTENT_TYPE_LATEST, generate_latest(server.metrics.registry))
            elif self.path == "/healthz":
                health = server.health()
                body = json.dumps(health).encode()
                self._send(200 if all(health.values()) else 503, "application/json", body)
            else:
                self._send(404, "text/plain", b"/metrics and /healthz are here\n")

        def _send(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the base class' name)
            """Probes are not worth a line."""

    host, port = listen.rsplit(":", 1)
    http = ThreadingHTTPServer((host, int(port)), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, args=(_POLL_S,), name="metrics", daemon=True).start()
    return http


def run(build: Callable[[], EdgeServer], log_level: str) -> int:
    """Build and run the edge until SIGTERM or SIGINT. Returns the exit status of the process."""

    # glibc raises this threshold as large blocks are freed, and then takes them from the heap, where they
    # leave holes: bodies of 25 MB must go back to the system when they are freed.
    ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD)

    def configured() -> EdgeServer:
        logs.configure("edge", log_level)
        return build()

    return run_until_signal(configured)
