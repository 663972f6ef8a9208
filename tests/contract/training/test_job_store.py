"""The contract of the job store, held against every adapter."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.account_purge import Progress, Purge
from services.chassis.database import Database
from services.training.adapters.sql_jobs import SqlJobStore
from services.training.adapters.sql_purge import SqlPurge
from services.training.adapters.tables import JOBS, METADATA
from services.training.domain.jobs import Job, JobFilter, JobStatus, Owner, Position
from tests.fakes.databases import KINDS, empty_database

REVISIONS = Path(__file__).parents[3] / "services" / "training" / "adapters" / "migrations"
OWNER = Owner("123456789012", "incarnation-1", "us-east-1")


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(empty_database(request.param, tmp_path))
    database.migrate(REVISIONS)
    yield database
    await database.close()


async def put(database: Database, job_id: str, created_us: int, owner: Owner = OWNER, **fields: str) -> None:
    row = {
        "account_id": owner.account_id,
        "incarnation": owner.incarnation,
        "region": owner.region,
        "job_id": job_id,
        "job_name": fields.get("job_name", job_id),
        "status": fields.get("status", "InProgress"),
        "base_model_id": "craton.tiny-text-v1",
        "created_us": created_us,
    }
    await database.run(lambda connection: connection.execute(sa.insert(JOBS).values(**row)))


async def all_pages(store: SqlJobStore, size: int, wanted: JobFilter = JobFilter()) -> list[Job]:  # noqa: B008
    jobs: list[Job] = []
    after: Position | None = None
    while page := await store.list(OWNER, wanted, after, size):
        jobs += [each.job for each in page]
        after = Position.parse(str(page[-1].position))
    return jobs


async def test_the_schema_is_what_the_tables_say(database: Database) -> None:
    def difference(connection: sa.Connection) -> list[object]:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        return compare_metadata(MigrationContext.configure(connection), METADATA)

    assert await database.read(difference) == []


async def test_an_empty_store_gives_an_empty_list(database: Database) -> None:
    assert await SqlJobStore(database).list(OWNER, JobFilter(), None, 10) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    created=st.lists(st.integers(0, 5), max_size=12),
    size=st.integers(1, 5),
)
async def test_pages_hold_every_job_once_newest_first(
    database: Database, created: list[int], size: int
) -> None:
    await database.run(lambda connection: connection.execute(sa.delete(JOBS)))
    for number, microseconds in enumerate(created):
        await put(database, f"model/{number:012d}", microseconds)
    listed = await all_pages(SqlJobStore(database), size)
    expected = sorted(((us, f"model/{number:012d}") for number, us in enumerate(created)), reverse=True)
    assert [job.job_id for job in listed] == [job_id for _, job_id in expected]


async def test_new_jobs_do_not_disturb_the_pages_behind_them(database: Database) -> None:
    store = SqlJobStore(database)
    for number in range(4):
        await put(database, f"m/{number}", number)
    first = await store.list(OWNER, JobFilter(), None, 2)
    await put(database, "m/new", 99)
    rest = await store.list(OWNER, JobFilter(), first[-1].position, 10)
    assert [each.job.job_id for each in [*first, *rest]] == ["m/3", "m/2", "m/1", "m/0"]


@pytest.mark.parametrize(
    "other",
    [
        Owner("210987654321", "incarnation-1", "us-east-1"),
        Owner("123456789012", "incarnation-2", "us-east-1"),
        Owner("123456789012", "incarnation-1", "eu-west-1"),
    ],
    ids=["account", "incarnation", "region"],
)
async def test_jobs_of_others_are_never_listed(database: Database, other: Owner) -> None:
    await put(database, "m/theirs", 1, other)
    await put(database, "m/own", 1)
    assert [job.job_id for job in await all_pages(SqlJobStore(database), 10)] == ["m/own"]


async def test_filters(database: Database) -> None:
    await put(database, "m/1", 1, job_name="Tune-50%_a", status="Completed")
    await put(database, "m/2", 2, job_name="tune-b", status="Failed")

    async def names(wanted: JobFilter) -> list[str]:
        return [job.job_name for job in await all_pages(SqlJobStore(database), 10, wanted)]

    assert await names(JobFilter(name_contains="une-")) == ["tune-b", "Tune-50%_a"]
    assert await names(JobFilter(name_contains="Tune")) == ["Tune-50%_a"]
    assert await names(JobFilter(name_contains="%_")) == ["Tune-50%_a"]
    assert await names(JobFilter(name_contains="_%")) == []
    assert await names(JobFilter(status=JobStatus.FAILED)) == ["tune-b"]
    assert await names(JobFilter("tune", JobStatus.COMPLETED)) == []


async def test_a_purge_removes_the_jobs_of_one_incarnation_in_every_region(database: Database) -> None:
    elsewhere = Owner(OWNER.account_id, OWNER.incarnation, "eu-west-1")
    for number, owner in enumerate((OWNER, OWNER, elsewhere)):
        await put(database, f"m/{number}", number, owner)
    others = [
        Owner(OWNER.account_id, "incarnation-2", "us-east-1"),
        Owner("210987654321", OWNER.incarnation, "us-east-1"),
    ]
    for owner in others:
        await put(database, "m/kept", 1, owner)
    purge, jobs = Purge("p", OWNER.account_id, OWNER.incarnation), SqlJobStore(database)
    done = Progress({"customization jobs": 3}, finished=True)
    assert await SqlPurge(database).purge(purge) == done
    assert await SqlPurge(database).purge(purge) == done
    assert await all_pages(jobs, 10) == []
    for owner in others:
        assert len(await jobs.list(owner, JobFilter(), None, 10)) == 1
    # What was on its way goes with the next call, which counts it.
    await put(database, "m/late", 9)
    assert (await SqlPurge(database).purge(purge)).removed == {"customization jobs": 4}
