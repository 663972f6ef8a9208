"""kill -9 of every process of the stack in turn, under load: it heals, and every acknowledged call is in
the audit log."""

import json
import os
import signal
import threading
import time
from typing import Any

import psutil
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from services.pool.domain.server_files import server_model_name
from tests.stack_processes import alive, find

MODEL = "sbert.minilm-embed-v1"
"""The only model of its pool: to start a model costs more of the processor than to start all services. The
campaign calls a model that shares its pool."""
BODY = {"inputText": "A storm is coming."}
WORKERS = 4
PAUSE_S = 0.4
"""Between two calls of a worker: the cores are left to what starts again, and to other tests. The campaign
makes none."""
_AFTER_FAILURE_S = 0.5
HEALED_AFTER = 8
"""So many calls in a row must succeed after a kill."""
LIMIT_S = 200
"""Ten times what a pool may take; services take 3 s."""

# What stands in a command line, by which the process is found.
SERVICES = {
    "redis": ("redis-server",),
    "auth": ("-m services.auth ",),
    "kms": ("-m services.kms ",),
    "audit": ("-m services.audit ",),
    "runtime": ("-m services.runtime ",),
    "training": ("-m services.training ",),
    "witness": ("-m services.witness ",),
    "edge": ("-m services.edge ",),
}


def targets(model: str) -> dict[str, tuple[str, ...]]:
    """Every kind of process that a call of `model` may meet, the supervisor of all of them as the last."""
    pool = f"pool-{model.split('.')[0]}"
    return {
        **SERVICES,
        "pool launcher": ("-m services.pool.launcher ", f"/{pool}.toml"),
        "pool agent": ("-m services.pool ", f"/{pool}.toml"),
        "triton": ("tritonserver", f"/{pool}"),
        "backend stub": (f"/repository/{server_model_name(model)}/",),
        "supervisor": ("supervisord",),
    }


class Load:
    """Calls a model again and again, and remembers which calls were acknowledged."""

    def __init__(self, stack: Any, model: str, body: dict[str, Any], pause_s: float) -> None:
        self._stack = stack
        self._model = model
        self._body = json.dumps(body)
        self._pause_s = pause_s
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.acknowledged: set[str] = set()
        self.failures: dict[str, int] = {}
        self._streak = 0
        self._threads = [threading.Thread(target=self._run) for _ in range(WORKERS)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_healed(self) -> float:
        """Wait until calls succeed again, several in a row; return how long it took."""
        started = time.monotonic()
        with self._lock:
            self._streak = 0
        while time.monotonic() - started < LIMIT_S:
            time.sleep(0.05)
            with self._lock:
                if self._streak >= HEALED_AFTER:
                    return time.monotonic() - started
        raise AssertionError(f"not healed after {LIMIT_S} s; failures so far: {self.failures}")

    def _run(self) -> None:
        client = self._stack.client("bedrock-runtime")
        while not self._stop.is_set():
            try:
                answer = client.invoke_model(modelId=self._model, body=self._body)
                answer["body"].read()
                with self._lock:
                    self.acknowledged.add(answer["ResponseMetadata"]["RequestId"])
                    self._streak += 1
                self._stop.wait(self._pause_s)
            except (ClientError, BotoCoreError) as error:
                name = type(error).__name__
                if isinstance(error, ClientError):
                    name = error.response["Error"]["Code"]
                with self._lock:
                    self.failures[name] = self.failures.get(name, 0) + 1
                    self._streak = 0
                self._stop.wait(_AFTER_FAILURE_S)


@pytest.mark.timeout(1800)
def test_everything_is_killed_once(stack: Any) -> None:
    took = {}
    victims = targets(MODEL)
    with Load(stack, MODEL, BODY, PAUSE_S) as load:
        load.wait_healed()
        for name, words in victims.items():
            victim = find(stack.home, *words)
            # Sandboxes have an empty environment: once orphaned they would be found in this list only.
            family = victim.children(recursive=True)
            os.kill(victim.pid, signal.SIGKILL)
            if name == "supervisor":
                _wait_gone(family)
                assert stack.craton("status", check=False).returncode != 0
                stack.craton("up", "--no-sample")
            took[name] = round(load.wait_healed(), 1)
            print(f"{name}: healed after {took[name]} s", flush=True)
    assert len(load.acknowledged) > HEALED_AFTER * len(victims)
    recorded = _recorded(stack, load.acknowledged)
    print(
        f"{len(load.acknowledged)} acknowledged calls, all recorded; failures {load.failures}; healed {took}"
    )
    assert load.acknowledged <= recorded
    # Also those that nobody saw end: their services have said so when they came back.
    deadline = time.monotonic() + LIMIT_S
    while begun := _without_outcome(stack):
        assert time.monotonic() < deadline, begun
        time.sleep(1)


def _wait_gone(family: list[psutil.Process]) -> None:
    deadline = time.monotonic() + 20
    while left := [process for process in family if alive(process)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def _without_outcome(stack: Any) -> set[str]:
    """Calls of which the log has an intent and no outcome, each as one service has recorded it."""
    events = stack.craton_json("audit", "lookup", "--event-name", "InvokeModel", "--max", "100000")
    begun, ended = (
        {event["call_id"] for event in events if event["phase"] == f"EVENT_PHASE_{phase}"}
        for phase in ("INTENT", "OUTCOME")
    )
    return begun - ended


def _recorded(stack: Any, wanted: set[str]) -> set[str]:
    """Request ids of the successful invocations in the audit log, after the spools were shipped."""
    deadline = time.monotonic() + 60
    while True:
        events = stack.craton_json("audit", "lookup", "--event-name", "InvokeModel", "--max", "100000")
        found = {
            event["request_id"]
            for event in events
            if event["recorder"] == "runtime" and event.get("status_code") == "OK"
        }
        if wanted <= found or time.monotonic() > deadline:
            return found
        time.sleep(2)
