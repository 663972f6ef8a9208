"""What is believed about a process."""

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest

from services.pool.launcher.inspection import Inspection, hide_argument, inspect, parse_status

CONFINED = Inspection(pid_namespace=7, network_namespace=8, seccomp=2, no_new_privileges=True, capabilities=0)


def test_a_confined_process_is_confined() -> None:
    assert CONFINED.confined(7)


@pytest.mark.parametrize(
    "change",
    [
        {"pid_namespace": 6},
        {"seccomp": 0},
        {"seccomp": 1},
        {"no_new_privileges": False},
        {"capabilities": 1 << 21},
    ],
)
def test_every_fact_counts(change: dict[str, int]) -> None:
    assert not dataclasses.replace(CONFINED, **change).confined(7)  # type: ignore[arg-type]


def test_a_process_name_cannot_pass_for_a_status_line() -> None:
    text = "Name:\tx\\nSeccomp:\t2\nSeccomp:\t0\nNoNewPrivs:\t0\n"
    assert parse_status(text)["Seccomp"] == "0"


def test_this_test_is_not_confined() -> None:
    facts = inspect(os.getpid())
    assert not facts.confined(facts.pid_namespace) or facts.seccomp == 2


def test_an_argument_is_hidden_from_everybody() -> None:
    with subprocess.Popen(
        ["sh", "-c", "read line; true", "secret-argument"], stdin=subprocess.PIPE
    ) as process:
        try:
            shown = Path("/proc", str(process.pid), "cmdline")
            while b"secret-argument" not in shown.read_bytes():
                assert process.poll() is None
            hide_argument(process.pid, b"secret-argument")
            assert b"secret" not in shown.read_bytes()
        finally:
            process.kill()
