"""The store of records, its head, and the record of the root key that it hangs on.

The first revision of this layout: a store of the tables that came before it has another revision and is
refused, because its keys hang on their root key in another way.
"""

import sqlalchemy as sa
from alembic import op

revision = "records_1"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
        sa.Column("store_id", sa.String(36), nullable=False),
        sa.Column("root_generation", sa.Integer, nullable=False),
        sa.Column("store_key", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "head",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "records",
        sa.Column("collection", sa.LargeBinary, primary_key=True),
        sa.Column("partition", sa.LargeBinary, primary_key=True),
        sa.Column("sort", sa.LargeBinary, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("tag", sa.LargeBinary, nullable=False),
    )
