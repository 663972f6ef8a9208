"""A pool whose sandbox the system refuses ends `craton up` within seconds, with bwrap's own words."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cli.start
from cli.output import CommandError
from cli.pool_logs import PoolLogs
from deploy.local.stack import DEFINITION, Definition, Stack
from services.chassis.config import load

BWRAP = "bwrap: No permissions to create new namespace, likely because the kernel does not allow it"
REFUSED = f"""pool craton: the sandbox ended while it was started (status 1): {BWRAP}
{{"event": "sandbox_start_failed", "pool": "craton"}}
{{"event": "sandbox_failed", "reason": "sandbox_refused"}}
"""
SLOW = "pool craton: the sandbox is not as it must be: the model server did not listen in time: E1123\n"


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    one = Stack(load(DEFINITION, Definition), tmp_path, tmp_path, "127.0.0.1", separate_uids=False)
    one.logs.mkdir()
    return one


def write(stack: Stack, text: str) -> None:
    with (stack.logs / "pool-craton.log").open("a") as log:
        log.write(text)


def test_a_sandbox_refused_again_and_again_is_said_in_bwraps_words(stack: Stack) -> None:
    logs = PoolLogs(stack)
    write(stack, REFUSED * 2)
    assert logs.refusal() is None
    write(stack, REFUSED)
    said = logs.refusal()
    assert said is not None
    assert f"no sandbox for pool-craton, see {stack.logs}/pool-craton.log" in said
    assert f"(status 1): {BWRAP}\n" in said
    assert 'isolation = "none" in deploy/config/: pool-craton.toml, pool-sbert.toml;' in said


def test_earlier_runs_do_not_count(stack: Stack) -> None:
    write(stack, REFUSED * 5)
    logs = PoolLogs(stack)
    assert logs.refusal() is None
    write(stack, REFUSED * 3)
    assert logs.refusal() is not None


def test_a_log_that_was_rotated_is_read_from_its_beginning(stack: Stack) -> None:
    write(stack, "x" * 10_000)
    logs = PoolLogs(stack)
    (stack.logs / "pool-craton.log").unlink()
    assert logs.refusal() is None
    write(stack, REFUSED * 3)
    assert logs.refusal() is not None


def test_what_a_slow_machine_explains_is_waited_for(stack: Stack) -> None:
    logs = PoolLogs(stack)
    write(stack, SLOW * 10)
    assert logs.refusal() is None


def test_waiting_ends_with_the_refusal(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = PoolLogs(stack)
    looks: list[float] = []
    pool = SimpleNamespace(name="pool-craton", state="RUNNING", health="not serving yet", healthy=False)
    monkeypatch.setattr(cli.start, "health", lambda *_: [pool])

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        write(stack, REFUSED)

    monkeypatch.setattr(cli.start.time, "sleep", sleep)
    monkeypatch.setattr(cli.start, "_HEALTHY_LIMIT_S", 1.0)
    nothing: Any = None
    with pytest.raises(CommandError, match="no sandbox for pool-craton"):
        cli.start._wait_until_healthy(stack, nothing, nothing, logs, lambda _text: None)
    assert len(looks) == 3
