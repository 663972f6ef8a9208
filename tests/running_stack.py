"""One whole stack for the tests that need one: on an address and in a folder of its own, started once.

Set CRATON_E2E_HOME to run against a stack that is already up in that folder (it is then left running).
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from deploy.local.stack import DEFINITION, Definition, Stack
from deploy.pki.authority import Authority
from services.chassis.config import load
from tests.boto_clients import boto_client
from tests.fakes import begun
from tests.fakes.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
_UP_LIMIT_S = 300
_STARTED_ANEW = ("up", "down", "status", "clean")
"""What starts and stops processes, which must not be forks of another."""


@dataclass(frozen=True)
class RunningStack:
    """A stack that is up, as its users see it."""

    home: Path
    address: str
    otlp_endpoint: str = ""
    issuers: Authority | None = None
    """Where certificates of OpenID Connect issuers come from; None for a stack that was up already."""
    buckets_port: int = 0
    """Where trails deliver: a test that has them do so runs an S3 server there."""

    @property
    def environment(self) -> dict[str, str]:
        """What AWS clients and the command line need in their environment, and nothing of ours besides."""
        return {
            "PATH": f"{ROOT}/.venv/services/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "CRATON_HOME": str(self.home),
            "CRATON_ADDRESS": self.address,
            "CRATON_OTLP_ENDPOINT": self.otlp_endpoint,
            "CRATON_TRACE_RATIO": "1.0",
            # Unmodified clients ask again when a shared disk has stood still for 250 ms; most tests do not.
            "CRATON_AUDIT_COMMIT_TIMEOUT_S": "5",
            "AWS_CONFIG_FILE": str(self.home / "aws/config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.home / "aws/credentials"),
            "AWS_PROFILE": "craton",
            "AWS_EC2_METADATA_DISABLED": "true",
            "CRATON_BUCKETS_ENDPOINT": f"http://127.0.0.1:{self.buckets_port}" if self.buckets_port else "",
            "CRATON_BUCKETS_CREDENTIALS": str(self.home / "buckets"),
            "CRATON_TRAIL_INTERVAL_S": "0.5",
            "CRATON_DIGEST_INTERVAL_S": "3",
            "CRATON_ISSUER_NETWORK": "127.0.0.0/8",
            "CRATON_ISSUER_CA": str(self.home / "issuers.pem"),
        }

    @property
    def local(self) -> Stack:
        """The same, as the code has it that starts stacks."""
        definition = load(DEFINITION, Definition)
        return Stack(definition, ROOT, self.home, self.address, separate_uids=os.geteuid() == 0)

    @property
    def endpoint(self) -> str:
        """The HTTPS endpoint."""
        return f"https://{self.address}:8443"

    def craton(self, *words: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command line against this stack; `environment` replaces variables."""
        variables = {**self.environment, **environment}
        if words[0] not in _STARTED_ANEW:
            return begun.craton().run("cli.main", words, env=variables, check=check, timeout=_UP_LIMIT_S)
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *words],
            cwd=ROOT,
            env=variables,
            text=True,
            capture_output=True,
            check=check,
            timeout=_UP_LIMIT_S,
        )

    def craton_json(self, *words: str) -> Any:
        """Run the command line with --json and return what it printed."""
        return json.loads(self.craton(*words, "--json").stdout)

    def client(self, service: str, **overrides: Any) -> Any:
        """Return an unmodified boto3 client, without retries unless a config is given."""
        values: dict[str, Any] = {
            "region_name": "us-east-1",
            "endpoint_url": self.endpoint,
            "verify": str(self.home / "pki/ca.pem"),
            "config": Config(retries={"total_max_attempts": 1}),
            **self.credentials(),
        }
        return boto_client(service, **(values | overrides))

    def credentials(self) -> dict[str, str]:
        """Return the administrator's access key, as boto3's keyword arguments."""
        lines = (self.home / "aws/credentials").read_text().splitlines()
        found = dict(line.split(" = ", 1) for line in lines if " = " in line)
        return {key: found[key] for key in ("aws_access_key_id", "aws_secret_access_key")}


def _address() -> str:
    """A loopback address of this test run's own, so that runs beside each other do not meet."""
    return f"127.{1 + os.getpid() // 62500 % 250}.{os.getpid() // 250 % 250}.{2 + os.getpid() % 250}"


@contextmanager
def running_stack(otlp_endpoint: str = "") -> Iterator[RunningStack]:
    """Start a stack that traces every call to a collector; take it down with its state afterwards."""
    given = os.environ.get("CRATON_E2E_HOME")
    if given:
        yield RunningStack(Path(given), os.environ.get("CRATON_ADDRESS", "127.0.0.1"))
        return
    # A short path: UNIX sockets have 108 bytes. Other uids must pass through it.
    home = Path(tempfile.mkdtemp(prefix="craton-", dir="/tmp"))
    home.chmod(0o755)
    issuers = Authority.create("issuers", datetime.now(UTC), timedelta(days=1))
    (home / "issuers.pem").write_bytes(issuers.certificate)
    running = RunningStack(home, _address(), otlp_endpoint, issuers, free_port())
    try:
        up = running.craton("up", "--no-sample", check=False)
        if up.returncode != 0:
            logs = "\n".join(
                f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}"
                for path in sorted((home / "log").glob("*.log"))
            )
            pytest.fail(f"craton up failed:\n{up.stdout}\n{up.stderr}\n{logs}", pytrace=False)
        yield running
    finally:
        running.craton("down", check=False)
        shutil.rmtree(home, ignore_errors=True)
