"""Which remembered signatures were dated ahead."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the column; what was remembered before came from requests for tokens."""
    op.add_column(
        "seen_signatures", sa.Column("ahead", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.create_index("seen_signatures_ahead", "seen_signatures", ["ahead"])
