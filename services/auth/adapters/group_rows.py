"""Rows of groups to records."""

from typing import Any

import sqlalchemy as sa

from services.auth.adapters.tables import from_microseconds
from services.auth.adapters.tables_identity import GROUP_MEMBERS, GROUPS
from services.auth.domain.identity import Group


def group_of(row: sa.Row[Any]) -> Group:
    """Read a group from a row of GROUPS."""
    created = from_microseconds(row.created_us)
    return Group(row.account_id, row.group_name, row.group_id, created, row.path)


def group_names(connection: sa.Connection, user_id: str) -> tuple[str, ...]:
    """Return the names of a user's groups, in their order."""
    return tuple(
        connection.execute(
            sa.select(GROUPS.c.group_name)
            .join(GROUP_MEMBERS, GROUP_MEMBERS.c.group_id == GROUPS.c.group_id)
            .where(GROUP_MEMBERS.c.user_id == user_id)
            .order_by(GROUPS.c.name_key)
        ).scalars()
    )
