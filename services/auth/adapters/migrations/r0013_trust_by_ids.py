"""Trust policies name users, roles and sessions of roles by their ids, also as they are written."""

import json
import re
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_ID = re.compile(r"A(?:ID|RO)A[A-Z0-9]{12,124}")
_SESSION = re.compile(r"(arn:[a-z-]+:sts::([0-9]{12}):assumed-role)/([^/]+)/([^/]+)")
_NOBODY = "AROA" + 17 * "0"
"""An id that no role has: those that are drawn have no zeros."""


def upgrade() -> None:
    """Bind sessions to the roles that have the names now, which is whom they let in until now.

    Users and roles were evaluated by ids before, and shown as they were written. Where any are named, the
    document that is evaluated becomes the one that is shown: it says the same, and to whom.
    """
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT role_id, canonical_trust FROM roles")).all()
    for role_id, text in rows:
        document = json.loads(text)
        found = [_bound(connection, named) for named in _named(document)]
        if any(found):
            changed = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
            connection.execute(
                sa.text("UPDATE roles SET trust = :trust, canonical_trust = :trust WHERE role_id = :role_id"),
                {"trust": changed, "role_id": role_id},
            )


def _named(document: Any) -> list[list[str]]:
    """Return the lists of whom the statements name, for changing."""
    elements = [
        statement.get(element, {})
        for statement in document["Statement"]
        for element in ("Principal", "NotPrincipal")
    ]
    return [each["AWS"] for each in elements if "AWS" in each]


def _bound(connection: sa.Connection, named: list[str]) -> bool:
    """Name the roles of sessions by their ids, and say whether any user or role is named."""
    any_id = False
    for index, text in enumerate(named):
        session = _SESSION.fullmatch(text)
        if session is not None:
            head, account_id, role_name, session_name = session.groups()
            role_id = connection.execute(
                sa.text("SELECT role_id FROM roles WHERE account_id = :account_id AND role_name = :name"),
                {"account_id": account_id, "name": role_name},
            ).scalar_one_or_none()
            named[index] = f"{head}/{role_id or _NOBODY}/{session_name}"
        any_id = any_id or session is not None or _ID.fullmatch(text) is not None
    return any_id
