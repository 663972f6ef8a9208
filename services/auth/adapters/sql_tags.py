"""Tags of entities in SQL, and a user with all that hangs on it."""

from collections.abc import Sequence

import sqlalchemy as sa

from services.auth.adapters.bound_policies import tag_pairs
from services.auth.adapters.entities import find_entity
from services.auth.adapters.rows import count, find_user, next_epoch, of_entity
from services.auth.adapters.sql_attachments import boundary_reference
from services.auth.adapters.tables_identity import TAGS
from services.auth.domain.identity import Entity, EntityKind, NamedEntity, Tag, UserDetails
from services.auth.domain.pages import PageRequest
from services.auth.errors import quota_exceeded
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
            _delete(connection, find_entity(connection, account_id, entity), keys)
            return epoch

        return await self._database.run(work)

    async def tags(self, account_id: str, entity: Entity, request: PageRequest) -> Page[Tag]:
        """List tags. An entity has some dozens at most: the page is cut here."""

        def work(connection: sa.Connection) -> list[Tag]:
            bearer = find_entity(connection, account_id, entity)
            pairs = tag_pairs(connection, bearer.kind, bearer.entity_id)
            return [Tag(key, value) for key, value in pairs if key.lower() > request.after]

        return request.page(await self._database.read(work), lambda tag: tag.key.lower())

    async def user_details(self, account_id: str, user_name: str) -> UserDetails:
        """Return a user with boundary and tags."""

        def work(connection: sa.Connection) -> UserDetails:
            user = find_user(connection, account_id, user_name)
            bearer = NamedEntity(EntityKind.USER, user.user_name, user.user_id)
            tags = tag_pairs(connection, bearer.kind, bearer.entity_id)
            return UserDetails(
                user,
                boundary_reference(connection, bearer),
                tuple(Tag(key, value) for key, value in tags),
            )

        return await self._database.read(work)


def add_tags(connection: sa.Connection, bearer: NamedEntity, tags: Sequence[Tag], limit: int) -> None:
    """Add or replace tags of an entity. Raises QUOTA_EXCEEDED."""
    _delete(connection, bearer, [tag.key for tag in tags])
    held = count(connection, TAGS, *of_entity(TAGS, bearer.kind, bearer.entity_id))
    if held + len(tags) > limit:
        raise quota_exceeded(f"TagsPer{bearer.kind.title}", limit)
    for tag in tags:
        connection.execute(
            sa.insert(TAGS).values(
                entity_kind=bearer.kind.value,
                entity_id=bearer.entity_id,
                tag_key_lower=tag.key.lower(),
                tag_key=tag.key,
                tag_value=tag.value,
            )
        )


def _delete(connection: sa.Connection, bearer: NamedEntity, keys: Sequence[str]) -> None:
    connection.execute(
        sa.delete(TAGS).where(
            *of_entity(TAGS, bearer.kind, bearer.entity_id),
            TAGS.c.tag_key_lower.in_([key.lower() for key in keys]),
        )
    )
