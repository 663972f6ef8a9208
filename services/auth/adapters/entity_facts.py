"""The path, the tags and the permissions boundary of entities, within one transaction."""

from collections.abc import Sequence

import sqlalchemy as sa

from services.auth.adapters.bound_policies import tag_pairs
from services.auth.adapters.managed_policy_rows import find_policy, references
from services.auth.adapters.rows import count, of_entity
from services.auth.adapters.tables_identity import BOUNDARIES, TAGS
from services.auth.domain.identity import EntityFacts, NamedEntity, PolicyReference, Tag
from services.auth.errors import quota_exceeded


def facts_of(connection: sa.Connection, bearer: NamedEntity) -> EntityFacts:
    """Return what hangs on an entity."""
    return EntityFacts(bearer.path, tags_of(connection, bearer), boundary_reference(connection, bearer))


def begin_with(
    connection: sa.Connection,
    account_id: str,
    bearer: NamedEntity,
    boundary: PolicyReference | None,
    tags: Sequence[Tag],
) -> None:
    """Give a new entity its boundary, if it has one, and its tags. Raises RESOURCE_NOT_FOUND."""
    if boundary is not None:
        set_boundary(connection, account_id, bearer, boundary)
    add_tags(connection, bearer, tags, len(tags))


def tags_of(connection: sa.Connection, bearer: NamedEntity) -> tuple[Tag, ...]:
    """Return the tags of an entity in the order of their keys, without regard to case."""
    return tuple(Tag(key, value) for key, value in tag_pairs(connection, bearer.kind, bearer.entity_id))


def add_tags(connection: sa.Connection, bearer: NamedEntity, tags: Sequence[Tag], limit: int) -> None:
    """Add or replace tags of an entity. Raises QUOTA_EXCEEDED."""
    delete_tags(connection, bearer, [tag.key for tag in tags])
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


def delete_tags(connection: sa.Connection, bearer: NamedEntity, keys: Sequence[str]) -> None:
    """Delete tags of an entity by their keys, in any case."""
    connection.execute(
        sa.delete(TAGS).where(
            *of_entity(TAGS, bearer.kind, bearer.entity_id),
            TAGS.c.tag_key_lower.in_([key.lower() for key in keys]),
        )
    )


def set_boundary(
    connection: sa.Connection, account_id: str, bearer: NamedEntity, policy: PolicyReference
) -> None:
    """Make a policy the permissions boundary of an entity. Raises RESOURCE_NOT_FOUND."""
    found = find_policy(connection, policy)
    connection.execute(sa.delete(BOUNDARIES).where(*of_entity(BOUNDARIES, bearer.kind, bearer.entity_id)))
    connection.execute(
        sa.insert(BOUNDARIES).values(
            entity_kind=bearer.kind.value,
            entity_id=bearer.entity_id,
            policy_id=found.policy_id,
            account_id=account_id,
        )
    )


def boundary_reference(connection: sa.Connection, bearer: NamedEntity) -> PolicyReference | None:
    """Return the permissions boundary of an entity."""
    mine = of_entity(BOUNDARIES, bearer.kind, bearer.entity_id)
    policy_id = connection.execute(sa.select(BOUNDARIES.c.policy_id).where(*mine)).scalar_one_or_none()
    return None if policy_id is None else references(connection, [policy_id])[policy_id]
