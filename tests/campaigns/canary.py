"""A prompt leaves nothing behind: the hunt of tests/security, with other calls in every case."""

import itertools
import string
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import psutil
from botocore.exceptions import BotoCoreError, ClientError

from tests.campaigns.campaign import Campaign, Finding
from tests.fakes.otlp_collector import Collector
from tests.running_stack import RunningStack, running_stack
from tests.security import test_canary as hunt
from tests.security.hunt import Hunter
from tests.stack_processes import processes

_KINDS = 26
"""Kinds of calls that the hunt knows."""
_CALLS = 60
_SHORT_REQUESTS = 50
_LEAK = "planted"


class CanaryCampaign(Campaign):
    """One case is a new canary, a random mix of calls that carry it, and a hunt through the whole stack."""

    name = "canary"
    summary = (
        f"{_CALLS} calls that carry a random canary, of {_KINDS} kinds that succeed, are refused or break "
        "off, leave it in no file, log, trace, metric, audit event, command line, sandbox, nor in the memory "
        "of Redis."
    )
    fault = "the canary in UTF-16 in a file of a sandbox, and in a log."
    sources = (
        "services",
        "deploy",
        "tests/campaigns/canary.py",
        "tests/security/hunt.py",
        "tests/security/test_canary.py",
    )
    from_disk = True
    planted_bound = 1

    def __init__(self) -> None:
        """Start without a stack."""
        self._stack: RunningStack | None = None
        self._collector: Any = None
        self._leaks = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run a stack of the campaign's own, whose traces are collected."""
        self._collector = Collector()
        try:
            with running_stack(self._collector.endpoint) as self._stack:
                yield
        finally:
            self._collector.stop()

    def case(self, seed: int, index: int) -> None:
        """Call, settle, hunt."""
        random = self.random(seed, index)
        canary = "".join(random.choice(string.ascii_letters + string.digits) for _ in range(24))
        outcomes = self._drive(random, canary)
        time.sleep(hunt.SETTLE_S)
        with self._leaked(canary):
            hits, searched = hunt._hunt(self._stack, self._collector, Hunter(canary))
        if min(searched.values()) == 0:
            raise RuntimeError(f"a place was not searched: {searched}")
        if outcomes.get("ok", 0) == 0:
            raise RuntimeError(f"no call succeeded: {outcomes}")
        places = sorted({f"{hit.place.split('/')[-1]} ({hit.form})" for hit in hits})
        if self._leaks and not {f"{_LEAK}.log (plain)", f"{_LEAK} (utf-16)"} <= set(places):
            raise RuntimeError(f"of two leaks these were found: {places}")
        if places:
            raise Finding(f"the canary is in {places} after {outcomes}")

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Leak the canary of every case."""
        self._leaks = True
        try:
            yield
        finally:
            self._leaks = False

    def _drive(self, random: Random, canary: str) -> dict[str, int]:
        stack = self._stack
        assert stack is not None
        calls = list(itertools.islice(hunt._calls(stack, canary), _KINDS))
        outcomes: dict[str, int] = {}
        for call in random.choices(calls, k=_CALLS):
            try:
                call()
                outcome = "ok"
            except ClientError as error:
                outcome = error.response["Error"]["Code"]
            except (BotoCoreError, OSError) as error:
                outcome = type(error).__name__
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
        client = stack.client("bedrock-runtime")
        for _ in range(_SHORT_REQUESTS):
            client.invoke_model(modelId=hunt.TEXT, body=hunt._titan("Hi"))["body"].read()
        return outcomes

    @contextmanager
    def _leaked(self, canary: str) -> Iterator[None]:
        if not self._leaks:
            yield
            return
        stack = self._stack
        assert stack is not None
        log = stack.home / f"log/{_LEAK}.log"
        stub = _model_process(stack)
        log.write_text(canary)
        hunt._plant_in_sandbox(stub, "dev/shm", _LEAK, canary)
        try:
            yield
        finally:
            log.unlink()
            hunt._remove_from_sandbox(stub, "dev/shm", _LEAK)


def _model_process(stack: RunningStack) -> psutil.Process:
    """Return a process inside a sandbox."""
    return next(
        process
        for process in processes(stack.home)
        if process.cmdline() and "triton_python_backend_stub" in process.cmdline()[0]
    )
