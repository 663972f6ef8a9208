"""What kms remembers of a purged account."""

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PurgeRecord:
    """kms' part of one purge."""

    purge_id: str
    removed: Mapping[str, int]
    shred_generation: int
    """Whatever hung on the shred keys up to this one opens no more; 0 when there was nothing to shred."""
    finished: bool

    def encode(self) -> bytes:
        """Return it as it is stored: JSON with a format number."""
        fields = {
            "format": 1,
            "purge_id": self.purge_id,
            "removed": dict(self.removed),
            "shred_generation": self.shred_generation,
            "finished": self.finished,
        }
        return json.dumps(fields, sort_keys=True).encode()

    @classmethod
    def decode(cls, body: bytes) -> "PurgeRecord":
        """Read what `encode` wrote. Raises ValueError."""
        fields = json.loads(body)
        if fields["format"] != 1:
            raise ValueError("a newer kms wrote this record")
        return cls(fields["purge_id"], fields["removed"], fields["shred_generation"], fields["finished"])
