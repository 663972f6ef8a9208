"""The tables of the event store."""

import sqlalchemy as sa

from services.chassis.purged_accounts import columns
from tlog.leaf import KEY_ID_BYTES

METADATA = sa.MetaData()

# SQLite numbers rows by itself only when the column is called INTEGER.
SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")

SPOOLS = sa.Table(
    "spools",
    METADATA,
    sa.Column("spool_id", sa.String(32), primary_key=True),
    sa.Column("workload", sa.String(64), nullable=False),
    sa.Column("next_position", sa.BigInteger, nullable=False),
)

DATA_KEYS = sa.Table(
    "data_keys",
    METADATA,
    sa.Column("key_id", sa.LargeBinary(16), primary_key=True),
    sa.Column("account_id", sa.String(12), nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Index("data_keys_by_account", "account_id", "created_us"),
)


LARGEST_NUMBER = 2**63 - 1
"""Of a column of 64 bits."""


def is_key_id(column: sa.Column[bytes]) -> sa.ColumnElement[bool]:
    """Return the condition that a value can be the id of a data key.

    SQLite holds numbers and texts in such a column, too. There all of them are below an empty blob.
    """
    return sa.and_(column >= b"", sa.func.length(column) == KEY_ID_BYTES)


ANCHORS = sa.Table(
    "anchors",
    METADATA,
    sa.Column("store_id", sa.String(36), primary_key=True),
    sa.Column("workload", sa.String(64), nullable=False),
    # 64 bits, signed: a store that changes a million times a second gets there in 290,000 years.
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
)

ENTRIES = sa.Table(
    "entries",
    METADATA,
    # The order of arrival, from 0 and without a gap: the index in the log.
    sa.Column("sequence", SEQUENCE, primary_key=True, autoincrement=False),
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
    # One index a question; each ends in the order of the answer, so that a page is read and nothing else.
    sa.Index("entries_by_time", "time_us", "sequence"),
    sa.Index("entries_by_account", "account_id", "time_us", "sequence"),
    sa.Index("entries_by_principal", "principal_arn", "time_us", "sequence"),
    sa.Index("entries_by_name", "event_name", "account_id", "time_us", "sequence"),
    sa.Index("entries_by_request", "request_id"),
)

# Of CloudTrail's records alone, a part of the entries: about the rest only operators ask.
RECORD_INDEXES = [
    sa.Index(
        "records_in_order",
        ENTRIES.c.account_id,
        ENTRIES.c.sequence,
        sqlite_where=ENTRIES.c.record,
        postgresql_where=ENTRIES.c.record,
    )
] + [
    sa.Index(
        f"records_by_{name}",
        *(ENTRIES.c[column] for column in ("account_id", *columns, "time_us", "sequence")),
        sqlite_where=ENTRIES.c.record,
        postgresql_where=ENTRIES.c.record,
    )
    for name, columns in (
        ("account", ()),
        ("source", ("event_source",)),
        ("user", ("user_name",)),
        ("access_key", ("access_key",)),
        ("read_only", ("read_only",)),
    )
]

HEADS = sa.Table(
    "heads",
    METADATA,
    # One row: the newest checkpoint.
    sa.Column("head_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary(32), nullable=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
)

RESOURCES = sa.Table(
    "resources",
    METADATA,
    sa.Column("resource", sa.String(2048), primary_key=True),
    sa.Column("account_id", sa.String(12), primary_key=True),
    sa.Column("time_us", sa.BigInteger, primary_key=True),
    sa.Column("sequence", SEQUENCE, sa.ForeignKey("entries.sequence"), primary_key=True),
    sa.Column("resource_type", sa.String(64), nullable=False),
    sa.Index("resources_by_type", "account_id", "resource_type", "time_us", "sequence"),
    # What is compared with the log, or purged, is read by entries.
    sa.Index("resources_by_entry", "sequence"),
)

TRAILS = sa.Table(
    "trails",
    METADATA,
    sa.Column("trail_id", sa.String(32), primary_key=True),
    sa.Column("account_id", sa.String(12), nullable=False),
    sa.Column("region", sa.String(32), nullable=False),
    sa.Column("trail", sa.String(128), nullable=False),
    # What the account has said of it, and how delivery goes: JSON, see trail_codec.
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    # Whether there may be something to deliver.
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("account_id", "region", "trail", name="one_trail_of_a_name"),
)

TRAIL_FILES = sa.Table(
    "trail_files",
    METADATA,
    # Delivered log files that no digest names yet.
    sa.Column("file_id", SEQUENCE, primary_key=True, autoincrement=True),
    sa.Column("trail_id", sa.String(32), sa.ForeignKey("trails.trail_id"), nullable=False),
    sa.Column("region", sa.String(32), nullable=False),
    sa.Column("bucket", sa.String(63), nullable=False),
    sa.Column("object_key", sa.String(1024), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("oldest_us", sa.BigInteger, nullable=False),
    sa.Column("newest_us", sa.BigInteger, nullable=False),
    sa.Index("trail_files_by_trail", "trail_id", "file_id"),
)

TRAIL_SEALED_FILES = sa.Table(
    "trail_sealed_files",
    METADATA,
    # Of the part of a trail that is pending: what is put, and put again.
    sa.Column("trail_id", sa.String(32), sa.ForeignKey("trails.trail_id"), primary_key=True),
    sa.Column("region", sa.String(32), primary_key=True),
    sa.Column("planned_us", sa.BigInteger, nullable=False),
    sa.Column("bucket", sa.String(63), nullable=False),
    sa.Column("object_key", sa.String(1024), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("oldest_us", sa.BigInteger, nullable=False),
    sa.Column("newest_us", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

TRAIL_DIGESTS = sa.Table(
    "trail_digests",
    METADATA,
    # The newest of each chain, and one that is being delivered.
    sa.Column("trail_id", sa.String(32), sa.ForeignKey("trails.trail_id"), primary_key=True),
    sa.Column("region", sa.String(32), primary_key=True),
    sa.Column("chain_us", sa.BigInteger, primary_key=True),
    sa.Column("end_us", sa.BigInteger, primary_key=True),
    sa.Column("start_us", sa.BigInteger, nullable=False),
    sa.Column("bucket", sa.String(63), nullable=False),
    sa.Column("object_key", sa.String(1024), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("delivered", sa.Boolean, nullable=False),
)

PURGED_ACCOUNTS = sa.Table("purged_accounts", METADATA, *columns())

PURGED_KEYS = sa.Table(
    "purged_keys",
    METADATA,
    # Data keys that went with their accounts. Of which account each was stands nowhere.
    sa.Column("key_id", sa.LargeBinary(16), primary_key=True),
)
