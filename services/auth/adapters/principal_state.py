"""Everything that decides about a principal, read from one snapshot by its access key."""

import sqlalchemy as sa

from services.auth.adapters.rows import account_of, key_of, user_of
from services.auth.adapters.sql_sessions import find_session
from services.auth.adapters.tables import ACCESS_KEYS, ACCOUNTS, AGREEMENTS, POLICIES, USERS
from services.auth.adapters.tables_roles import ROLE_POLICIES
from services.auth.domain.records import AccessKey, KeyStatus, PrincipalState, User
from services.auth.domain.roles import TemporarySession
from services.chassis.policy.bundle import PolicyBundle


def read_principal(connection: sa.Connection, access_key_id: str) -> PrincipalState | None:
    """Return the state of the principal that an access key belongs to, None for an unknown key."""
    row = connection.execute(
        sa.select(ACCESS_KEYS).where(ACCESS_KEYS.c.access_key_id == access_key_id)
    ).one_or_none()
    session = None if row is not None else find_session(connection, access_key_id)
    if row is not None:
        user = _user(connection, row.user_id)
        key = key_of(row, user)
    elif session is not None:
        user = _user(connection, session.user_id)
        key = _session_key(session, user)
    else:
        return None
    account = connection.execute(sa.select(ACCOUNTS).where(ACCOUNTS.c.account_id == key.account_id)).one()
    return PrincipalState(
        account=account_of(account),
        user=user,
        access_key=key,
        epoch=account.policy_epoch,
        policies=PolicyBundle(
            identity=_identity(connection, user, session),
            session=None if session is None else session.policies,
        ),
        entitlements=_entitlements(connection, key.account_id),
        session=session,
    )


def _user(connection: sa.Connection, user_id: str | None) -> User | None:
    if user_id is None:
        return None
    return user_of(connection.execute(sa.select(USERS).where(USERS.c.user_id == user_id)).one())


def _session_key(session: TemporarySession, user: User | None) -> AccessKey:
    return AccessKey(
        session.access_key_id,
        session.account_id,
        user,
        KeyStatus.ACTIVE,
        session.sealed_secret,
        session.issued_at,
    )


def _identity(
    connection: sa.Connection, user: User | None, session: TemporarySession | None
) -> tuple[str, ...]:
    if user is not None:
        table, mine = POLICIES, POLICIES.c.user_id == user.user_id
    elif session is not None and session.role is not None:
        table, mine = ROLE_POLICIES, ROLE_POLICIES.c.role_id == session.role.role_id
    else:
        return ()
    return tuple(
        connection.execute(sa.select(table.c.canonical).where(mine).order_by(table.c.policy_name)).scalars()
    )


def _entitlements(connection: sa.Connection, account_id: str) -> tuple[tuple[str, str, str], ...]:
    agreements = connection.execute(
        sa.select(AGREEMENTS.c.region, AGREEMENTS.c.model_id, AGREEMENTS.c.eula_sha256)
        .where(AGREEMENTS.c.account_id == account_id)
        .order_by(AGREEMENTS.c.region, AGREEMENTS.c.model_id)
    ).all()
    return tuple((row.region, row.model_id, row.eula_sha256) for row in agreements)
