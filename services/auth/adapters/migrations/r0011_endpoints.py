"""Private listeners and the VPC endpoints that are registered on them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "private_listeners",
        sa.Column("listener", sa.String(63), primary_key=True),
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    )
    op.create_table(
        "vpc_endpoints",
        sa.Column("endpoint_id", sa.String(22), primary_key=True),
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
        sa.Column("region", sa.String(32), nullable=False),
        sa.Column(
            "listener",
            sa.String(63),
            sa.ForeignKey("private_listeners.listener"),
            unique=True,
            nullable=False,
        ),
        sa.Column("vpc_id", sa.String(21), nullable=False),
        sa.Column("services", sa.Text, nullable=False),
        sa.Column("allowed_accounts", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("canonical", sa.Text, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("request_key", sa.String(256), unique=True),
    )
