"""A signature that was seen stays refused when those who saw it are killed and start again."""

import os
import signal
import time
from typing import Any

import pytest
import urllib3
from botocore.awsrequest import AWSPreparedRequest

from tests.e2e.signed_requests import signed_listing, transmit
from tests.stack_processes import find

_BACK_S = 60
"""Ten times what a killed program needs to serve again."""
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


def _seen(stack: Any) -> AWSPreparedRequest:
    request = signed_listing(stack)
    assert transmit(stack, request)[0] == 200
    assert transmit(stack, request)[0] == 200  # in the same two seconds
    return request


@pytest.mark.parametrize(
    ("words", "answer"),
    [("-m services.edge ", REFUSED), ("redis-server", SIGN_AGAIN)],
)
def test_the_same_bytes_after_kill_9(stack: Any, words: str, answer: tuple[int, str]) -> None:
    request = _seen(stack)
    seen = time.monotonic()
    os.kill(find(stack.home, words).pid, signal.SIGKILL)
    _until_served(stack)
    time.sleep(max(0.0, seen + 3 - time.monotonic()))
    assert transmit(stack, request) == answer
