"""The table of purges of accounts."""

import sqlalchemy as sa

from services.auth.adapters.tables import METADATA

ACCOUNT_PURGES = sa.Table(
    "account_purges",
    METADATA,
    sa.Column("purge_id", sa.String(36), primary_key=True),
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    sa.Column("incarnation", sa.String(32), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("requested_us", sa.BigInteger, nullable=False),
    # NULL before it was approved.
    sa.Column("due_us", sa.BigInteger),
    # What else is known of it: JSON, see purge_rows.
    sa.Column("said", sa.Text, nullable=False),
    # NULL, both, before it is done.
    sa.Column("certificate", sa.LargeBinary),
    sa.Column("public_key", sa.LargeBinary),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Index("account_purges_of_account", "account_id", "requested_us"),
    sa.Index("account_purges_newest", "requested_us", "purge_id"),
    sa.Index("account_purges_by_state", "state"),
)
