"""What the database is compared with the log by."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create an index of resources by their entries, and the table of purged data keys."""
    op.create_index("resources_by_entry", "resources", ["sequence"])
    op.create_table(
        "purged_keys",
        sa.Column("key_id", sa.LargeBinary(16), primary_key=True),
    )
