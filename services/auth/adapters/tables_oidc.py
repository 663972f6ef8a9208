"""The tables of OpenID Connect providers and of the sessions that they vouched for."""

import sqlalchemy as sa

from services.auth.adapters.tables import METADATA

OIDC_PROVIDERS = sa.Table(
    "oidc_providers",
    METADATA,
    sa.Column("provider_id", sa.String(21), primary_key=True),
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    sa.Column("url", sa.String(255), nullable=False),
    # JSON: lists of texts, and pairs of key and value in the order of their keys. Each is read and written
    # as a whole, and AWS bounds them: 100 client ids, 5 thumbprints, 50 tags.
    sa.Column("client_ids", sa.Text, nullable=False),
    sa.Column("thumbprints", sa.Text, nullable=False),
    sa.Column("tags", sa.Text, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("account_id", "url", name="one_oidc_provider_an_issuer"),
)

FEDERATED_SESSIONS = sa.Table(
    "federated_sessions",
    METADATA,
    sa.Column(
        "access_key_id",
        sa.String(128),
        # A session ends in many ways; what is known of its opener goes with it.
        sa.ForeignKey("sessions.access_key_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("provider_id", sa.String(21), sa.ForeignKey("oidc_providers.provider_id"), nullable=False),
    sa.Column("provider_arn", sa.String(320), nullable=False),
    sa.Column("audience", sa.String(255), nullable=False),
    sa.Column("subject", sa.String(255), nullable=False),
    # JSON: a list of texts.
    sa.Column("methods", sa.Text, nullable=False),
    sa.Index("federated_sessions_provider", "provider_id"),
)
