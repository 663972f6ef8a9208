"""The tables of private listeners and VPC endpoints."""

import sqlalchemy as sa

from services.auth.adapters.tables import METADATA

PRIVATE_LISTENERS = sa.Table(
    "private_listeners",
    METADATA,
    sa.Column("listener", sa.String(63), primary_key=True),
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
)

VPC_ENDPOINTS = sa.Table(
    "vpc_endpoints",
    METADATA,
    sa.Column("endpoint_id", sa.String(22), primary_key=True),
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    sa.Column("region", sa.String(32), nullable=False),
    # A socket's address is one endpoint.
    sa.Column(
        "listener", sa.String(63), sa.ForeignKey("private_listeners.listener"), unique=True, nullable=False
    ),
    sa.Column("vpc_id", sa.String(21), nullable=False),
    # JSON lists, sorted.
    sa.Column("services", sa.Text, nullable=False),
    sa.Column("allowed_accounts", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("canonical", sa.Text, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    # NULL when the creator gave none.
    sa.Column("request_key", sa.String(256), unique=True),
)
