"""A stack of the bench's own: echo model published, 100 policy statements on the user that calls."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.stack_processes import processes

ADDRESS = "127.0.0.9"
ECHO = "craton.echo-v1"
TEXT = "craton.tiny-text-v1"
STATEMENTS = 100
_PER_POLICY = 34
"""Ten managed policies of 6,144 characters may be attached to a user."""
_UP_LIMIT_S = 600


class MeasuredStack:
    """Starts, prepares, observes and stops one stack."""

    def __init__(self, root: Path, home: Path, address: str) -> None:
        self.root = root
        self.home = home
        self.runtime_uid = 20002
        self.environment = {
            "PATH": f"{root}/.venv/services/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": os.environ.get("HOME", "/"),
            "LANG": "C.UTF-8",
            "CRATON_HOME": str(home),
            "CRATON_ADDRESS": address,
        }

    def start(self) -> None:
        """Bring it up and prepare it."""
        self._craton("up", "--no-sample")
        self.prepare()

    def prepare(self) -> None:
        """Publish the echo model and become a user whose policies have 100 statements."""
        self._craton(
            *("models", "publish", str(self.root / "tests/load/echo"), "--provider", "craton"),
            *("--manifest", str(self.root / "tests/load/echo/manifest.toml")),
        )
        self._await_accept()
        name = json.loads(self._craton("users", "create", "bench", "--json"))["user_name"]
        for number, document in enumerate(policies()):
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                file.write(json.dumps(document))
                file.flush()
                made = self._craton("policies", "managed", "create", f"bench-{number}", file.name, "--json")
            self._craton("policies", "attach", json.loads(made)["arn"], "--user", name)
        key = json.loads(self._craton("keys", "create", name, "--json"))
        (self.home / "aws/credentials").write_text(
            f"[craton]\naws_access_key_id = {key['access_key_id']}\n"
            f"aws_secret_access_key = {key['secret_access_key']}\n"
        )

    def stop(self) -> None:
        """Take it down."""
        self._craton("down")

    def cpu_seconds(self) -> dict[str, float]:
        """User + system seconds by program, children included."""
        used = dict.fromkeys(("runtime", "edge", "audit", "agent", "triton", "backend", "redis"), 0.0)
        for process in processes(self.home):
            name = _program(process)
            if name in used:
                times = process.cpu_times()
                used[name] += times.user + times.system
        return used

    def memory_bytes(self) -> int:
        """Proportional memory of every process of the stack."""
        total = 0
        for process in processes(self.home):
            try:
                total += process.memory_full_info().pss
            except psutil.Error:
                continue
        return total

    def _await_accept(self) -> None:
        for _ in range(60):
            done = self._run("models", "access", "accept", ECHO)
            if done.returncode == 0:
                break
            time.sleep(1)
        else:
            raise RuntimeError(f"the echo model was not offered: {done.stderr}")
        for _ in range(60):
            if self._run("invoke", ECHO, "hello").returncode == 0:
                return
            time.sleep(1)
        raise RuntimeError("the echo model did not answer")

    def _craton(self, *words: str) -> str:
        done = self._run(*words)
        if done.returncode != 0:
            raise RuntimeError(f"craton {' '.join(words)}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done.stdout

    def _run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *words],
            cwd=self.root,
            env=self.environment,
            text=True,
            capture_output=True,
            timeout=_UP_LIMIT_S,
            check=False,
        )


def policies() -> list[dict[str, object]]:
    """Documents of 100 statements together: the two that matter, and 98 about other models."""
    invoke = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
    statements: list[dict[str, object]] = [
        {"Effect": "Allow", "Action": invoke, "Resource": f"arn:aws:bedrock:*::foundation-model/{model}"}
        for model in (ECHO, TEXT)
    ]
    for number in range(STATEMENTS - len(statements)):
        statements.append(
            {
                "Effect": "Deny" if number % 2 else "Allow",
                "Action": "bedrock:InvokeModel",
                "Resource": f"arn:aws:bedrock:*::foundation-model/other.model-{number:03d}*",
            }
        )
    return [
        {"Version": "2012-10-17", "Statement": statements[start : start + _PER_POLICY]}
        for start in range(0, len(statements), _PER_POLICY)
    ]


def _program(process: psutil.Process) -> str:
    try:
        words = process.cmdline()
    except psutil.Error:
        return ""
    line = " ".join(words)
    for name in ("runtime", "edge", "audit"):
        if f"-m services.{name} " in line:
            return name
    if "-m services.pool " in line:
        return "agent"
    if "redis-server" in line:
        return "redis"
    if words and "triton_python_backend_stub" in words[0]:
        return "backend"
    return "triton" if words and words[0].endswith("tritonserver") else ""
