"""The pool's door (services/chassis/pool_door.py has the protocol)."""

import asyncio
import contextlib
import socket
from pathlib import Path

from services.chassis.logs import Log
from services.chassis.pool_door import peer_credentials, send_directory
from services.pool.adapters.handover_socket import listen

_log = Log("pool.door")


class DoorSocket:
    """Hands the folder of the model server's socket to one uid."""

    def __init__(self, path: Path, uid: int) -> None:
        """Serve at `path` processes of `uid` alone."""
        self._path = path
        self._uid = uid
        self._directory: int | None = None

    def open(self, directory: int) -> None:
        """Hand out `directory`."""
        self._directory = directory

    def shut(self) -> None:
        """Hand out nothing."""
        self._directory = None

    async def serve(self) -> None:
        """Answer until cancelled. An answer is one byte and never waits for the peer."""
        loop = asyncio.get_running_loop()
        with listen(self._path) as listener:
            while True:
                connection, _ = await loop.sock_accept(listener)
                with connection, contextlib.suppress(OSError):
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        _, uid = peer_credentials(connection)
        if uid != self._uid:
            _log.error("door_refused", reason="foreign_uid")
            return
        send_directory(connection, self._directory)
