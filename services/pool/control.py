"""What the launcher and the agent say to each other over their socketpair.

One JSON object a datagram (SOCK_SEQPACKET), at most MAX_SIZE bytes, at most one descriptor with it. The agent
sends requests {"id", "do"}; the launcher answers each with {"id", "ok", …} and sends {"event": "exited"} when
the sandbox has ended by itself. That is the whole of it: the launcher takes no path, no argument and no uid
from the agent.

    {"do": "start"}           {"ok": true, "pid", "pid_namespace", "secret"} and an O_PATH descriptor of the
                              folder of the model server's socket; "secret" opens its control calls
    {"do": "stop"}            {"ok": true} when nothing of the sandbox is left
    {"do": "inspect", "pid"}  {"ok": true, "inside": bool}: is the process in the sandbox' pid namespace,
                              filtered, without capabilities and without a way to new privileges?
    {"do": "end", "pid"}      {"ok": true}; kills a model process, if it is inside and not the model server
"""

import array
import json
import os
import socket
from typing import Any

from services.pool.handover import descriptors_in

MAX_SIZE = 4096


class ControlError(Exception):
    """The other side sent something else than the protocol, or is gone."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the launcher's and the agent's end."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(end: socket.socket, message: dict[str, Any], descriptor: int | None = None) -> None:
    """Send one message. Raises OSError when the other side is gone."""
    data = json.dumps(message, separators=(",", ":")).encode()
    if len(data) > MAX_SIZE:
        raise ControlError("a control message is too large")
    socket.send_fds(end, [data], [] if descriptor is None else [descriptor])


def receive(end: socket.socket) -> tuple[dict[str, Any], int | None]:
    """Receive one message and its descriptor. Raises ControlError at the end or for garbage."""
    space = socket.CMSG_SPACE(array.array("i").itemsize)
    data, ancillary, flags, _ = end.recvmsg(MAX_SIZE, space, socket.MSG_CMSG_CLOEXEC)
    descriptors = descriptors_in(ancillary)
    try:
        return _parse(data, flags, len(descriptors)), descriptors[0] if descriptors else None
    except BaseException:
        for each in descriptors:
            os.close(each)
        raise


def _parse(data: bytes, flags: int, descriptors: int) -> dict[str, Any]:
    if not data:
        raise ControlError("the other side is gone")
    try:
        message = json.loads(data)
    except ValueError:
        message = None
    if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC) or descriptors > 1 or not isinstance(message, dict):
        raise ControlError("a control message is malformed")
    return message
