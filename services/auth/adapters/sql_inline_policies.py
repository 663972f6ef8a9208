"""Inline policies of users, groups and roles in SQL: a table for each kind, with the same columns."""

from typing import Any

import sqlalchemy as sa

from services.auth.adapters.directory_inserts import insert_policy
from services.auth.adapters.entities import find_entity, inline_bearer
from services.auth.adapters.rows import next_epoch
from services.auth.adapters.tables import from_microseconds
from services.auth.domain.identity import Entity, InlinePolicy
from services.auth.domain.pages import PageRequest
from services.auth.errors import inline_policies_too_long, inline_policy_not_found
from services.chassis.database import Database
from services.chassis.pages import Page
from services.chassis.policy.json_text import size


class SqlInlinePolicies:
    """An InlinePolicyStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def put_policy(self, policy: InlinePolicy, max_chars: int) -> int:
        """Create or replace within the entity's limit."""
        bearer = inline_bearer(policy.entity.kind)

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, policy.account_id)
            found = find_entity(connection, policy.account_id, policy.entity)
            same = _is(bearer, found.entity_id, policy.policy_name)
            connection.execute(sa.delete(bearer.table).where(*same))
            others = connection.execute(
                sa.select(bearer.table.c.document).where(bearer == found.entity_id)
            ).scalars()
            if sum(map(size, (*others, policy.document))) > max_chars:
                raise inline_policies_too_long(found.kind.value, found.name, max_chars)
            insert_policy(connection, bearer, found.entity_id, policy)
            return epoch

        return await self._database.run(work)

    async def policy(self, account_id: str, entity: Entity, policy_name: str) -> InlinePolicy:
        """Return one policy."""
        bearer = inline_bearer(entity.kind)

        def work(connection: sa.Connection) -> InlinePolicy:
            found = find_entity(connection, account_id, entity)
            same = _is(bearer, found.entity_id, policy_name)
            row = connection.execute(sa.select(bearer.table).where(*same)).one_or_none()
            if row is None:
                raise inline_policy_not_found(entity.kind.value, policy_name)
            return _policy(row, account_id, entity)

        return await self._database.read(work)

    async def policies(self, account_id: str, entity: Entity, request: PageRequest) -> Page[InlinePolicy]:
        """List policies by a range of the primary key."""
        bearer = inline_bearer(entity.kind)
        name = bearer.table.c.policy_name

        def work(connection: sa.Connection) -> list[InlinePolicy]:
            found = find_entity(connection, account_id, entity)
            after = (bearer == found.entity_id, name > request.after)
            return inline_policies(connection, account_id, entity, *after, limit=request.size + 1)

        return request.page(await self._database.read(work), lambda policy: policy.policy_name)

    async def delete_policy(self, account_id: str, entity: Entity, policy_name: str) -> int:
        """Delete one policy."""
        bearer = inline_bearer(entity.kind)

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            found = find_entity(connection, account_id, entity)
            same = _is(bearer, found.entity_id, policy_name)
            if not connection.execute(sa.delete(bearer.table).where(*same)).rowcount:
                raise inline_policy_not_found(entity.kind.value, policy_name)
            return epoch

        return await self._database.run(work)


def inline_policies(
    connection: sa.Connection,
    account_id: str,
    entity: Entity,
    *conditions: sa.ColumnElement[bool],
    limit: int | None = None,
) -> list[InlinePolicy]:
    """Return inline policies of an entity by name, as the conditions select them."""
    table = inline_bearer(entity.kind).table
    query = sa.select(table).where(*conditions).order_by(table.c.policy_name).limit(limit)
    return [_policy(row, account_id, entity) for row in connection.execute(query)]


def _is(bearer: sa.Column[str], entity_id: str, policy_name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return bearer == entity_id, bearer.table.c.policy_name == policy_name


def _policy(row: sa.Row[Any], account_id: str, entity: Entity) -> InlinePolicy:
    return InlinePolicy(
        account_id,
        entity,
        row.policy_name,
        row.document,
        row.canonical,
        from_microseconds(row.updated_us),
    )
