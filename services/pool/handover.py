"""The handover: how a model process inside the sandbox gets its sealed weights from the agent outside.

Both sides import this module, in two different Python environments, so it needs the standard library alone.

The model process connects to the agent's UNIX socket, which is bound read-only into the sandbox, and says
which model of the model server it is. The agent checks the peer (uid, pid namespace, seccomp filter, no
capabilities) and answers with the manifest, the data key and one fully sealed memfd of ciphertext a file.
When the weights are loaded the process announces its instance id and its HPKE public key on the same
connection, so that the key is bound to the peer that was checked, and keeps the connection open for its life:
its end tells the agent at once that the process is gone.

Frame: two big-endian uint32 (length of the JSON, length of the secret), the JSON object, the secret's bytes.
At most one descriptor travels with a frame, together with its first byte.
"""

import array
import ctypes
import fcntl
import json
import os
import socket
import struct
from dataclasses import dataclass, field
from typing import Any

VERSION = 1
SOCKET_IN_SANDBOX = "/run/handover/agent.sock"
SOCKET_PARAMETER = "handover_socket"
"""Name of the parameter in a model's config.pbtxt that holds the path of the agent's socket."""

MAX_JSON = 1 << 20
"""A manifest with its EULA text and a few thousand files fits; a hostile peer cannot claim more memory."""
MAX_SECRET = 64
MAX_FILES = 4096
ALL_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE

_HEADER = struct.Struct(">II")
_PR_SET_DUMPABLE = 4
"""linux/prctl.h"""


class HandoverError(Exception):
    """The handover failed; the message never carries key material or content."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of the handover. Whoever receives it owns `descriptor` and must close it."""

    body: dict[str, Any]
    secret: bytearray = field(default_factory=bytearray, repr=False)
    descriptor: int | None = None


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One sealed file of the artifact: `descriptor` is an immutable memfd of its ciphertext."""

    path: str
    descriptor: int = field(repr=False)
    size: int
    """Bytes of ciphertext."""


@dataclass(slots=True)
class Handover:
    """What a model process received, and its connection to the agent."""

    model_id: str
    manifest: dict[str, Any] = field(repr=False)
    """The verified payload of the signed manifest."""
    data_key: bytearray = field(repr=False)
    """32 bytes, or empty when the model has no files. `close_files` overwrites it."""
    files: tuple[SealedFile, ...]
    _connection: socket.socket = field(repr=False)

    def close_files(self) -> None:
        """Close the ciphertext and overwrite the data key, once the weights are open."""
        for file in self.files:
            os.close(file.descriptor)
        self.files = ()
        self.data_key[:] = bytes(len(self.data_key))

    def announce(self, public_key: bytes, instance_id: str) -> None:
        """Tell the agent that the model is loaded and under which HPKE public key (32 bytes) it is reached.

        Keep this object alive as long as the model serves: the agent takes the end of the connection for the
        end of the process. Raises HandoverError when the agent refuses.
        """
        send_frame(
            self._connection, {"type": "announce", "public_key": public_key.hex(), "instance_id": instance_id}
        )
        if receive_frame(self._connection).body.get("type") != "accepted":
            raise HandoverError("the agent did not accept the announcement")

    def close(self) -> None:
        """End the connection: the agent then treats this instance as gone."""
        self._connection.close()


def obtain(socket_path: str, server_model: str, *, timeout_s: float = 120.0) -> Handover:
    """Connect to the agent and receive everything that model `server_model` needs.

    `server_model` is the model's name inside the model server (`args["model_name"]` in a Triton backend)
    and `socket_path` the value of its SOCKET_PARAMETER. Raises HandoverError when the agent refuses or breaks
    off.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    files: list[SealedFile] = []
    try:
        connection.settimeout(timeout_s)
        connection.connect(socket_path)
        send_frame(connection, {"type": "hello", "version": VERSION, "server_model": server_model})
        material = receive_frame(connection)
        _expect(material, "material")
        for expected in _file_list(material.body):
            files.append(_receive_file(connection, expected))
        return Handover(
            model_id=str(material.body["model_id"]),
            manifest=dict(material.body["manifest"]),
            data_key=material.secret,
            files=tuple(files),
            _connection=connection,
        )
    except BaseException as error:
        for file in files:
            os.close(file.descriptor)
        connection.close()
        if isinstance(error, (OSError, KeyError, TypeError, ValueError)):
            raise HandoverError(
                f"the handover from the pool's agent failed: {type(error).__name__}"
            ) from error
        raise


def shut_memory() -> None:
    """Close this process' memory to other processes of its user, and forbid core dumps.

    All model processes of a pool run under one uid; without this one could read another's prompts and weights
    from /proc/<pid>/mem, which no system call filter covers. Raises OSError when the kernel refuses.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE) failed")


def send_frame(
    connection: socket.socket,
    body: dict[str, Any],
    *,
    secret: bytes | bytearray = b"",
    descriptor: int | None = None,
) -> None:
    """Send one frame; the caller keeps `descriptor`. Raises OSError when the peer is gone or too slow."""
    text = json.dumps(body, separators=(",", ":")).encode()
    if len(text) > MAX_JSON or len(secret) > MAX_SECRET:
        raise HandoverError("a handover frame is too large")
    header = _HEADER.pack(len(text), len(secret))
    # The descriptor rides on the header, which the receiver reads first and alone.
    if descriptor is None:
        connection.sendall(header)
    else:
        sent = socket.send_fds(connection, [header], [descriptor])
        connection.sendall(header[sent:])
    connection.sendall(text)
    if secret:
        connection.sendall(secret)


def receive_frame(connection: socket.socket) -> Frame:
    """Receive one frame. Raises HandoverError for anything malformed, OSError when the peer is gone."""
    # Not socket.recv_fds: it drops its flags, and a program started meanwhile would inherit the descriptor.
    space = socket.CMSG_SPACE(array.array("i").itemsize)
    header, ancillary, flags, _ = connection.recvmsg(_HEADER.size, space, socket.MSG_CMSG_CLOEXEC)
    descriptors = descriptors_in(ancillary)
    try:
        body, secret = _receive_rest(connection, header)
        _require(not flags & socket.MSG_CTRUNC and len(descriptors) <= 1, "it carries several descriptors")
    except BaseException as error:
        for each in descriptors:
            os.close(each)
        if isinstance(error, (ValueError, RecursionError)):
            raise HandoverError("a handover frame is malformed") from None
        raise
    return Frame(body, secret, descriptors[0] if descriptors else None)


def descriptors_in(ancillary: "list[tuple[int, int, bytes]]") -> "array.array[int]":
    """Return the descriptors of a received message; whoever asks owns them."""
    descriptors = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    return descriptors


def _receive_rest(connection: socket.socket, start: bytes) -> tuple[dict[str, Any], bytearray]:
    _require(bool(start), "the other side ended the connection")
    header = start + _receive_exactly(connection, _HEADER.size - len(start))
    text_size, secret_size = _HEADER.unpack(header)
    _require(text_size <= MAX_JSON and secret_size <= MAX_SECRET, "it is too large")
    body = json.loads(bytes(_receive_exactly(connection, text_size)))
    _require(isinstance(body, dict), "it is not a JSON object")
    return body, _receive_exactly(connection, secret_size)


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise HandoverError(f"a handover frame was refused: {otherwise}")


def sealed_memory(name: str, chunks: Any) -> int:
    """Write `chunks` (an iterable of bytes) to a new memfd, seal it and return its descriptor."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        for chunk in chunks:
            view = memoryview(chunk)
            while view:
                view = view[os.write(descriptor, view) :]
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, ALL_SEALS)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _receive_exactly(connection: socket.socket, size: int) -> bytearray:
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        received = connection.recv_into(view)
        if received == 0:
            raise HandoverError("the other side ended the handover inside a frame")
        view = view[received:]
    return buffer


def _expect(frame: Frame, kind: str) -> None:
    if frame.descriptor is not None:
        os.close(frame.descriptor)
        raise HandoverError("a descriptor came where none belongs")
    if frame.body.get("type") != kind:
        raise HandoverError("the pool's agent refused the handover")


def _file_list(body: dict[str, Any]) -> list[dict[str, Any]]:
    files = body["files"]
    if not isinstance(files, list) or len(files) > MAX_FILES:
        raise HandoverError("the list of files is malformed")
    return files


def _receive_file(connection: socket.socket, expected: dict[str, Any]) -> SealedFile:
    frame = receive_frame(connection)
    if frame.descriptor is None:
        raise HandoverError("a file came without its descriptor")
    size = os.fstat(frame.descriptor).st_size
    seals = fcntl.fcntl(frame.descriptor, fcntl.F_GET_SEALS)
    if frame.body.get("path") != expected["path"] or size != expected["size"] or seals != ALL_SEALS:
        os.close(frame.descriptor)
        raise HandoverError("a file is not the one that was listed, or is not sealed")
    return SealedFile(path=str(expected["path"]), descriptor=frame.descriptor, size=size)
