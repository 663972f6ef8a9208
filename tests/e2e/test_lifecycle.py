"""The stack comes up, heals, goes down, and leaves nothing behind."""

import hashlib
import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.fakes.another_user import as_user
from tests.stack_processes import alive, processes

TEXT = "craton.tiny-text-v1"
BODY = json.dumps({"inputText": "Once upon a time", "textGenerationConfig": {"maxTokenCount": 8}})
AS_ROOT = os.geteuid() == 0


def pids(stack: Any) -> dict[str, int]:
    return {each["program"]: each["pid"] for each in status(stack)["programs"]}


def status(stack: Any) -> dict[str, Any]:
    return dict(json.loads(stack.craton("status", "--json", check=False).stdout))


def invoke(stack: Any) -> None:
    answer = stack.client("bedrock-runtime").invoke_model(modelId=TEXT, body=BODY)
    assert json.loads(answer["body"].read())["results"]


def test_status_says_how_the_stack_is(stack: Any) -> None:
    report = status(stack)
    assert report["healthy"]
    assert {"kms", "auth", "audit", "runtime", "training", "edge", "redis", "pool-craton"} <= {
        each["program"] for each in report["programs"]
    }
    assert {pool["isolation"] for pool in report["pools"]} == {"full"}
    assert all(model["ready"] for pool in report["pools"] for model in pool["models"])
    assert report["custody"].startswith("development")
    assert report["memory_mib"] < 3072
    assert report["audit"]["entries"] > 0
    assert report["audit"]["known"]


def test_up_again_leaves_what_runs_alone(stack: Any) -> None:
    before = pids(stack)
    stack.craton("up", "--no-sample")
    assert pids(stack) == before


def test_the_sample_streams_and_shows_its_audit_record(stack: Any) -> None:
    shown = stack.craton("up").stdout
    assert "invoke_model_with_response_stream" in shown
    assert re.search(r"runtime +outcome +InvokeModelWithResponseStream +OK", shown)
    assert "user/admin" in shown


@pytest.mark.skipif(not AS_ROOT, reason="separate uids need root")
def test_no_service_reads_the_state_of_another(stack: Any) -> None:
    owned = [path for path in [*(stack.home / "state").iterdir(), stack.home / "custody"] if path.is_dir()]
    keys = [path for path in (stack.home / "pki").rglob("*.key") if not path.is_symlink()]
    passwords = list((stack.home / "secrets").iterdir())
    uids = {path.stat().st_uid for path in owned} - {0}
    assert len(uids) >= 7
    for uid in uids:
        readable = _readable(uid, [*owned, *keys, *passwords])
        assert readable == {str(path) for path in [*owned, *keys, *passwords] if path.stat().st_uid == uid}


_READER = """
import json, os, sys
def reads(path):
    try:
        os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
        return True
    except PermissionError:
        return False
print(json.dumps([path for path in json.load(sys.stdin) if reads(path)]))
"""


def _readable(uid: int, paths: list[Path]) -> set[str]:
    """Return which of the paths a process of `uid` can read."""
    command = [*as_user(uid), "/usr/bin/python3", "-c"]
    result = subprocess.run(
        [*command, _READER], input=json.dumps([*map(str, paths)]), text=True, capture_output=True, check=True
    )
    return set(json.loads(result.stdout))


def test_state_holds_no_private_key_that_others_may_read(stack: Any) -> None:
    for path in stack.home.rglob("*.key"):
        if path.is_file() and not path.is_symlink():
            assert path.stat().st_mode & 0o077 == 0, path


def test_down_leaves_nothing_and_says_so_when_asked_again_and_up_is_quick(stack: Any) -> None:
    family = psutil.Process(int((stack.home / "run/supervisord.pid").read_text())).children(recursive=True)
    stack.craton("down")
    assert [process for process in processes(stack.home) if alive(process)] == []
    assert [process for process in family if alive(process)] == []
    assert [path for path in stack.home.rglob("*") if path.is_socket()] == []
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(stack.home) not in mounts
    digest = hashlib.sha256(str(stack.home / "run/pool-craton").encode()).hexdigest()[:12]
    assert list(Path("/sys/fs/cgroup").rglob(f"craton-pool-craton-{digest}")) == []
    assert "nothing was running" in stack.craton("down").stdout
    started = time.monotonic()
    stack.craton("up", "--no-sample")
    # Under 30 s on a machine of its own.
    assert time.monotonic() - started < 300
    invoke(stack)
