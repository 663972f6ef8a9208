"""Workload identities: the SPIFFE id in a certificate's one URI SAN."""

import re
from dataclasses import dataclass

WORKLOAD_NAME = r"[a-z][a-z0-9-]{0,31}"
"""The form of names, as a regular expression."""
_SPIFFE = re.compile(
    r"spiffe://(?P<domain>[a-z0-9][a-z0-9.-]{0,254})"
    rf"/(?P<kind>service|pool|provider|operator|witness)/(?P<name>{WORKLOAD_NAME})"
)


@dataclass(frozen=True, slots=True)
class WorkloadId:
    """A workload, for example service/auth of trust domain craton.local."""

    trust_domain: str
    kind: str
    name: str

    @classmethod
    def parse(cls, uri: str) -> "WorkloadId":
        """Parse a SPIFFE id. Raises ValueError when it is not one of ours."""
        match = _SPIFFE.fullmatch(uri)
        if match is None:
            raise ValueError("not a Craton SPIFFE id: spiffe://<trust domain>/<kind>/<name> is expected")
        return cls(match["domain"], match["kind"], match["name"])

    @property
    def path(self) -> str:
        """The short form that callers files use, for example "service/auth"."""
        return f"{self.kind}/{self.name}"

    @property
    def dns_name(self) -> str:
        """The DNS SAN under which clients verify this workload when it serves."""
        prefix = "" if self.kind == "service" else f"{self.kind}-"
        return f"{prefix}{self.name}.craton.internal"

    def __str__(self) -> str:
        """The SPIFFE id."""
        return f"spiffe://{self.trust_domain}/{self.kind}/{self.name}"
