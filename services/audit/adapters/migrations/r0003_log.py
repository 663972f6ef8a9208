"""The log: entries are numbered from 0 without a gap, and its newest checkpoint is held."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_RECORDS = {"account": [], "source": ["event_source"], "user": ["user_name"]}
_RECORDS |= {"access_key": ["access_key"], "read_only": ["read_only"]}
_INDEXES = {
    "entries_by_time": ["time_us", "sequence"],
    "entries_by_account": ["account_id", "time_us", "sequence"],
    "entries_by_principal": ["principal_arn", "time_us", "sequence"],
    "entries_by_name": ["event_name", "account_id", "time_us", "sequence"],
    "entries_by_request": ["request_id"],
}


def upgrade() -> None:
    """Make the tables anew. Entries of before the log commit to nothing, and cannot be part of it.

    Raises RuntimeError when there are any: no version that was released has written them.
    """
    if op.get_bind().execute(sa.text("SELECT 1 FROM entries LIMIT 1")).first() is not None:
        raise RuntimeError(
            "the audit database was written before there was a log, by a version that was never released: "
            "run `make clean` and begin anew"
        )
    op.create_table(
        "heads",
        sa.Column("head_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
    )
    op.drop_table("resources")
    op.drop_table("entries")
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
        sa.Column("event_source", sa.String(256), nullable=False),
        sa.Column("user_name", sa.String(2048), nullable=False),
        sa.Column("access_key", sa.String(64), nullable=False),
        sa.Column("read_only", sa.Boolean, nullable=False),
        sa.Column("record", sa.Boolean, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("spool_id", "position", name="one_entry_of_a_position"),
        sa.UniqueConstraint("event_id", name="one_entry_of_an_event"),
    )
    for name, columns in _INDEXES.items():
        op.create_index(name, "entries", columns)
    op.create_index(
        "records_in_order",
        "entries",
        ["account_id", "sequence"],
        sqlite_where=sa.text("record"),
        postgresql_where=sa.text("record"),
    )
    for name, columns in _RECORDS.items():
        op.create_index(
            f"records_by_{name}",
            "entries",
            ["account_id", *columns, "time_us", "sequence"],
            sqlite_where=sa.text("record"),
            postgresql_where=sa.text("record"),
        )
    op.create_table(
        "resources",
        sa.Column("resource", sa.String(2048), primary_key=True),
        sa.Column("account_id", sa.String(12), primary_key=True),
        sa.Column("time_us", sa.BigInteger, primary_key=True),
        sa.Column("sequence", sequence, sa.ForeignKey("entries.sequence"), primary_key=True),
        sa.Column("resource_type", sa.String(64), nullable=False),
    )
    op.create_index("resources_by_type", "resources", ["account_id", "resource_type", "time_us", "sequence"])
