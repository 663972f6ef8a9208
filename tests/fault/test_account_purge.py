"""kill -9 of everybody who takes part in a purge, at each service's step: it ends all the same, once.

Every call of every port is interrupted in tests/unit/auth/test_purging.py; here are the processes.
"""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import eventually
from tests.stack_processes import find

CERTIFICATE = "certificate.json"


def killed(stack: Any, service: str) -> None:
    os.kill(find(stack.home, f"-m services.{service} ").pid, signal.SIGKILL)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("service", ["audit", "training", "kms"])
def test_a_purge_ends_after_kills_at_a_services_step(stack: Any, service: str, tmp_path: Path) -> None:
    account = f"6{uuid.uuid4().int % 10**11:011d}"
    made = stack.craton_json("accounts", "create", "s", "--account-id", account, "--administrator", "boss")
    boss = {name: made[name.removeprefix("aws_")] for name in ("aws_access_key_id", "aws_secret_access_key")}
    kms = stack.client("kms", **boss)
    for _ in range(3):
        kms.create_key()
    # The service stands still, so that the purge gets as far as to it and no further.
    stopped = find(stack.home, f"-m services.{service} ")
    file = tmp_path / CERTIFICATE
    stopped.suspend()
    try:
        # The command gives up waiting when its service is killed: the purge does not hang on it.
        asking = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "accounts", "purge", account, "--yes", "--certificate", file],
            env=stack.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        found = eventually(lambda: listed(stack, account), "nobody asked for the purge")
        before = {"audit": set(), "training": {"audit"}, "kms": {"audit", "training"}}[service]
        eventually(
            lambda: set(listed(stack, account).get("removed", {"?"})) == before, "the purge did not get there"
        )
        assert listed(stack, account)["state"] == "purging"
        killed(stack, "auth")
        asking.wait(60)
    finally:
        stopped.kill()
    eventually(lambda: state(stack, account) == "done", "the purge does not end", limit_s=120)
    shown = stack.craton_json("accounts", "purges", "status", found["purge_id"], "--certificate", str(file))
    said = stack.craton_json("accounts", "purges", "check", str(file), "--key", shown["public_key"])
    assert said["removed"]["kms"]["keys"] == 3
    assert said["removed"]["auth"]["users"] == 1
    key = stack.craton_json("audit", "key")["verifier_key"]
    assert stack.craton("audit", "fsck", "--key", key).returncode == 0
    # What began anew has no keys, and goes on.
    root = stack.client("sts", **boss)
    with pytest.raises(root.exceptions.ClientError):
        root.get_caller_identity()


def listed(stack: Any, account: str) -> dict[str, Any]:
    """Return the account's purge, nothing while auth does not answer or there is none."""
    done = stack.craton("accounts", "purges", "list", "--account", account, "--json", check=False)
    if done.returncode:
        time.sleep(0.2)
        return {}
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found[0] if found else {}


def state(stack: Any, account: str) -> str:
    return str(listed(stack, account).get("state"))
