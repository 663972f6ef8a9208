"""Inline policies, agreements and use-case forms in SQL."""

from typing import Any

import sqlalchemy as sa

from services.auth.adapters.rows import count, find_user, next_epoch
from services.auth.adapters.tables import (
    AGREEMENTS,
    POLICIES,
    USE_CASES,
    from_microseconds,
    to_microseconds,
)
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import Agreement, InlinePolicy, User
from services.auth.errors import policy_not_found, quota_exceeded
from services.chassis.database import Database
from services.chassis.pages import Page


class SqlPolicies:
    """A PolicyStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def put_policy(self, policy: InlinePolicy, limit: int) -> int:
        """Create or replace within the user's limit."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, policy.account_id)
            user = find_user(connection, policy.account_id, policy.user_name)
            values = {
                "document": policy.document,
                "canonical": policy.canonical,
                "updated_us": to_microseconds(policy.updated_at),
            }
            same = _is(user, policy.policy_name)
            if connection.execute(sa.update(POLICIES).where(*same).values(**values)).rowcount:
                return epoch
            if count(connection, POLICIES, POLICIES.c.user_id == user.user_id) >= limit:
                raise quota_exceeded("PoliciesPerUser", limit)
            connection.execute(
                sa.insert(POLICIES).values(user_id=user.user_id, policy_name=policy.policy_name, **values)
            )
            return epoch

        return await self._database.run(work)

    async def policy(self, account_id: str, user_name: str, policy_name: str) -> InlinePolicy:
        """Return one policy."""

        def work(connection: sa.Connection) -> InlinePolicy:
            user = find_user(connection, account_id, user_name)
            row = connection.execute(sa.select(POLICIES).where(*_is(user, policy_name))).one_or_none()
            if row is None:
                raise policy_not_found(policy_name)
            return _policy(row, user)

        return await self._database.read(work)

    async def policies(self, account_id: str, user_name: str, request: PageRequest) -> Page[InlinePolicy]:
        """List policies by a range of the primary key."""

        def work(connection: sa.Connection) -> list[InlinePolicy]:
            user = find_user(connection, account_id, user_name)
            rows = connection.execute(
                sa.select(POLICIES)
                .where(POLICIES.c.user_id == user.user_id, POLICIES.c.policy_name > request.after)
                .order_by(POLICIES.c.policy_name)
                .limit(request.size + 1)
            ).all()
            return [_policy(row, user) for row in rows]

        return request.page(await self._database.read(work), lambda policy: policy.policy_name)

    async def delete_policy(self, account_id: str, user_name: str, policy_name: str) -> int:
        """Delete one policy."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            user = find_user(connection, account_id, user_name)
            if not connection.execute(sa.delete(POLICIES).where(*_is(user, policy_name))).rowcount:
                raise policy_not_found(policy_name)
            return epoch

        return await self._database.run(work)

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


def _is(user: User, policy_name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return POLICIES.c.user_id == user.user_id, POLICIES.c.policy_name == policy_name


def _of(account_id: str, region: str, model_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        AGREEMENTS.c.account_id == account_id,
        AGREEMENTS.c.region == region,
        AGREEMENTS.c.model_id == model_id,
    )


def _policy(row: sa.Row[Any], user: User) -> InlinePolicy:
    return InlinePolicy(
        user.account_id,
        user.user_name,
        row.policy_name,
        row.document,
        row.canonical,
        from_microseconds(row.updated_us),
    )
