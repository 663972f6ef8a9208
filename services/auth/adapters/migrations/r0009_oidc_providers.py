"""OpenID Connect providers, and the sessions that they vouched for."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "oidc_providers",
        sa.Column("provider_id", sa.String(21), primary_key=True),
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
        sa.Column("url", sa.String(255), nullable=False),
        sa.Column("client_ids", sa.Text, nullable=False),
        sa.Column("thumbprints", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("account_id", "url", name="one_oidc_provider_an_issuer"),
    )
    op.create_table(
        "federated_sessions",
        sa.Column(
            "access_key_id",
            sa.String(128),
            sa.ForeignKey("sessions.access_key_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("provider_id", sa.String(21), sa.ForeignKey("oidc_providers.provider_id"), nullable=False),
        sa.Column("provider_arn", sa.String(320), nullable=False),
        sa.Column("audience", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("methods", sa.Text, nullable=False),
    )
    op.create_index("federated_sessions_provider", "federated_sessions", ["provider_id"])
