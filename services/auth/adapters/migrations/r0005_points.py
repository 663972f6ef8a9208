"""Enforcement points that take leases."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "enforcement_points",
        sa.Column("service", sa.String(63), primary_key=True),
        sa.Column("instance_id", sa.String(32), primary_key=True),
        sa.Column("seen_us", sa.BigInteger, nullable=False),
    )
