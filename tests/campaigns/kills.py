"""kill -9 of the stack's processes under load: the test of tests/fault, in another order every time."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from tests.campaigns.campaign import Campaign, Finding
from tests.fault import test_kill as kill
from tests.running_stack import RunningStack, running_stack
from tests.stack_processes import find

_MODEL = "craton.tiny-text-v1"
"""It shares its pool with another model."""
_BODY = {"inputText": "Once", "textGenerationConfig": {"maxTokenCount": 3}}
_TARGETS = kill.targets(_MODEL)
_AUDIT_LIMIT_S = 20.0
"""Invocations go on while audit starts again; the log can be read only after it has."""


class KillsCampaign(Campaign):
    """One case is one killed process; every round of cases kills each kind once, in an order of its own."""

    name = "kills"
    summary = (
        f"kill -9 of one of {len(_TARGETS)} kinds of processes under a load of invocations: calls "
        "succeed again, and every call that was acknowledged is in the audit log."
    )
    fault = "an audit log that lacks one acknowledged call."
    sources = ("services", "deploy", "tests/campaigns/kills.py", "tests/fault/test_kill.py")
    from_disk = True
    planted_bound = 1

    def __init__(self) -> None:
        """Start without a stack."""
        self._stack: RunningStack | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run a stack of the campaign's own."""
        with running_stack() as self._stack:
            yield

    def case(self, seed: int, index: int) -> None:
        """Kill, wait, compare."""
        stack = self._stack
        assert stack is not None
        order = sorted(_TARGETS)
        self.random(seed, index // len(order)).shuffle(order)
        name = order[index % len(order)]
        with kill.Load(stack, _MODEL, _BODY, 0) as load:
            load.wait_healed()
            os.kill(find(stack.home, *_TARGETS[name]).pid, signal.SIGKILL)
            if name == "supervisor":
                stack.craton("up", "--no-sample")
            try:
                load.wait_healed()
            except AssertionError as error:
                raise Finding(f"{name}: {error}") from error
        _wait_for_audit(stack)
        lost = load.acknowledged - kill._recorded(stack, load.acknowledged)
        if lost:
            raise Finding(
                f"{name}: {len(lost)} of {len(load.acknowledged)} acknowledged calls are not recorded"
            )

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Read the log without one of the calls that are looked for."""
        original = kill._recorded

        def lacking(stack: Any, wanted: set[str]) -> set[str]:
            return original(stack, wanted) - {min(wanted)}

        with patch.object(kill, "_recorded", lacking):
            yield


def _wait_for_audit(stack: RunningStack) -> None:
    deadline = time.monotonic() + _AUDIT_LIMIT_S
    while stack.craton("audit", "lookup", "--max", "1", check=False).returncode != 0:
        if time.monotonic() > deadline:
            raise Finding(f"the audit log cannot be read {_AUDIT_LIMIT_S} s after calls succeed again")
        time.sleep(0.5)
