"""Roles that are passed to services, in SQL."""

from datetime import datetime

import sqlalchemy as sa

from services.auth.adapters.passed_role_rows import find_pass, pass_of
from services.auth.adapters.role_rows import role_of
from services.auth.adapters.rows import count, next_epoch
from services.auth.adapters.tables import ACCOUNTS, to_microseconds
from services.auth.adapters.tables_roles import PASSED_ROLES, ROLES, SESSIONS
from services.auth.domain.passed_roles import PassedRole
from services.auth.domain.roles import Role
from services.auth.errors import conflict, quota_exceeded
from services.chassis.database import Database


class SqlPassedRoles:
    """A PassedRoleStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def pass_role(self, passed: PassedRole, limit: int) -> PassedRole:
        """Insert, or return the row that is there. No lease changes by it, so that the epoch stays."""

        def work(connection: sa.Connection) -> PassedRole:
            # Passes of one account follow each other, so that their number is exact; and whoever deletes the
            # role waits, and then forgets this one as well.
            account = sa.select(ACCOUNTS.c.account_id).where(ACCOUNTS.c.account_id == passed.account_id)
            connection.execute(account.with_for_update())
            role = sa.select(ROLES.c.role_id).where(ROLES.c.role_id == passed.role_id)
            if connection.execute(role.with_for_update(read=True)).one_or_none() is None:
                raise conflict("The role was deleted meanwhile.")
            known = connection.execute(
                sa.select(PASSED_ROLES).where(
                    PASSED_ROLES.c.role_id == passed.role_id,
                    PASSED_ROLES.c.service == passed.service,
                    PASSED_ROLES.c.resource_arn == passed.resource_arn,
                )
            ).one_or_none()
            if known is not None:
                return pass_of(known)
            if count(connection, PASSED_ROLES, PASSED_ROLES.c.account_id == passed.account_id) >= limit:
                raise quota_exceeded("PassedRolesPerAccount", limit)
            connection.execute(
                sa.insert(PASSED_ROLES).values(
                    pass_id=passed.pass_id,
                    account_id=passed.account_id,
                    role_id=passed.role_id,
                    service=passed.service,
                    resource_arn=passed.resource_arn,
                    passed_by=passed.passed_by,
                    created_us=to_microseconds(passed.created_at),
                )
            )
            return passed

        return await self._database.run(work)

    async def passed_role(self, pass_id: str) -> tuple[PassedRole, Role]:
        """Read both from one snapshot; the role is there for as long as it is passed."""

        def work(connection: sa.Connection) -> tuple[PassedRole, Role]:
            passed = find_pass(connection, pass_id)
            row = connection.execute(sa.select(ROLES).where(ROLES.c.role_id == passed.role_id)).one()
            return passed, role_of(row)

        return await self._database.read(work)

    async def session_of(self, pass_id: str, beyond: datetime) -> str | None:
        """Return the session that lasts longest."""
        query = (
            sa.select(SESSIONS.c.access_key_id)
            .where(SESSIONS.c.pass_id == pass_id, SESSIONS.c.expires_us > to_microseconds(beyond))
            .order_by(SESSIONS.c.expires_us.desc())
            .limit(1)
        )
        return await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())

    async def revoke_pass(self, pass_id: str) -> int:
        """Delete it and its sessions."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, find_pass(connection, pass_id).account_id)
            # No session can begin from here on: beginning one takes a share of this lock.
            mine = PASSED_ROLES.c.pass_id == pass_id
            connection.execute(sa.select(PASSED_ROLES.c.pass_id).where(mine).with_for_update())
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.pass_id == pass_id))
            connection.execute(sa.delete(PASSED_ROLES).where(mine))
            return epoch

        return await self._database.run(work)
