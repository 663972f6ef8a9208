"""The tables of the key store."""

import sqlalchemy as sa

METADATA = sa.MetaData()

INSTALLATION = sa.Table(
    "installation",
    METADATA,
    # One row: the primary key has one possible value.
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    sa.Column("store_id", sa.String(36), nullable=False),
    sa.Column("verifier", sa.LargeBinary, nullable=False),
)

KEYS = sa.Table(
    "keys",
    METADATA,
    sa.Column("parent", sa.String(64), primary_key=True),
    sa.Column("key_id", sa.String(64), primary_key=True),
    sa.Column("incarnation", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("description", sa.String(8192), nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("primary_version", sa.BigInteger, nullable=False),
    # NULL when the creator gave none: several NULLs do not violate the constraint.
    sa.Column("request_id", sa.String(64)),
    sa.UniqueConstraint("parent", "incarnation", "request_id", name="one_key_a_request"),
)

KEY_VERSIONS = sa.Table(
    "key_versions",
    METADATA,
    sa.Column("parent", sa.String(64), primary_key=True),
    sa.Column("key_id", sa.String(64), primary_key=True),
    # 64 bits: a forged ciphertext may name any 32-bit unsigned number, which must be merely not found.
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.ForeignKeyConstraint(["parent", "key_id"], ["keys.parent", "keys.key_id"], name="version_of_key"),
)
