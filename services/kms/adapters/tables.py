"""The tables of the store, which is not trusted: nothing in them is believed before it was verified."""

import sqlalchemy as sa

METADATA = sa.MetaData()

INSTALLATION = sa.Table(
    "installation",
    METADATA,
    # One row: the primary key has one possible value.
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    sa.Column("store_id", sa.String(36), nullable=False),
    sa.Column("root_generation", sa.Integer, nullable=False),
    sa.Column("store_key", sa.LargeBinary, nullable=False),
)

HEAD = sa.Table(
    "head",
    METADATA,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    # Epoch, number of records and multiset hash, sealed.
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)

RECORDS = sa.Table(
    "records",
    METADATA,
    # Names as UTF-8: bytes are ordered by code points in every database, whatever its collation says.
    sa.Column("collection", sa.LargeBinary, primary_key=True),
    sa.Column("partition", sa.LargeBinary, primary_key=True),
    sa.Column("sort", sa.LargeBinary, primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("tag", sa.LargeBinary, nullable=False),
)
