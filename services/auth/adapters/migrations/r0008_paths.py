"""Paths of users, groups, roles and managed policies."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns; what is from before stands below "/"."""
    for table in ("users", "groups", "roles", "managed_policies"):
        op.add_column(table, sa.Column("path", sa.String(512), nullable=False, server_default="/"))
