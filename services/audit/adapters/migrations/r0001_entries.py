"""Spools, data keys, entries and the resources that they name."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "spools",
        sa.Column("spool_id", sa.String(32), primary_key=True),
        sa.Column("workload", sa.String(64), nullable=False),
        sa.Column("next_position", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "data_keys",
        sa.Column("key_id", sa.LargeBinary(16), primary_key=True),
        sa.Column("account_id", sa.String(12), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
    )
    op.create_index("data_keys_by_account", "data_keys", ["account_id", "created_us"])
    op.create_table(
        "entries",
        sa.Column("sequence", sequence, primary_key=True, autoincrement=True),
        sa.Column("spool_id", sa.String(32), sa.ForeignKey("spools.spool_id"), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.LargeBinary(16), nullable=False, unique=True),
        sa.Column("time_us", sa.BigInteger, nullable=False),
        sa.Column("account_id", sa.String(12), nullable=False),
        sa.Column("principal_arn", sa.String(2048), nullable=False),
        sa.Column("event_name", sa.String(256), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("spool_id", "position", name="one_entry_a_position"),
    )
    op.create_index("entries_by_time", "entries", ["time_us", "sequence"])
    op.create_index("entries_by_account", "entries", ["account_id", "time_us", "sequence"])
    op.create_index("entries_by_principal", "entries", ["principal_arn", "time_us", "sequence"])
    op.create_index("entries_by_name", "entries", ["event_name", "account_id", "time_us", "sequence"])
    op.create_index("entries_by_request", "entries", ["request_id"])
    op.create_table(
        "resources",
        sa.Column("resource", sa.String(2048), primary_key=True),
        sa.Column("account_id", sa.String(12), primary_key=True),
        sa.Column("time_us", sa.BigInteger, primary_key=True),
        sa.Column("sequence", sequence, sa.ForeignKey("entries.sequence"), primary_key=True),
    )
