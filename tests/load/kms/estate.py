"""Where the measured processes live: their homes and configurations, and whose keys are used by whom."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.chassis.config import load
from services.kms.config import KmsConfig
from services.kms.domain.names import KeyClass, KeyParent
from tests.fakes.workloads import Workloads
from tests.load.kms.population import Owner
from tests.load.measured_process import MeasuredProcess, free_target, tls_table

ACCOUNT, REGION, USER = "123456789012", "us-east-1", "bench"
USER_ARN = f"arn:aws:iam::{ACCOUNT}:user/{USER}"
USER_ID = "AIDA00000000000000BEN"

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


class Measured(MeasuredProcess):
    """One measured process, kms or the anchor, in a home of its own."""

    def __init__(self, home: Path, module: str, workloads: Workloads, beside: Beside, transport: str) -> None:
        """Write its configuration; nothing is started."""
        (home / "state").mkdir(parents=True)
        target = free_target()
        written = _configuration(home, target, workloads, beside, transport)
        super().__init__(home, module, "kms", target, written)

    @property
    def config(self) -> KmsConfig:
        """What it is configured with."""
        return load(self.file, KmsConfig)


def _configuration(home: Path, target: str, workloads: Workloads, beside: Beside, transport: str) -> str:
    tables: Mapping[str, Mapping[str, str]] = {
        "custody": {"file": f"{home}/custody/root.key"},
        "server": {"name": "kms", "listen": target, "metrics_listen": "", "transport": transport},
        "tls": tls_table(workloads.tls("service/kms")),
        "auth": {"target": beside.auth, "name": "auth"},
        "audit": {"spool_dir": f"{home}/state/audit-spool"},
        "audit.service": {"target": beside.audit, "name": "audit"},
    }
    lines = [f'database_url = "sqlite:///{home}/state/kms.sqlite"', 'swap = "warn"']
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join([*lines, ""])
