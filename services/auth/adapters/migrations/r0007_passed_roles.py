"""Roles that are passed to services, and the sessions that services have of them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table, and point sessions to it."""
    op.create_table(
        "passed_roles",
        sa.Column("pass_id", sa.String(32), primary_key=True),
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
        sa.Column("role_id", sa.String(21), sa.ForeignKey("roles.role_id"), nullable=False),
        sa.Column("service", sa.String(63), nullable=False),
        sa.Column("resource_arn", sa.String(1011), nullable=False),
        sa.Column("passed_by", sa.String(2048), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("role_id", "service", "resource_arn", name="passed_once"),
    )
    op.create_index("passed_roles_of_account", "passed_roles", ["account_id"])
    with op.batch_alter_table("sessions") as sessions:
        sessions.add_column(sa.Column("pass_id", sa.String(32)))
        sessions.create_foreign_key("session_of_pass", "passed_roles", ["pass_id"], ["pass_id"])
        sessions.create_index("sessions_of_pass", ["pass_id"])
