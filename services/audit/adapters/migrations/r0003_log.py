"""The log: entries are numbered from 0 without a gap, and its newest checkpoint is held."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_INDEXES = {
    "entries_by_time": ["time_us", "sequence"],
    "entries_by_account": ["account_id", "time_us", "sequence"],
    "entries_by_principal": ["principal_arn", "time_us", "sequence"],
    "entries_by_name": ["event_name", "account_id", "time_us", "sequence"],
    "entries_by_request": ["request_id"],
}
_COLUMNS = "spool_id, position, event_id, time_us, account_id, principal_arn, event_name, request_id, leaf"


def upgrade() -> None:
    """Number anew what is there, in its order, and create the table."""
    op.create_table(
        "heads",
        sa.Column("head_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
    )
    for name in _INDEXES:
        op.drop_index(name, "entries")
    op.rename_table("entries", "old_entries")
    op.rename_table("resources", "old_resources")
    sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "entries",
        sa.Column("sequence", sequence, primary_key=True, autoincrement=False),
        sa.Column("spool_id", sa.String(32), sa.ForeignKey("spools.spool_id"), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.LargeBinary(16), nullable=False),
        sa.Column("time_us", sa.BigInteger, nullable=False),
        sa.Column("account_id", sa.String(12), nullable=False),
        sa.Column("principal_arn", sa.String(2048), nullable=False),
        sa.Column("event_name", sa.String(256), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("spool_id", "position", name="one_entry_of_a_position"),
        sa.UniqueConstraint("event_id", name="one_entry_of_an_event"),
    )
    op.create_table(
        "resources",
        sa.Column("resource", sa.String(2048), nullable=False),
        sa.Column("account_id", sa.String(12), nullable=False),
        sa.Column("time_us", sa.BigInteger, nullable=False),
        sa.Column("sequence", sequence, sa.ForeignKey("entries.sequence"), nullable=False),
        sa.PrimaryKeyConstraint("resource", "account_id", "time_us", "sequence", name="resources_by_name"),
    )
    numbered = "SELECT sequence AS old, row_number() OVER (ORDER BY sequence) - 1 AS new FROM old_entries"
    op.execute(
        f"INSERT INTO entries (sequence, {_COLUMNS}) SELECT numbered.new, {_COLUMNS} "  # noqa: S608
        f"FROM old_entries JOIN ({numbered}) AS numbered ON numbered.old = old_entries.sequence"
    )
    op.execute(
        "INSERT INTO resources (resource, account_id, time_us, sequence) "  # noqa: S608
        "SELECT resource, account_id, time_us, numbered.new FROM old_resources "
        f"JOIN ({numbered}) AS numbered ON numbered.old = old_resources.sequence"
    )
    op.drop_table("old_resources")
    op.drop_table("old_entries")
    for name, columns in _INDEXES.items():
        op.create_index(name, "entries", columns)
