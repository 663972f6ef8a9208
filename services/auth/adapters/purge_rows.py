"""Purges as rows, and back."""

import json
from datetime import datetime
from typing import Any

from services.auth.adapters.tables import from_microseconds, to_microseconds
from services.auth.domain.purges import AccountPurge, Deed, Profile, PurgeState


def purge_row(purge: AccountPurge) -> dict[str, Any]:
    """Return the columns of a purge, all but its revision."""
    said = {
        "profile": purge.profile.value,
        "keep_principals": purge.keep_principals,
        "requested": _deed_text(purge.requested),
        "approved": None if purge.approved is None else _deed_text(purge.approved),
        "completed": None if purge.completed is None else _deed_text(purge.completed),
        "removed": purge.removed,
        "indexes": purge.indexes,
    }
    return {
        "purge_id": purge.purge_id,
        "account_id": purge.account_id,
        "incarnation": purge.incarnation,
        "state": purge.state.value,
        "requested_us": to_microseconds(purge.requested.at),
        "due_us": None if purge.due is None else to_microseconds(purge.due),
        "said": json.dumps(said, sort_keys=True),
        "certificate": purge.certificate or None,
        "public_key": purge.public_key or None,
    }


def purge_of(row: Any) -> AccountPurge:
    """Read a purge from a row of ACCOUNT_PURGES."""
    said = json.loads(row.said)
    return AccountPurge(
        purge_id=row.purge_id,
        account_id=row.account_id,
        incarnation=row.incarnation,
        state=PurgeState(row.state),
        profile=Profile(said["profile"]),
        keep_principals=said["keep_principals"],
        requested=_deed(said["requested"]),
        approved=None if said["approved"] is None else _deed(said["approved"]),
        due=None if row.due_us is None else from_microseconds(row.due_us),
        removed=said["removed"],
        completed=None if said["completed"] is None else _deed(said["completed"]),
        indexes=said["indexes"],
        certificate=row.certificate or b"",
        public_key=row.public_key or b"",
        revision=row.revision,
    )


def _deed_text(deed: Deed) -> dict[str, str]:
    return {"by": deed.by, "at": deed.at.isoformat(), "event_id": deed.event_id}


def _deed(text: dict[str, str]) -> Deed:
    return Deed(text["by"], datetime.fromisoformat(text["at"]), text["event_id"])
