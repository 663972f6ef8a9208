"""Aliases of accounts, and the last use of access keys."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the columns; nothing is known of the time before."""
    op.add_column("accounts", sa.Column("alias", sa.String(63)))
    op.create_index("one_account_an_alias", "accounts", ["alias"], unique=True)
    op.add_column("access_keys", sa.Column("used_us", sa.BigInteger))
    op.add_column("access_keys", sa.Column("used_region", sa.String(32)))
    op.add_column("access_keys", sa.Column("used_service", sa.String(64)))
