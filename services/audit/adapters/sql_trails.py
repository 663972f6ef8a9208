"""Trails in SQL."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from services.audit.adapters.tables import PURGED_ACCOUNTS, TRAIL_DIGESTS, TRAIL_FILES, TRAILS
from services.audit.adapters.tables import TRAIL_SEALED_FILES as _SEALED
from services.audit.adapters.trail_codec import settings_text, state_text, trail_of
from services.audit.domain.delivery import Link, LogFile, OwedFile
from services.audit.domain.trail import TRAILS_A_REGION, Trail, TrailName
from services.audit.errors import purged_account, too_many_trails, trail_exists
from services.audit.ports import StoredDigest
from services.chassis.database import Database
from services.chassis.purged_accounts import PurgedAccounts


class SqlTrailStore:
    """See the port TrailStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def create(self, trail: Trail, incarnation: str = "") -> None:
        """Count and insert in one transaction."""

        def work(connection: sa.Connection) -> None:
            if PurgedAccounts(PURGED_ACCOUNTS).is_purged(connection, trail.name.account_id, incarnation):
                raise purged_account()
            in_region = _named(trail.name)[:2]
            count = sa.select(sa.func.count()).select_from(TRAILS).where(*in_region)
            if connection.execute(sa.select(TRAILS.c.trail_id).where(*_named(trail.name))).first():
                raise trail_exists()
            if connection.execute(count).scalar_one() >= TRAILS_A_REGION:
                raise too_many_trails(TRAILS_A_REGION)
            name = trail.name
            values = {"account_id": name.account_id, "region": name.region, "trail": name.trail}
            connection.execute(
                sa.insert(TRAILS).values(trail_id=trail.trail_id, revision=0, **values, **_values(trail))
            )

        try:
            await self._database.run(work)
        except sa.exc.IntegrityError as error:
            raise trail_exists() from error

    async def get(self, name: TrailName) -> Trail | None:
        """Read by the name."""
        found = await self._select(*_named(name))
        return found[0] if found else None

    async def of_account(self, account_id: str) -> Sequence[Trail]:
        """Read by the account."""
        return await self._select(TRAILS.c.account_id == account_id)

    async def active(self) -> Sequence[Trail]:
        """Read all that were started."""
        return await self._select(TRAILS.c.active)

    async def replace(self, trail: Trail, files: Sequence[tuple[str, LogFile]] = ()) -> bool:
        """Compare revisions and write in one transaction."""

        def work(connection: sa.Connection) -> bool:
            changed = connection.execute(
                sa.update(TRAILS)
                .where(TRAILS.c.trail_id == trail.trail_id, TRAILS.c.revision == trail.revision)
                .values(revision=trail.revision + 1, **_values(trail))
            )
            if changed.rowcount == 0:
                return False
            part = trail.pending.planned_us if trail.pending is not None else None
            connection.execute(
                sa.delete(_SEALED).where(
                    _SEALED.c.trail_id == trail.trail_id, _SEALED.c.planned_us.is_distinct_from(part)
                )
            )
            if files:
                connection.execute(
                    sa.insert(TRAIL_FILES), [_file_row(trail, region, each) for region, each in files]
                )
            return True

        return await self._database.run(work)

    async def delete(self, trail: Trail) -> bool:
        """Remove the rows of all tables in one transaction."""

        def work(connection: sa.Connection) -> bool:
            held = sa.select(TRAILS.c.trail_id).where(
                TRAILS.c.trail_id == trail.trail_id, TRAILS.c.revision == trail.revision
            )
            if connection.execute(held.with_for_update()).first() is None:
                return False
            for table in (_SEALED, TRAIL_FILES, TRAIL_DIGESTS, TRAILS):
                connection.execute(sa.delete(table).where(table.c.trail_id == trail.trail_id))
            return True

        return await self._database.run(work)

    async def hold(self, trail: Trail, files: Sequence[OwedFile]) -> bool:
        """Compare revisions and insert in one transaction."""

        def work(connection: sa.Connection) -> bool:
            of_revision = TRAILS.c.trail_id == trail.trail_id, TRAILS.c.revision == trail.revision
            if connection.execute(sa.select(TRAILS).where(*of_revision).with_for_update()).first() is None:
                return False
            connection.execute(sa.insert(_SEALED), [_sealed_row(trail, each) for each in files])
            return True

        try:
            return await self._database.run(work)
        except sa.exc.IntegrityError:
            return False

    async def held(self, trail: Trail) -> Sequence[OwedFile]:
        """Read those of the part that is pending."""
        if trail.pending is None:
            return ()
        statement = sa.select(_SEALED).where(
            _SEALED.c.trail_id == trail.trail_id, _SEALED.c.planned_us == trail.pending.planned_us
        )

        def work(connection: sa.Connection) -> list[OwedFile]:
            rows = connection.execute(statement.order_by(_SEALED.c.region))
            return [OwedFile(row.region, _log_file(row), row.body) for row in rows]

        return await self._database.read(work)

    async def undigested(self, trail: Trail) -> Mapping[str, Sequence[tuple[int, LogFile]]]:
        """Read in the order of their delivery."""
        statement = sa.select(TRAIL_FILES).where(TRAIL_FILES.c.trail_id == trail.trail_id)
        statement = statement.order_by(TRAIL_FILES.c.file_id)

        def work(connection: sa.Connection) -> Mapping[str, Sequence[tuple[int, LogFile]]]:
            found: dict[str, list[tuple[int, LogFile]]] = defaultdict(list)
            for row in connection.execute(statement):
                found[row.region].append((row.file_id, _log_file(row)))
            return found

        return await self._database.read(work)

    async def last_digest(self, trail: Trail, region: str) -> StoredDigest | None:
        """Read the newest row of the chain."""
        statement = (
            sa.select(TRAIL_DIGESTS)
            .where(*_chain(trail, region))
            .order_by(TRAIL_DIGESTS.c.end_us.desc())
            .limit(1)
        )

        def work(connection: sa.Connection) -> StoredDigest | None:
            row = connection.execute(statement).one_or_none()
            return None if row is None else _digest(row)

        return await self._database.read(work)

    async def undelivered(self, trail: Trail) -> Sequence[StoredDigest]:
        """Read them in the order of their ends."""
        statement = (
            sa.select(TRAIL_DIGESTS)
            .where(TRAIL_DIGESTS.c.trail_id == trail.trail_id, TRAIL_DIGESTS.c.delivered.is_(False))
            .order_by(TRAIL_DIGESTS.c.end_us, TRAIL_DIGESTS.c.region)
        )

        def work(connection: sa.Connection) -> list[StoredDigest]:
            return [_digest(row) for row in connection.execute(statement)]

        return await self._database.read(work)

    async def chained(self, trail: Trail) -> Sequence[str]:
        """Read the regions of the chains."""
        statement = sa.select(TRAIL_DIGESTS.c.region).distinct().where(*_chain(trail))
        return await self._database.read(lambda connection: connection.execute(statement).scalars().all())

    async def add_digest(self, trail: Trail, digest: StoredDigest, files: Sequence[int]) -> bool:
        """Insert the digest and remove its files in one transaction."""

        def work(connection: sa.Connection) -> bool:
            later = sa.select(TRAIL_DIGESTS.c.end_us).where(
                *_chain(trail, digest.region), TRAIL_DIGESTS.c.end_us > digest.start_us
            )
            # The trail's row keeps out another replica, and one that deletes it.
            held = sa.select(TRAILS.c.trail_id).where(TRAILS.c.trail_id == trail.trail_id).with_for_update()
            if connection.execute(held).first() is None or connection.execute(later).first() is not None:
                return False
            connection.execute(sa.insert(TRAIL_DIGESTS).values(_digest_row(trail, digest)))
            if files:
                connection.execute(sa.delete(TRAIL_FILES).where(TRAIL_FILES.c.file_id.in_(files)))
            return True

        try:
            return await self._database.run(work)
        except sa.exc.IntegrityError:
            return False

    async def delivered_digest(self, trail: Trail, digest: StoredDigest) -> None:
        """Mark the row; nobody needs its body, and what came before it, any more."""
        of_region = sa.and_(
            TRAIL_DIGESTS.c.trail_id == trail.trail_id, TRAIL_DIGESTS.c.region == digest.region
        )

        def work(connection: sa.Connection) -> None:
            connection.execute(
                sa.update(TRAIL_DIGESTS)
                .where(
                    of_region,
                    TRAIL_DIGESTS.c.chain_us == digest.chain_us,
                    TRAIL_DIGESTS.c.end_us == digest.end_us,
                )
                .values(delivered=True, body=b"")
            )
            before = TRAIL_DIGESTS.c.delivered, TRAIL_DIGESTS.c.end_us < digest.end_us
            connection.execute(sa.delete(TRAIL_DIGESTS).where(of_region, *before))

        await self._database.run(work)

    async def _select(self, *conditions: Any) -> Sequence[Trail]:
        statement = sa.select(TRAILS).where(*conditions).order_by(TRAILS.c.region, TRAILS.c.trail)

        def work(connection: sa.Connection) -> list[Trail]:
            return [trail_of(row) for row in connection.execute(statement)]

        return await self._database.read(work)


def _named(name: TrailName) -> tuple[Any, Any, Any]:
    return (
        TRAILS.c.account_id == name.account_id,
        TRAILS.c.region == name.region,
        TRAILS.c.trail == name.trail,
    )


def _chain(trail: Trail, region: str = "") -> tuple[Any, ...]:
    found = (TRAIL_DIGESTS.c.trail_id == trail.trail_id, TRAIL_DIGESTS.c.chain_us == (trail.chain_us or 0))
    return (*found, TRAIL_DIGESTS.c.region == region) if region else found


def _values(trail: Trail) -> dict[str, Any]:
    return {
        "settings": settings_text(trail.settings),
        "state": state_text(trail),
        "active": trail.started_us is not None,
    }


def _log_file(row: Any) -> LogFile:
    return LogFile(row.bucket, row.object_key, row.sha256, row.oldest_us, row.newest_us)


def _sealed_row(trail: Trail, owed: OwedFile) -> dict[str, Any]:
    if trail.pending is None:
        raise ValueError("files are held of a part that is pending")
    row = _file_row(trail, owed.region, owed.file)
    return {**row, "planned_us": trail.pending.planned_us, "body": owed.body}


def _file_row(trail: Trail, region: str, file: LogFile) -> dict[str, Any]:
    return {
        "trail_id": trail.trail_id,
        "region": region,
        "bucket": file.bucket,
        "object_key": file.key,
        "sha256": file.sha256,
        "oldest_us": file.oldest_us,
        "newest_us": file.newest_us,
    }


def _digest(row: Any) -> StoredDigest:
    link = Link(row.bucket, row.object_key, row.sha256, row.signature)
    return StoredDigest(row.region, row.chain_us, row.start_us, row.end_us, link, row.body, row.delivered)


def _digest_row(trail: Trail, digest: StoredDigest) -> dict[str, Any]:
    return {
        "trail_id": trail.trail_id,
        "region": digest.region,
        "chain_us": digest.chain_us,
        "end_us": digest.end_us,
        "start_us": digest.start_us,
        "bucket": digest.link.bucket,
        "object_key": digest.link.key,
        "sha256": digest.link.sha256,
        "signature": digest.link.signature,
        "body": digest.body,
        "delivered": digest.delivered,
    }
