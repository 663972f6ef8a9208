"""Customisation jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table and the index of its list."""
    op.create_table(
        "jobs",
        sa.Column("account_id", sa.String(12), primary_key=True),
        sa.Column("incarnation", sa.String(64), primary_key=True),
        sa.Column("region", sa.String(32), primary_key=True),
        sa.Column("job_id", sa.String(300), primary_key=True),
        sa.Column("job_name", sa.String(63), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("base_model_id", sa.String(191), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
    )
    op.create_index("jobs_newest", "jobs", ["account_id", "incarnation", "region", "created_us", "job_id"])
