"""Enforcement points: the processes that hold leases."""

import re
from dataclasses import dataclass

_CONFIRMATION = re.compile(r"([a-z0-9-]{1,63}) ([0-9a-f]{32}) ([0-9]{12}|\*) ([0-9]{1,19})")


@dataclass(frozen=True, slots=True)
class EnforcementPointId:
    """One process of a service."""

    service: str
    """As its certificate says."""
    instance_id: str
    """Random, new with every start."""

    def encode(self, account_id: str, epoch: int) -> str:
        """Return the message by which replicas of auth tell each other what this point has confirmed."""
        return f"{self.service} {self.instance_id} {account_id} {epoch}"

    @classmethod
    def decode(cls, message: object) -> "tuple[EnforcementPointId, str, int] | None":
        """Read such a message, None when it is none."""
        found = _CONFIRMATION.fullmatch(message) if isinstance(message, str) else None
        return None if found is None else (cls(found[1], found[2]), found[3], int(found[4]))
