"""A pool's door: how the runtime, under its own uid, gets to a socket that has no path on the host.

The model server's socket lies in a folder that exists in the pool's sandbox alone. Whoever may use it
connects to the door, a UNIX socket of the pool's agent, and is handed an O_PATH descriptor of that folder;
unix:/proc/self/fd/<descriptor>/<socket name> then reaches the model server. The agent decides by the uid
that the kernel reports for the connection.

    descriptor = receive_directory(path)      # the runtime's side
    send_directory(connection, descriptor)    # the agent's side
"""

import array
import os
import socket
import stat
import struct

_OPEN = b"o"
_CLOSED = b"c"
_UCRED = struct.Struct("=iII")


def receive_directory(socket_path: str, *, timeout_s: float = 2.0) -> int:
    """Return a descriptor of the folder of the pool's model server; the caller closes it.

    Raises OSError: ConnectionRefusedError when the pool refuses or its model server is not running.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        connection.connect(socket_path)
        answer, descriptors = _receive(connection)
    if answer == _OPEN and len(descriptors) == 1 and stat.S_ISDIR(os.fstat(descriptors[0]).st_mode):
        return descriptors[0]
    for descriptor in descriptors:
        os.close(descriptor)
    raise ConnectionRefusedError("the pool's door stays closed")


def _receive(connection: socket.socket) -> "tuple[bytes, array.array[int]]":
    # Not socket.recv_fds: it drops its flags, and a program started meanwhile would inherit the descriptor.
    descriptors = array.array("i")
    space = socket.CMSG_SPACE(descriptors.itemsize)
    answer, ancillary, _, _ = connection.recvmsg(1, space, socket.MSG_CMSG_CLOEXEC)
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    return answer, descriptors


def send_directory(connection: socket.socket, descriptor: int | None) -> None:
    """Hand over `descriptor`, or say that there is none to have. Raises OSError when the peer is gone."""
    if descriptor is None:
        connection.sendall(_CLOSED)
    else:
        socket.send_fds(connection, [_OPEN], [descriptor])


def peer_credentials(connection: socket.socket) -> tuple[int, int]:
    """Return (pid, uid) of the process that connected, as the kernel recorded them then."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, _ = _UCRED.unpack(raw)
    return pid, uid
