"""Service-specific credentials: long-term API keys."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "service_credentials",
        sa.Column("credential_id", sa.String(128), primary_key=True),
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
        sa.Column("user_id", sa.String(21), sa.ForeignKey("users.user_id"), nullable=False),
        sa.Column("service_name", sa.String(64), nullable=False),
        sa.Column("alias", sa.String(200), unique=True, nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger),
    )
    op.create_index("service_credentials_of_user", "service_credentials", ["user_id"])
    op.create_index(
        "service_credentials_of_account", "service_credentials", ["account_id", "created_us", "credential_id"]
    )
