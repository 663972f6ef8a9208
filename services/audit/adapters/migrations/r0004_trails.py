"""Trails, the files that no digest names yet, and the ends of chains of digests."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "trails",
        sa.Column("trail_id", sa.String(32), primary_key=True),
        sa.Column("account_id", sa.String(12), nullable=False),
        sa.Column("region", sa.String(32), nullable=False),
        sa.Column("trail", sa.String(128), nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("account_id", "region", "trail", name="one_trail_of_a_name"),
    )
    op.create_table(
        "trail_files",
        sa.Column("file_id", number, primary_key=True, autoincrement=True),
        sa.Column("trail_id", sa.String(32), sa.ForeignKey("trails.trail_id"), nullable=False),
        sa.Column("region", sa.String(32), nullable=False),
        sa.Column("bucket", sa.String(63), nullable=False),
        sa.Column("object_key", sa.String(1024), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("oldest_us", sa.BigInteger, nullable=False),
        sa.Column("newest_us", sa.BigInteger, nullable=False),
    )
    op.create_index("trail_files_by_trail", "trail_files", ["trail_id", "file_id"])
    op.create_table(
        "trail_digests",
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
