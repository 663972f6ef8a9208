"""The table of service-specific credentials."""

import sqlalchemy as sa

from services.auth.adapters.tables import METADATA

SERVICE_CREDENTIALS = sa.Table(
    "service_credentials",
    METADATA,
    sa.Column("credential_id", sa.String(128), primary_key=True),
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    sa.Column("user_id", sa.String(21), sa.ForeignKey("users.user_id"), nullable=False),
    sa.Column("service_name", sa.String(64), nullable=False),
    sa.Column("alias", sa.String(200), unique=True, nullable=False),
    # The secret itself is kept nowhere.
    sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("expires_us", sa.BigInteger),
    sa.Index("service_credentials_of_user", "user_id"),
    sa.Index("service_credentials_of_account", "account_id", "created_us", "credential_id"),
)
