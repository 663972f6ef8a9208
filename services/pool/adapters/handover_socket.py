"""The socket on which model processes ask for their material (services/pool/handover.py has the protocol)."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from services.chassis.logs import Log
from services.chassis.manifest import to_document
from services.chassis.pool_door import peer_credentials
from services.pool import handover
from services.pool.handover import HandoverError
from services.pool.ports import Arrival, Instance, Material

_log = Log("pool.handover")
_STEP_S = 10.0
"""How long a model process may take for one step of the protocol; loading is not a step."""
_AT_ONCE = 8
"""Handovers in progress at once: more connections are closed unread, however many a hostile model opens."""
_PUBLIC_KEY_SIZE = 32
_MAX_INSTANCE_ID = 64


class ModelProcess:
    """An Arrival over an open connection."""

    def __init__(self, instance: Instance, pid: int, connection: socket.socket) -> None:
        """The announced instance, its process and its connection."""
        self.instance = instance
        self.pid = pid
        self._connection = connection

    async def gone(self) -> None:
        """Wait until the other side's end is closed."""
        loop = asyncio.get_running_loop()
        # A model process has nothing more to say: one that talks is treated as one that went away.
        with contextlib.suppress(OSError):
            await loop.sock_recv(self._connection, 1)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class HandoverSocket:
    """Handovers over a UNIX socket that is bound into the sandbox."""

    def __init__(self, path: Path, uid: int, inside: Callable[[int], Awaitable[bool]]) -> None:
        """Serve at `path` processes of `uid` for which `inside(pid)` is true."""
        self._path = path
        self._uid = uid
        self._inside = inside
        self._expected: dict[str, tuple[Material, asyncio.Future[Arrival]]] = {}
        self._threads = ThreadPoolExecutor(_AT_ONCE, "handover")
        self._busy: set[asyncio.Task[None]] = set()

    def expect(self, material: Material) -> Awaitable[Arrival]:
        """Offer `material` once."""
        future: asyncio.Future[Arrival] = asyncio.get_running_loop().create_future()
        self._expected[material.server_model] = (material, future)
        return future

    def forget(self, server_model: str) -> None:
        """Withdraw the offer."""
        self._expected.pop(server_model, None)

    async def serve(self) -> None:
        """Accept until cancelled."""
        loop = asyncio.get_running_loop()
        with listen(self._path) as listener:
            try:
                while True:
                    connection, _ = await loop.sock_accept(listener)
                    if len(self._busy) >= _AT_ONCE:
                        connection.close()
                        continue
                    task = loop.create_task(self._guarded(connection))
                    self._busy.add(task)
                    task.add_done_callback(self._busy.discard)
            finally:
                for task in self._busy:
                    task.cancel()
                self._threads.shutdown(wait=False, cancel_futures=True)

    async def _guarded(self, connection: socket.socket) -> None:
        kept = False
        try:
            kept = await self._hand_over(connection)
        except (OSError, HandoverError) as error:
            _log.warning("handover_broken", error_type=type(error).__name__)
        finally:
            if not kept:
                connection.close()

    async def _hand_over(self, connection: socket.socket) -> bool:
        pid, uid = peer_credentials(connection)
        if uid != self._uid or not await self._inside(pid):
            _log.error("handover_refused", reason="peer_not_confined")
            return False
        connection.settimeout(_STEP_S)
        hello = await self._in_thread(handover.receive_frame, connection)
        if hello.descriptor is not None:
            os.close(hello.descriptor)
        name = str(hello.body.get("server_model"))
        offer = self._expected.pop(name, None)
        if hello.body.get("version") != handover.VERSION or offer is None or offer[1].done():
            _log.warning("handover_refused", reason="not_expected")
            await self._in_thread(handover.send_frame, connection, {"type": "refused"})
            return False
        material, arriving = offer
        material.taken_by = pid
        await self._in_thread(_send_material, connection, material)
        if not await _readable_before(connection, arriving):
            return False
        connection.settimeout(_STEP_S)
        announcement = await self._in_thread(handover.receive_frame, connection)
        if announcement.descriptor is not None:
            os.close(announcement.descriptor)
        instance = _instance(announcement.body, material)
        if arriving.done():
            return False
        await self._in_thread(handover.send_frame, connection, {"type": "accepted"})
        connection.setblocking(False)
        if arriving.done():
            return False
        arriving.set_result(ModelProcess(instance, pid, connection))
        return True

    async def _in_thread(
        self, call: Callable[..., handover.Frame | None], *arguments: object
    ) -> handover.Frame:
        answer = await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)
        return answer or handover.Frame({})


def listen(path: Path) -> socket.socket:
    """Listen on a UNIX socket at `path`, replacing a stale one. Everybody may connect: peers are checked."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(64)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _send_material(connection: socket.socket, material: Material) -> None:
    manifest = to_document(material.manifest)
    if "artifact" in manifest:
        # The process gets the opened key; the sealed one would only be one more copy to look after.
        manifest["artifact"] = {**manifest["artifact"], "data_key": ""}
    body = {
        "type": "material",
        "model_id": material.manifest.model_id,
        "manifest": manifest,
        "files": [{"path": file.path, "size": file.size} for file in material.files],
    }
    handover.send_frame(connection, body, secret=material.data_key.reveal())
    for file in material.files:
        handover.send_frame(connection, {"type": "file", "path": file.path}, descriptor=file.descriptor)


def _instance(announcement: dict[str, object], material: Material) -> Instance:
    instance_id, key = announcement.get("instance_id"), announcement.get("public_key")
    if announcement.get("type") != "announce" or not isinstance(instance_id, str) or not isinstance(key, str):
        raise HandoverError("not an announcement")
    try:
        public_key = bytes.fromhex(key)
    except ValueError:
        raise HandoverError("the public key is not hexadecimal") from None
    if len(public_key) != _PUBLIC_KEY_SIZE or not 0 < len(instance_id) <= _MAX_INSTANCE_ID:
        raise HandoverError("the announcement is out of bounds")
    return Instance(material.manifest.model_id, material.server_model, instance_id, public_key)


async def _readable_before(connection: socket.socket, arriving: "asyncio.Future[Arrival]") -> bool:
    """Wait for the announcement, however long loading takes; False when nobody waits for it any more."""
    loop = asyncio.get_running_loop()
    connection.setblocking(False)
    event = asyncio.Event()
    loop.add_reader(connection, event.set)
    readable = asyncio.ensure_future(event.wait())
    try:
        waited: list[asyncio.Future[Any]] = [readable, arriving]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    finally:
        loop.remove_reader(connection)
        readable.cancel()
    return not arriving.done()
