"""Sealed log files of trails, until they are put."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "trail_sealed_files",
        sa.Column("trail_id", sa.String(32), sa.ForeignKey("trails.trail_id"), primary_key=True),
        sa.Column("region", sa.String(32), primary_key=True),
        sa.Column("planned_us", sa.BigInteger, nullable=False),
        sa.Column("bucket", sa.String(63), nullable=False),
        sa.Column("object_key", sa.String(1024), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("oldest_us", sa.BigInteger, nullable=False),
        sa.Column("newest_us", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
