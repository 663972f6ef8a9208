"""Accounts, users, access keys, policies, agreements, and what tokens need."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
        sa.Column("management_account_id", sa.String(12), nullable=False),
        sa.Column("organization_id", sa.String(34), nullable=False),
    )
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.String(12), primary_key=True),
        sa.Column("incarnation", sa.String(32), nullable=False),
        sa.Column("display_name", sa.String(50), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("policy_epoch", sa.BigInteger, nullable=False),
        sa.Column("request_key", sa.String(128), unique=True),
        sa.Column("first_access_key_id", sa.String(128)),
    )
    op.create_table(
        "users",
        sa.Column("user_id", sa.String(21), primary_key=True),
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
        sa.Column("user_name", sa.String(64), nullable=False),
        sa.Column("name_key", sa.String(64), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("account_id", "name_key", name="one_user_a_name"),
    )
    op.create_table(
        "access_keys",
        sa.Column("access_key_id", sa.String(128), primary_key=True),
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
        sa.Column("user_id", sa.String(21), sa.ForeignKey("users.user_id")),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
    )
    op.create_index("access_keys_of_user", "access_keys", ["account_id", "user_id"])
    op.create_table(
        "policies",
        sa.Column("user_id", sa.String(21), sa.ForeignKey("users.user_id"), primary_key=True),
        sa.Column("policy_name", sa.String(128), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("canonical", sa.Text, nullable=False),
        sa.Column("updated_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "agreements",
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), primary_key=True),
        sa.Column("region", sa.String(32), primary_key=True),
        sa.Column("model_id", sa.String(256), primary_key=True),
        sa.Column("offer_id", sa.String(128), nullable=False),
        sa.Column("eula_sha256", sa.String(64), nullable=False),
        sa.Column("accepted_us", sa.BigInteger, nullable=False),
        sa.Column("accepted_by", sa.String(2048), nullable=False),
    )
    op.create_table(
        "use_cases",
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), primary_key=True),
        sa.Column("sealed_form", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "token_keys",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key_id", sa.String(64), unique=True, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sealed_private_key", sa.LargeBinary, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "seen_signatures",
        sa.Column("signature_sha256", sa.LargeBinary(32), primary_key=True),
        sa.Column("first_seen_us", sa.BigInteger, nullable=False),
        sa.Column("until_us", sa.BigInteger, nullable=False),
    )
    op.create_index("seen_signatures_until", "seen_signatures", ["until_us"])
