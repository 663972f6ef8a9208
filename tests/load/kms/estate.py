"""Where the measured processes live: their homes and configurations, and whose keys are used by whom."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.chassis.config import load
from services.chassis.settings import TlsSettings
from services.chassis.tls import channel_credentials
from services.kms.config import KmsConfig
from services.kms.domain.names import KeyClass, KeyParent
from tests.fakes.workloads import Workloads
from tests.load.kms.population import Owner

ROOT = Path(__file__).resolve().parents[3]
ACCOUNT, REGION, USER = "123456789012", "us-east-1", "bench"
USER_ARN = f"arn:aws:iam::{ACCOUNT}:user/{USER}"
USER_ID = "AIDA00000000000000BEN"
_STARTS_WITHIN_S = 300.0
_STOPS_WITHIN_S = 30.0

_USED = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncrypt*",
    "kms:GenerateDataKey*",
    "kms:DescribeKey",
    "kms:Sign",
)

KEY_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Id": "key-consolepolicy-3",
        "Statement": [
            {
                "Sid": "Enable IAM User Permissions",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Sid": "Allow access for Key Administrators",
                "Effect": "Allow",
                "Principal": {"AWS": "AIDA00000000000000ADM"},
                "Action": [
                    "kms:Create*",
                    "kms:Describe*",
                    "kms:Enable*",
                    "kms:List*",
                    "kms:Put*",
                    "kms:Update*",
                ],
                "Resource": "*",
            },
            {
                "Sid": "Allow use of the key",
                "Effect": "Allow",
                "Principal": {"AWS": ["AIDA00000000000000OTH", USER_ID]},
                "Action": list(_USED),
                "Resource": "*",
            },
            {
                "Sid": "Allow attachment of persistent resources",
                "Effect": "Allow",
                "Principal": {"AWS": USER_ID},
                "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"],
                "Resource": "*",
                "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
            },
        ],
    },
    indent=2,
)
"""The policy that AWS's console writes, with its condition. AWS:
https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"""

OWNER = Owner(KeyParent(KeyClass.CUSTOMER, ACCOUNT, REGION), f"incarnation-of-{ACCOUNT}", KEY_POLICY)


def user_policy() -> dict[str, Any]:
    """Return the identity policy of the user: the statement that counts, and 99 about single other keys."""
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": list(_USED), "Resource": f"arn:aws:kms:*:{ACCOUNT}:key/*"}
    ]
    statements += [
        {
            "Effect": "Deny" if number % 2 else "Allow",
            "Action": "kms:*",
            "Resource": f"arn:aws:kms:*:{ACCOUNT}:key/00000000-0000-4000-8000-{number:012d}",
        }
        for number in range(99)
    ]
    return {"Version": "2012-10-17", "Statement": statements}


@dataclass(frozen=True, slots=True)
class Beside:
    """What the measured processes talk to: addresses (host:port)."""

    auth: str
    audit: str


class Measured:
    """One measured process, kms or the anchor, in a home of its own."""

    def __init__(self, home: Path, module: str, workloads: Workloads, beside: Beside, transport: str) -> None:
        """Write its configuration; nothing is started."""
        (home / "state").mkdir(parents=True)
        self._home = home
        self._module = module
        self.target = _free_target()
        self._file = home / "kms.toml"
        self._file.write_text(_configuration(home, self.target, workloads, beside, transport))
        self._process: subprocess.Popen[bytes] | None = None
        self.started_s = 0.0
        """From its start to the first answer that it serves, seconds."""

    @property
    def config(self) -> KmsConfig:
        """What it is configured with."""
        return load(self._file, KmsConfig)

    def start(self, operator: TlsSettings) -> None:
        """Start it, and wait until it says to `operator` that it serves. Raises RuntimeError."""
        command = [sys.executable, "-m", self._module, "--config", str(self._file)]
        began = time.monotonic()
        with (self._home / "log").open("wb") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        while not _serving(self.target, operator):
            if self._process.poll() is not None or time.monotonic() - began > _STARTS_WITHIN_S:
                raise RuntimeError(
                    f"{self._module} did not start: {(self._home / 'log').read_text()[-2000:]}"
                )
            time.sleep(0.02)
        self.started_s = time.monotonic() - began

    def cpu_seconds(self) -> float:
        """User + system seconds so far."""
        times = psutil.Process(self._pid).cpu_times()
        return times.user + times.system

    def memory_bytes(self) -> int:
        """Resident memory."""
        return int(psutil.Process(self._pid).memory_info().rss)

    def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOPS_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()

    @property
    def _pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{self._module} was not started")
        return self._process.pid


def _configuration(home: Path, target: str, workloads: Workloads, beside: Beside, transport: str) -> str:
    tls = workloads.tls("service/kms")
    tables: Mapping[str, Mapping[str, str]] = {
        "custody": {"file": f"{home}/custody/root.key"},
        "server": {"name": "kms", "listen": target, "metrics_listen": "", "transport": transport},
        "tls": {"certificate": str(tls.certificate), "private_key": str(tls.private_key), "ca": str(tls.ca)},
        "auth": {"target": beside.auth, "name": "auth"},
        "audit": {"spool_dir": f"{home}/state/audit-spool"},
        "audit.service": {"target": beside.audit, "name": "audit"},
    }
    lines = [f'database_url = "sqlite:///{home}/state/kms.sqlite"', 'swap = "warn"']
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join([*lines, ""])


def _serving(target: str, operator: TlsSettings) -> bool:
    options = [
        ("grpc.ssl_target_name_override", "kms.craton.internal"),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    with grpc.secure_channel(target, channel_credentials(operator), options=options) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _free_target() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"
