"""The words between launcher and agent."""

import os
import socket
from collections.abc import Iterator

import pytest

from services.pool import control

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Pair]:
    first, second = control.pair()
    with first, second:
        yield first, second


def test_a_message_travels_with_its_descriptor(ends: Pair) -> None:
    read, write = os.pipe()
    control.send(ends[0], {"id": 1, "ok": True}, read)
    os.close(read)
    message, descriptor = control.receive(ends[1])
    assert message == {"id": 1, "ok": True}
    assert descriptor is not None
    assert not os.get_inheritable(descriptor)
    os.write(write, b"x")
    assert os.read(descriptor, 1) == b"x"
    os.close(descriptor)
    os.close(write)


@pytest.mark.parametrize("data", [b"[]", b"x", b"{" * 5000, b"{}" + b" " * 5000])
def test_garbage_is_refused(ends: Pair, data: bytes) -> None:
    ends[0].send(data)
    with pytest.raises(control.ControlError):
        control.receive(ends[1])


def test_the_end_is_an_error(ends: Pair) -> None:
    ends[0].close()
    with pytest.raises(control.ControlError):
        control.receive(ends[1])


def test_surplus_descriptors_are_closed(ends: Pair) -> None:
    read, write = os.pipe()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    socket.send_fds(ends[0], [b"{}"], [read, read, read])
    with pytest.raises(control.ControlError):
        control.receive(ends[1])
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    os.close(read)
    os.close(write)
