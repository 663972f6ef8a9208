"""The tables of the job store."""

import sqlalchemy as sa

from services.chassis.purged_accounts import columns

METADATA = sa.MetaData()

JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("account_id", sa.String(12), primary_key=True),
    sa.Column("incarnation", sa.String(64), primary_key=True),
    sa.Column("region", sa.String(32), primary_key=True),
    sa.Column("job_id", sa.String(300), primary_key=True),
    sa.Column("job_name", sa.String(63), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("base_model_id", sa.String(191), nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    # The order of the list: a page is one range of this index.
    sa.Index("jobs_newest", "account_id", "incarnation", "region", "created_us", "job_id"),
)

PURGED_ACCOUNTS = sa.Table("purged_accounts", METADATA, *columns())
