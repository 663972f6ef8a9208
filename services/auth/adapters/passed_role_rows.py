"""What was passed, from rows to records."""

from typing import Any

import sqlalchemy as sa

from services.auth.adapters.tables import from_microseconds
from services.auth.adapters.tables_roles import PASSED_ROLES
from services.auth.domain.passed_roles import PassedRole
from services.auth.errors.sessions import passed_role_not_found


def pass_of(row: sa.Row[Any]) -> PassedRole:
    """Read what was passed from a row of PASSED_ROLES."""
    return PassedRole(
        row.pass_id,
        row.account_id,
        row.role_id,
        row.service,
        row.resource_arn,
        row.passed_by,
        from_microseconds(row.created_us),
    )


def find_pass(connection: sa.Connection, pass_id: str) -> PassedRole:
    """Return what was passed. Raises RESOURCE_NOT_FOUND."""
    row = connection.execute(sa.select(PASSED_ROLES).where(PASSED_ROLES.c.pass_id == pass_id)).one_or_none()
    if row is None:
        raise passed_role_not_found()
    return pass_of(row)
