"""Purges of accounts, and accounts that are closed."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create the table; no account is closed."""
    op.add_column("accounts", sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "account_purges",
        sa.Column("purge_id", sa.String(36), primary_key=True),
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
        sa.Column("incarnation", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("requested_us", sa.BigInteger, nullable=False),
        sa.Column("due_us", sa.BigInteger),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("certificate", sa.LargeBinary),
        sa.Column("public_key", sa.LargeBinary),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    op.create_index("account_purges_of_account", "account_purges", ["account_id", "requested_us"])
    op.create_index("account_purges_newest", "account_purges", ["requested_us", "purge_id"])
    op.create_index("account_purges_by_state", "account_purges", ["state"])
