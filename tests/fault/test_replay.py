"""A signature that was seen stays refused when those who saw it are killed and start again."""

import os
import signal
import time
from datetime import timedelta
from typing import Any

import pytest
import urllib3
from botocore.awsrequest import AWSPreparedRequest

from tests.e2e.signed_requests import signed_listing, transmit
from tests.stack_processes import find

_BACK_S = 60
"""Ten times what a killed program needs to serve again."""
EDGE, REDIS, AUTH = "-m services.edge ", "redis-server", "-m services.auth "
REFUSED = (403, "InvalidSignatureException")
SIGN_AGAIN = (503, "ServiceUnavailableException")
"""Redis began anew and does not know what came before: clients sign their retry anew."""


def _until_served(stack: Any) -> None:
    """Return once a fresh request is served again."""
    deadline = time.monotonic() + _BACK_S
    while True:
        try:
            if transmit(stack, signed_listing(stack))[0] == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _seen(stack: Any, shift: timedelta = timedelta(0)) -> AWSPreparedRequest:
    request = signed_listing(stack, shift)
    assert transmit(stack, request)[0] == 200
    assert transmit(stack, request)[0] == 200  # in the same two seconds
    return request


def _kill(stack: Any, *targets: str) -> None:
    """End programs at once, all of them before one of them could start again."""
    for process in [find(stack.home, words) for words in targets]:
        os.kill(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("words", "answer"),
    [(EDGE, REFUSED), (REDIS, SIGN_AGAIN)],
)
def test_the_same_bytes_after_kill_9(stack: Any, words: str, answer: tuple[int, str]) -> None:
    request = _seen(stack)
    seen = time.monotonic()
    _kill(stack, words)
    _until_served(stack)
    time.sleep(max(0.0, seen + 3 - time.monotonic()))
    assert transmit(stack, request) == answer


@pytest.mark.parametrize("targets", [(REDIS,), (EDGE, REDIS), (EDGE, REDIS, AUTH)])
def test_the_same_bytes_of_a_clock_that_is_ahead_after_kill_9(stack: Any, targets: tuple[str, ...]) -> None:
    """Four minutes ahead, as a client's clock may be: the date lies after whatever starts anew."""
    far, near = _seen(stack, timedelta(seconds=240)), _seen(stack, timedelta(seconds=20))
    seen = time.time()
    _kill(stack, *targets)
    _until_served(stack)
    time.sleep(max(0.0, seen + 3 - time.time()))
    assert transmit(stack, far) == REFUSED
    assert transmit(stack, near) == REFUSED
    assert transmit(stack, signed_listing(stack, timedelta(seconds=240)))[0] == 200
    time.sleep(max(0.0, seen + 21 - time.time()))
    assert transmit(stack, near) == REFUSED, "its date has come, and leased keys verify it"
    assert transmit(stack, far) == REFUSED
