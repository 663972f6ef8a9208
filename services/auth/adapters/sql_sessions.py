"""Temporary credentials in SQL."""

import json
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from services.auth.adapters.passed_role_rows import find_pass
from services.auth.adapters.role_rows import role_of
from services.auth.adapters.sql_oidc import add_federation, find_federation
from services.auth.adapters.tables import USERS, from_microseconds, to_microseconds
from services.auth.adapters.tables_roles import PASSED_ROLES, ROLES, SESSIONS
from services.auth.domain.roles import TemporarySession
from services.auth.errors import conflict
from services.chassis.database import Database

_REMEMBERED = timedelta(days=1)
"""How long after its end a session is told to have expired; then its key is unknown."""


# Built once: building a statement costs several times its run, and every lease of a session runs these.
_SESSION = sa.select(SESSIONS).where(SESSIONS.c.access_key_id == sa.bindparam("key_id"))
_ROLE = sa.select(ROLES).where(ROLES.c.role_id == sa.bindparam("of_role"))


class SqlSessions:
    """A SessionStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def create_session(self, session: TemporarySession) -> None:
        """Store the session if its role or user is still there, and forget long expired ones."""

        def work(connection: sa.Connection) -> None:
            forgotten = to_microseconds(session.issued_at - _REMEMBERED)
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.expires_us < forgotten))
            if session.role is not None and not _there(connection, ROLES.c.role_id, session.role.role_id):
                raise conflict("The role was deleted meanwhile.")
            if session.user_id is not None and not _there(connection, USERS.c.user_id, session.user_id):
                raise conflict("The user was deleted meanwhile.")
            passed = session.passed
            if passed is not None and not _there(connection, PASSED_ROLES.c.pass_id, passed.pass_id):
                raise conflict("The role is no longer passed.")
            connection.execute(sa.insert(SESSIONS).values(**_values(session)))
            if session.federation is not None:
                add_federation(connection, session.access_key_id, session.federation)

        await self._database.run(work)


def find_session(connection: sa.Connection, access_key_id: str) -> TemporarySession | None:
    """Return the session of temporary credentials, expired or not."""
    row = connection.execute(_SESSION, {"key_id": access_key_id}).one_or_none()
    if row is None:
        return None
    role = None
    if row.role_id is not None:
        role = role_of(connection.execute(_ROLE, {"of_role": row.role_id}).one())
    return TemporarySession(
        access_key_id=row.access_key_id,
        account_id=row.account_id,
        role=role,
        user_id=row.user_id,
        session_name=row.session_name,
        token_sha256=row.token_sha256,
        sealed_secret=row.sealed_secret,
        policies=_strings(row.policies),
        policy_ids=_strings(row.policy_ids),
        tags=tuple((key, value) for key, value in json.loads(row.tags)),
        transitive_keys=frozenset(json.loads(row.transitive_keys)),
        source_identity=row.source_identity,
        issued_at=from_microseconds(row.issued_us),
        expires_at=from_microseconds(row.expires_us),
        passed=None if row.pass_id is None else find_pass(connection, row.pass_id),
        source_key_id=row.source_key_id or "",
        federation=find_federation(connection, access_key_id),
    )


def end_sessions_of_user(connection: sa.Connection, user_id: str) -> None:
    """End the sessions of a user who is about to be deleted, and let none begin until then."""
    connection.execute(sa.select(USERS.c.user_id).where(USERS.c.user_id == user_id).with_for_update())
    connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.user_id == user_id))


def _there(connection: sa.Connection, column: sa.Column[Any], value: str) -> bool:
    # The lock makes whoever deletes it wait, and then end this session as well.
    found = connection.execute(sa.select(column).where(column == value).with_for_update(read=True))
    return found.one_or_none() is not None


def _strings(text: str | None) -> tuple[str, ...]:
    return () if text is None else tuple(json.loads(text))


def _values(session: TemporarySession) -> dict[str, Any]:
    return {
        "access_key_id": session.access_key_id,
        "account_id": session.account_id,
        "role_id": None if session.role is None else session.role.role_id,
        "user_id": session.user_id,
        "session_name": session.session_name,
        "token_sha256": session.token_sha256,
        "sealed_secret": session.sealed_secret,
        "policies": json.dumps(session.policies) if session.policies else None,
        "policy_ids": json.dumps(session.policy_ids) if session.policy_ids else None,
        "tags": json.dumps([list(pair) for pair in session.tags]),
        "transitive_keys": json.dumps(sorted(session.transitive_keys)),
        "source_identity": session.source_identity,
        "pass_id": None if session.passed is None else session.passed.pass_id,
        "source_key_id": session.source_key_id or None,
        "issued_us": to_microseconds(session.issued_at),
        "expires_us": to_microseconds(session.expires_at),
    }
