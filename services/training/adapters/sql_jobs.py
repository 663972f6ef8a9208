"""The job store in SQL."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from services.chassis.database import Database
from services.training.adapters.tables import JOBS
from services.training.domain.jobs import Job, JobFilter, JobStatus, Owner, Position
from services.training.ports import ListedJob

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SqlJobStore:
    """Jobs in SQL."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def list(
        self, owner: Owner, wanted: JobFilter, after: Position | None, limit: int
    ) -> Sequence[ListedJob]:
        """Return a range of the index `jobs_newest`, read backwards."""
        query = sa.select(JOBS).where(
            JOBS.c.account_id == owner.account_id,
            JOBS.c.incarnation == owner.incarnation,
            JOBS.c.region == owner.region,
        )
        if after is not None:
            query = query.where(
                sa.tuple_(JOBS.c.created_us, JOBS.c.job_id) < sa.tuple_(after.created_us, after.job_id)
            )
        if wanted.status is not None:
            query = query.where(JOBS.c.status == wanted.status.value)
        if wanted.name_contains:
            # LIKE ignores case in SQLite and not in PostgreSQL; replace() compares bytes in both.
            query = query.where(sa.func.replace(JOBS.c.job_name, wanted.name_contains, "") != JOBS.c.job_name)
        query = query.order_by(JOBS.c.created_us.desc(), JOBS.c.job_id.desc()).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_listed(owner, row) for row in rows]


def _listed(owner: Owner, row: sa.Row[Any]) -> ListedJob:
    created = _EPOCH + timedelta(microseconds=row.created_us)
    job = Job(owner, row.job_id, row.job_name, JobStatus(row.status), row.base_model_id, created)
    return ListedJob(job, Position(row.created_us, row.job_id))
