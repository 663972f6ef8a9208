"""Managed session policies, and the access keys that sessions were asked for with."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns; sessions from before have neither."""
    op.add_column("sessions", sa.Column("policy_ids", sa.Text))
    op.add_column("sessions", sa.Column("source_key_id", sa.String(128)))
