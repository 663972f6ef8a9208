"""Certificates of purged accounts.

auth says what became of the account elsewhere; of the keys kms says itself what it has removed, by its own
record of the purge, without which it signs nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.chassis.dsse import sign
from services.chassis.purge_certificate import PAYLOAD_TYPE
from services.kms.domain.purges import PurgeRecord
from services.kms.errors import purge_not_done
from services.kms.operations.certificates import Certificates
from services.kms.operations.key_records import purge_id_of
from services.kms.ports import Records, RootCustody


@dataclass(frozen=True, slots=True)
class PurgeStatement:
    """What is to be certified."""

    purge_id: str
    account_id: str
    incarnation: str
    profile: str
    principals_kept: bool
    continues: bool
    requested: tuple[str, datetime]
    """By whom, and when."""
    approved: tuple[str, datetime] | None
    completed: datetime
    removed: Mapping[str, Mapping[str, int]]
    """Counts by services and kinds."""
    entries: Sequence[tuple[str, str, int]]
    """What each entry of the log is about, the id of its event, and its index."""


class PurgeCertificates:
    """Signs them."""

    def __init__(self, records: Records, certificates: Certificates, custody: RootCustody) -> None:
        """Sign with the key of `certificates`."""
        self._records = records
        self._certificates = certificates
        self._custody = custody

    async def sign(self, said: PurgeStatement) -> tuple[bytes, bytes]:
        """Return a certificate, and the key that verifies it. Raises DomainError(RESOURCE_STATE)."""
        stored = await self._records.get(purge_id_of(said.account_id, said.incarnation))
        own = None if stored is None else PurgeRecord.decode(stored.body)
        if own is None or own.purge_id != said.purge_id or not own.finished:
            raise purge_not_done()
        document = {
            "purgeId": said.purge_id,
            "account": said.account_id,
            "incarnation": said.incarnation,
            "profile": said.profile,
            "principals": "kept" if said.principals_kept else "closed",
            "idContinues": said.continues,
            "requested": _deed(said.requested),
            "approved": None if said.approved is None else _deed(said.approved),
            "completed": _text(said.completed),
            "removed": {**{name: dict(counts) for name, counts in said.removed.items()}, "kms": own.removed},
            "storeId": self._custody.store_id,
            # Whatever hung on the shred keys up to this one opens no more.
            "destroyedShredGeneration": own.shred_generation,
            "logEntries": [
                {"about": about, "eventId": event_id, "index": index}
                for about, event_id, index in said.entries
            ],
        }
        signer = await self._certificates.signer()
        envelope = sign(json.dumps(document, sort_keys=True).encode(), PAYLOAD_TYPE, signer)
        return envelope, signer.public_key().public_bytes_raw()


def _deed(deed: tuple[str, datetime]) -> Mapping[str, Any]:
    by, when = deed
    return {"by": by, "time": _text(when)}


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
