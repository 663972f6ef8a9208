"""No code of the services listens but that which is named here, also where no local stack would show it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import services

ROOT = Path(services.__file__).resolve().parent
_LISTENS = frozenset(
    {
        # gRPC, ours and its own
        "Http2Listener",
        "add_http2_port",
        "add_insecure_port",
        "add_secure_port",
        # asyncio, and what is built on it
        "create_datagram_endpoint",
        "create_server",
        "create_unix_server",
        "start_server",
        "start_unix_server",
        "uvicorn.Server",
        "uvicorn.run",
        # the standard library, and what is built on it
        "HTTPServer",
        "ThreadingHTTPServer",
        "ThreadingTCPServer",
        "ThreadingUDPServer",
        "TCPServer",
        "UDPServer",
        "UnixStreamServer",
        "UnixDatagramServer",
        "WSGIServer",
        "make_server",
        "start_http_server",
        "start_wsgi_server",
        # sockets
        "listen",
        "recvfrom",
        "recvfrom_into",
    }
)
LISTENERS = {
    # Calls, each with its recorder around it.
    "chassis/server.py": {"Http2Listener", "add_secure_port"},
    "chassis/http2/listener.py": {"create_server"},
    "edge/http/listener.py": {"create_server"},
    # Metrics and health.
    "chassis/telemetry.py": {"start_http_server"},
    "edge/server.py": {"ThreadingHTTPServer"},
    # The pool's own, for peers whose uid the kernel says.
    "pool/adapters/door_socket.py": {"listen"},
    "pool/adapters/handover_socket.py": {"listen"},
    # No socket: a listener for events of the database driver.
    "chassis/database.py": {"listen"},
}
"""What each file uses, below services/. Whoever adds one says in docs/THREAT_MODEL.md what records it."""


def listens(source: str) -> Iterator[str]:
    """Yield what the code calls that listens, by its name or by that of its module and its own."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            names = ast.unparse(node.func).split(".")
            yield from {names[-1], ".".join(names[-2:])} & _LISTENS


def test_nothing_else_listens() -> None:
    found = {
        str(path.relative_to(ROOT)): set(listens(path.read_text()))
        for path in ROOT.rglob("*.py")
        if "migrations" not in path.parts
    }
    assert {path: names for path, names in found.items() if names} == LISTENERS


def test_a_planted_listener_is_found() -> None:
    planted = "import asyncio\n\nasync def serve(handle):\n    await asyncio.start_server(handle, port=1)\n"
    assert list(listens(planted)) == ["start_server"]
    assert list(listens("grpc.aio.server().add_insecure_port('[::]:1')")) == ["add_insecure_port"]
    assert list(listens("uvicorn.Config(app)\nuvicorn.run(app)")) == ["uvicorn.run"]
