"""Rows of roles to records."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from services.auth.adapters.rows import named_row
from services.auth.adapters.tables import from_microseconds
from services.auth.adapters.tables_roles import ROLES
from services.auth.domain.roles import Role
from services.auth.errors import role_not_found


def role_of(row: sa.Row[Any]) -> Role:
    """Read a role from a row of ROLES."""
    return Role(
        row.account_id,
        row.role_name,
        row.role_id,
        row.trust,
        row.canonical_trust,
        row.description,
        timedelta(seconds=row.max_session_s),
        from_microseconds(row.created_us),
        row.path,
    )


def find_role(connection: sa.Connection, account_id: str, role_name: str) -> Role:
    """Return a role by its exact name. Raises RESOURCE_NOT_FOUND."""
    row = named_row(connection, ROLES, account_id, role_name)
    if row is None or row.role_name != role_name:
        raise role_not_found(role_name)
    return role_of(row)
