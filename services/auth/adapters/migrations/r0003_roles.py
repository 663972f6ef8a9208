"""Roles, their inline policies, and temporary credentials."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "roles",
        sa.Column("role_id", sa.String(21), primary_key=True),
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
        sa.Column("role_name", sa.String(64), nullable=False),
        sa.Column("name_key", sa.String(64), nullable=False),
        sa.Column("trust", sa.Text, nullable=False),
        sa.Column("canonical_trust", sa.Text, nullable=False),
        sa.Column("description", sa.String(1000), nullable=False),
        sa.Column("max_session_s", sa.Integer, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("account_id", "name_key", name="one_role_a_name"),
    )
    op.create_table(
        "role_policies",
        sa.Column("role_id", sa.String(21), sa.ForeignKey("roles.role_id"), primary_key=True),
        sa.Column("policy_name", sa.String(128), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("canonical", sa.Text, nullable=False),
        sa.Column("updated_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("access_key_id", sa.String(128), primary_key=True),
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
        sa.Column("role_id", sa.String(21), sa.ForeignKey("roles.role_id")),
        sa.Column("user_id", sa.String(21), sa.ForeignKey("users.user_id")),
        sa.Column("session_name", sa.String(64), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary, nullable=False),
        sa.Column("policies", sa.Text),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("transitive_keys", sa.Text, nullable=False),
        sa.Column("source_identity", sa.String(64), nullable=False),
        sa.Column("issued_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
    )
    op.create_index("sessions_of_role", "sessions", ["role_id"])
    op.create_index("sessions_of_user", "sessions", ["user_id"])
    op.create_index("sessions_expiry", "sessions", ["expires_us"])
