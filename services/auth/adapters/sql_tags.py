"""Tags of entities in SQL, and a user with all that hangs on it."""

from collections.abc import Sequence

import sqlalchemy as sa

from services.auth.adapters.entities import find_entity
from services.auth.adapters.entity_facts import add_tags, delete_tags, facts_of, tags_of
from services.auth.adapters.rows import find_user, next_epoch
from services.auth.domain.identity import (
    Entity,
    EntityKind,
    NamedEntity,
    Tag,
    UserDetails,
)
from services.auth.domain.pages import PageRequest
from services.chassis.database import Database
from services.chassis.pages import Page


class SqlTags:
    """A TagStore."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def tag(self, account_id: str, entity: Entity, tags: Sequence[Tag], limit: int) -> int:
        """Add or replace tags within the entity's limit."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            add_tags(connection, find_entity(connection, account_id, entity), tags, limit)
            return epoch

        return await self._database.run(work)

    async def untag(self, account_id: str, entity: Entity, keys: Sequence[str]) -> int:
        """Delete tags."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            delete_tags(connection, find_entity(connection, account_id, entity), keys)
            return epoch

        return await self._database.run(work)

    async def tags(self, account_id: str, entity: Entity, request: PageRequest) -> Page[Tag]:
        """List tags. An entity has some dozens at most: the page is cut here."""

        def work(connection: sa.Connection) -> list[Tag]:
            bearer = find_entity(connection, account_id, entity)
            return [tag for tag in tags_of(connection, bearer) if tag.key.lower() > request.after]

        return request.page(await self._database.read(work), lambda tag: tag.key.lower())

    async def user_details(self, account_id: str, user_name: str) -> UserDetails:
        """Return a user with boundary and tags."""

        def work(connection: sa.Connection) -> UserDetails:
            user = find_user(connection, account_id, user_name)
            facts = facts_of(connection, NamedEntity(EntityKind.USER, user.user_name, user.user_id))
            return UserDetails(user, facts.boundary, facts.tags)

        return await self._database.read(work)
