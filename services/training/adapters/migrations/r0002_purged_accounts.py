"""Which incarnations of accounts were purged."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "purged_accounts",
        sa.Column("account_id", sa.String(12), primary_key=True),
        sa.Column("incarnation", sa.String(64), primary_key=True),
        sa.Column("purge_id", sa.String(36), nullable=False),
        sa.Column("until_us", sa.BigInteger),
        sa.Column("removed", sa.Text, nullable=False),
        sa.Column("finished", sa.Boolean, nullable=False),
    )
