"""The handover's frames and its client, over a socketpair and a listening socket in a temporary folder."""

import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.pool import handover

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    left, right = socket.socketpair()
    left.settimeout(5)
    right.settimeout(5)
    with left, right:
        yield left, right


def test_a_frame_travels_with_its_secret_and_descriptor(pair: Pair) -> None:
    memory = handover.sealed_memory("weights", [b"abc", b"", b"def"])
    handover.send_frame(pair[0], {"type": "x", "n": 1}, secret=b"k" * 32, descriptor=memory)
    os.close(memory)
    frame = handover.receive_frame(pair[1])
    assert frame.body == {"type": "x", "n": 1}
    assert frame.secret == b"k" * 32
    assert frame.descriptor is not None
    assert not os.get_inheritable(frame.descriptor)
    assert os.pread(frame.descriptor, 10, 0) == b"abcdef"
    assert "k" * 32 not in repr(frame)
    os.close(frame.descriptor)


def test_sealed_memory_cannot_be_changed() -> None:
    memory = handover.sealed_memory("weights", [b"abc"])
    try:
        with pytest.raises(PermissionError):
            os.pwrite(memory, b"x", 0)
        with pytest.raises(PermissionError):
            os.ftruncate(memory, 1)
        assert fcntl.fcntl(memory, fcntl.F_GET_SEALS) == handover.ALL_SEALS
    finally:
        os.close(memory)


@pytest.mark.parametrize(
    "raw",
    [
        struct.pack(">II", handover.MAX_JSON + 1, 0),
        struct.pack(">II", 2, handover.MAX_SECRET + 1),
        struct.pack(">II", 2, 0) + b"[]",
        struct.pack(">II", 3, 0) + b"{x}",
        struct.pack(">II", 4096, 0) + b"[" * 4096,
        struct.pack(">II", 2, 0) + b"{",
        b"\0\0",
        b"",
    ],
)
def test_malformed_frames_are_refused(pair: Pair, raw: bytes) -> None:
    pair[0].sendall(raw)
    pair[0].close()
    with pytest.raises(handover.HandoverError):
        handover.receive_frame(pair[1])


Agent = Callable[[socket.socket], None]


def serve_once(path: Path, agent: Agent) -> threading.Thread:
    """Answer one connection on `path` by `agent`."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(1)

    def run() -> None:
        with listener:
            connection, _ = listener.accept()
        with connection:
            connection.settimeout(5)
            agent(connection)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def hand_over(connection: socket.socket, *, listed: dict[str, Any], sent: str, sealed: bool = True) -> None:
    handover.receive_frame(connection)
    body = {"type": "material", "model_id": "a.b-v1", "manifest": {"version": 1}, "files": [listed]}
    handover.send_frame(connection, body, secret=b"K" * 32)
    if sealed:
        memory = handover.sealed_memory("f", [b"cipher"])
    else:
        memory = os.memfd_create("f", os.MFD_ALLOW_SEALING)
        os.write(memory, b"cipher")
    handover.send_frame(connection, {"type": "file", "path": sent}, descriptor=memory)
    os.close(memory)


def test_a_model_process_obtains_and_announces(tmp_path: Path) -> None:
    announced: list[dict[str, Any]] = []

    def agent(connection: socket.socket) -> None:
        hand_over(connection, listed={"path": "m.safetensors", "size": 6}, sent="m.safetensors")
        announced.append(handover.receive_frame(connection).body)
        handover.send_frame(connection, {"type": "accepted"})

    thread = serve_once(tmp_path / "s", agent)
    received = handover.obtain(str(tmp_path / "s"), "a_b", timeout_s=5)
    assert received.model_id == "a.b-v1"
    assert [(file.path, file.size) for file in received.files] == [("m.safetensors", 6)]
    assert os.pread(received.files[0].descriptor, 9, 0) == b"cipher"
    assert received.data_key == b"K" * 32
    assert "KKKK" not in repr(received)
    received.announce(b"p" * 32, "i-1")
    received.close_files()
    assert received.data_key == bytes(32)
    thread.join()
    received.close()
    assert announced == [{"type": "announce", "public_key": (b"p" * 32).hex(), "instance_id": "i-1"}]


@pytest.mark.parametrize(
    ("listed", "sent", "sealed"),
    [
        ({"path": "a", "size": 7}, "a", True),
        ({"path": "a", "size": 6}, "b", True),
        ({"path": "a", "size": 6}, "a", False),
    ],
)
def test_a_file_that_is_not_as_listed_is_refused(
    tmp_path: Path, listed: dict[str, Any], sent: str, sealed: bool
) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    thread = serve_once(tmp_path / "s", lambda c: hand_over(c, listed=listed, sent=sent, sealed=sealed))
    with pytest.raises(handover.HandoverError):
        handover.obtain(str(tmp_path / "s"), "a_b", timeout_s=5)
    thread.join()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_refusal_is_an_error(tmp_path: Path) -> None:
    def agent(connection: socket.socket) -> None:
        handover.receive_frame(connection)
        handover.send_frame(connection, {"type": "refused"})

    thread = serve_once(tmp_path / "s", agent)
    with pytest.raises(handover.HandoverError):
        handover.obtain(str(tmp_path / "s"), "a_b", timeout_s=5)
    thread.join()
