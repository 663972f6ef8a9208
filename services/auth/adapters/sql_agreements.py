"""Agreements and use-case forms in SQL."""

import sqlalchemy as sa

from services.auth.adapters.rows import next_epoch
from services.auth.adapters.tables import (
    AGREEMENTS,
    USE_CASES,
    from_microseconds,
    to_microseconds,
)
from services.auth.domain.records import Agreement
from services.chassis.database import Database


class SqlAgreements:
    """An AgreementStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def put_agreement(self, agreement: Agreement) -> int:
        """Record an agreement, replacing one about an earlier EULA."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, agreement.account_id)
            same = _of(agreement.account_id, agreement.region, agreement.model_id)
            held = connection.execute(sa.select(AGREEMENTS).where(*same)).one_or_none()
            if held is not None and held.eula_sha256 == agreement.eula_sha256:
                return epoch
            connection.execute(sa.delete(AGREEMENTS).where(*same))
            connection.execute(
                sa.insert(AGREEMENTS).values(
                    account_id=agreement.account_id,
                    region=agreement.region,
                    model_id=agreement.model_id,
                    offer_id=agreement.offer_id,
                    eula_sha256=agreement.eula_sha256,
                    accepted_us=to_microseconds(agreement.accepted_at),
                    accepted_by=agreement.accepted_by,
                )
            )
            return epoch

        return await self._database.run(work)

    async def agreement(self, account_id: str, region: str, model_id: str) -> Agreement | None:
        """Return an agreement."""
        row = await self._database.read(
            lambda connection: connection.execute(
                sa.select(AGREEMENTS).where(*_of(account_id, region, model_id))
            ).one_or_none()
        )
        if row is None:
            return None
        return Agreement(
            row.account_id,
            row.region,
            row.model_id,
            row.offer_id,
            row.eula_sha256,
            from_microseconds(row.accepted_us),
            row.accepted_by,
        )

    async def delete_agreement(self, account_id: str, region: str, model_id: str) -> int | None:
        """Delete an agreement."""

        def work(connection: sa.Connection) -> int | None:
            epoch = next_epoch(connection, account_id)
            deleted = connection.execute(sa.delete(AGREEMENTS).where(*_of(account_id, region, model_id)))
            return epoch if deleted.rowcount else None

        return await self._database.run(work)

    async def put_use_case(self, account_id: str, sealed: bytes) -> None:
        """Store the form, replacing an earlier one."""

        def work(connection: sa.Connection) -> None:
            # The account's row is locked, so that two writers follow each other.
            next_epoch(connection, account_id)
            same = USE_CASES.c.account_id == account_id
            if not connection.execute(sa.update(USE_CASES).where(same).values(sealed_form=sealed)).rowcount:
                connection.execute(sa.insert(USE_CASES).values(account_id=account_id, sealed_form=sealed))

        await self._database.run(work)

    async def use_case(self, account_id: str) -> bytes | None:
        """Return the form."""
        query = sa.select(USE_CASES.c.sealed_form).where(USE_CASES.c.account_id == account_id)
        sealed: bytes | None = await self._database.read(
            lambda connection: connection.execute(query).scalar_one_or_none()
        )
        return sealed


def _of(account_id: str, region: str, model_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        AGREEMENTS.c.account_id == account_id,
        AGREEMENTS.c.region == region,
        AGREEMENTS.c.model_id == model_id,
    )
