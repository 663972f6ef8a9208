"""Nothing of a running stack listens that was not reviewed, and what was reviewed is all there."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from deploy.local.programs import MARKER
from tests.listening import differences, listening, reviewed

_WAIT_S = 60.0
"""Models are loaded, and connections are made and closed meanwhile."""
_PLANTED = """
import socket, sys, time
folder = sys.argv[1]
kept = []
for family, kind, place in (
    (socket.AF_INET, socket.SOCK_STREAM, ("", 0)),
    (socket.AF_INET, socket.SOCK_DGRAM, ("", 0)),
    (socket.AF_UNIX, socket.SOCK_STREAM, folder + "/stream"),
    (socket.AF_UNIX, socket.SOCK_DGRAM, folder + "/datagrams"),
    (socket.AF_UNIX, socket.SOCK_SEQPACKET, chr(0) + folder),
):
    kept.append(socket.socket(family, kind))
    kept[-1].bind(place)
    if kind != socket.SOCK_DGRAM:
        kept[-1].listen()
kept.append(socket.socket())  # in no table of the kernel
print([one.getsockname()[1] for one in kept[:2]], flush=True)
time.sleep(600)
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root sees what other users hold open")


def wrong(stack: Any, expected: Collection[str]) -> list[str]:
    """Return what differs from the reviewed list once that is what is expected, or still after a while."""
    deadline = time.monotonic() + _WAIT_S
    while (found := differences(listening(stack), reviewed())) != list(expected):
        if time.monotonic() > deadline:
            break
        time.sleep(0.5)
    return found


def test_what_listens_was_reviewed(stack: Any) -> None:
    assert wrong(stack, []) == []
    assert len(reviewed()) > 20
    assert all(why.startswith(("recorded: ", "nobody: ")) and len(why) > 40 for why in reviewed().values())
    assert stack.local.control_socket.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("alone", [False, True], ids=["outside", "in a sandbox"])
def test_a_planted_listener_is_found(stack: Any, tmp_path: Path, alone: bool) -> None:
    """Of any kind, also in a network namespace that nobody else is in."""
    command = [sys.executable, "-c", _PLANTED, str(tmp_path)]
    if alone:
        command = ["/usr/bin/unshare", "--net", "--", *command]
    environment = {MARKER: str(stack.home), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as planted:
        try:
            assert planted.stdout is not None
            ports = json.loads(planted.stdout.readline())
            sockets = [
                f"tcp 0.0.0.0:{ports[0]}",
                f"udp 0.0.0.0:{ports[1]}",
                f"unix {tmp_path}/datagrams",
                f"unix {tmp_path}/stream",
                f"unix @{tmp_path}",
                "unknown socket",
            ]
            program = "unsupervised sandbox" if alone else "unsupervised"
            expected = sorted(f"not in the list: {program} {each}" for each in sockets)
            assert wrong(stack, expected) == expected
        finally:
            planted.kill()


def test_a_socket_that_is_not_there_is_missed() -> None:
    gone, *others = sorted(reviewed())
    assert differences(others, reviewed()) == [f"listed, but not there: {gone}"]
