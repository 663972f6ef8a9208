"""Keys, their versions, and the record of the root key they hang on."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
        sa.Column("store_id", sa.String(36), nullable=False),
        sa.Column("verifier", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "keys",
        sa.Column("parent", sa.String(64), primary_key=True),
        sa.Column("key_id", sa.String(64), primary_key=True),
        sa.Column("incarnation", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("description", sa.String(8192), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("primary_version", sa.BigInteger, nullable=False),
        sa.Column("request_id", sa.String(64)),
        sa.UniqueConstraint("parent", "incarnation", "request_id", name="one_key_a_request"),
    )
    op.create_table(
        "key_versions",
        sa.Column("parent", sa.String(64), primary_key=True),
        sa.Column("key_id", sa.String(64), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["parent", "key_id"], ["keys.parent", "keys.key_id"], name="version_of_key"),
    )
