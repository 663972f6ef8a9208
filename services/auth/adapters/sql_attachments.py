"""Which entity has which managed policy, in SQL."""

import sqlalchemy as sa

from services.auth.adapters.entities import entities_using, find_entity, look_up
from services.auth.adapters.entity_facts import facts_of, set_boundary
from services.auth.adapters.managed_policy_rows import attached_policies, find_policy
from services.auth.adapters.rows import count, next_epoch, of_entity
from services.auth.adapters.tables_identity import ATTACHMENTS, BOUNDARIES
from services.auth.domain.identity import (
    Entity,
    EntityFacts,
    EntityKind,
    NamedEntity,
    PolicyReference,
    PolicyUsage,
)
from services.auth.domain.pages import PageRequest
from services.auth.errors import not_found, policy_not_attached, quota_exceeded
from services.chassis.arn import policy_arn
from services.chassis.database import Database
from services.chassis.pages import Page

_TABLES = {
    PolicyUsage.PERMISSIONS: (ATTACHMENTS,),
    PolicyUsage.BOUNDARY: (BOUNDARIES,),
    PolicyUsage.ANY: (ATTACHMENTS, BOUNDARIES),
}


class SqlAttachments:
    """An AttachmentStore and an EntityReader."""

    def __init__(self, database: Database, partition: str = "aws") -> None:
        """Use `database`, whose schema is current; refusals name ARNs of `partition`."""
        self._database = database
        self._partition = partition

    async def attach(self, account_id: str, entity: Entity, policy: PolicyReference, limit: int) -> int:
        """Attach within the entity's limit."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            bearer = find_entity(connection, account_id, entity)
            found = find_policy(connection, policy)
            mine = of_entity(ATTACHMENTS, bearer.kind, bearer.entity_id)
            if count(connection, ATTACHMENTS, *mine, ATTACHMENTS.c.policy_id == found.policy_id):
                return epoch
            if count(connection, ATTACHMENTS, *mine) >= limit:
                raise quota_exceeded(f"PoliciesPer{entity.kind.title}", limit)
            connection.execute(
                sa.insert(ATTACHMENTS).values(
                    entity_kind=bearer.kind.value,
                    entity_id=bearer.entity_id,
                    policy_id=found.policy_id,
                    account_id=account_id,
                )
            )
            return epoch

        return await self._database.run(work)

    async def detach(self, account_id: str, entity: Entity, policy: PolicyReference) -> int:
        """Delete an attachment."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            bearer = find_entity(connection, account_id, entity)
            found = find_policy(connection, policy)
            mine = of_entity(ATTACHMENTS, bearer.kind, bearer.entity_id)
            detached = connection.execute(
                sa.delete(ATTACHMENTS).where(*mine, ATTACHMENTS.c.policy_id == found.policy_id)
            )
            if not detached.rowcount:
                arn = policy_arn(policy.owner, policy.policy_name, self._partition, policy.path)
                raise policy_not_attached(arn)
            return epoch

        return await self._database.run(work)

    async def attached(
        self, account_id: str, entity: Entity, request: PageRequest, path_prefix: str = ""
    ) -> Page[PolicyReference]:
        """List attachments. An entity has a handful at most: the page is cut here."""

        def work(connection: sa.Connection) -> list[PolicyReference]:
            bearer = find_entity(connection, account_id, entity)
            return attached_policies(connection, bearer)

        found = await self._database.read(work)
        mine = (each for each in found if each.path.startswith(path_prefix))
        rest = [each for each in mine if each.position > request.after]
        return request.page(rest, lambda each: each.position)

    async def entities(
        self,
        account_id: str,
        policy: PolicyReference,
        usage: PolicyUsage,
        kind: EntityKind | None,
        request: PageRequest,
        path_prefix: str = "",
    ) -> Page[NamedEntity]:
        """List the entities that use a policy."""

        def work(connection: sa.Connection) -> list[NamedEntity]:
            policy_id = find_policy(connection, policy).policy_id
            return [
                entity
                for table in _TABLES[usage]
                for entity in entities_using(connection, account_id, table, policy_id)
                if kind in (None, entity.kind)
                and entity.position > request.after
                and entity.path.startswith(path_prefix)
            ]

        # One that has it attached and as its boundary stands once.
        found = sorted(set(await self._database.read(work)), key=lambda each: each.position)
        return request.page(found, lambda each: each.position)

    async def put_boundary(self, account_id: str, entity: Entity, policy: PolicyReference) -> int:
        """Replace the boundary."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            set_boundary(connection, account_id, find_entity(connection, account_id, entity), policy)
            return epoch

        return await self._database.run(work)

    async def delete_boundary(self, account_id: str, entity: Entity) -> int:
        """Delete the boundary."""

        def work(connection: sa.Connection) -> int:
            epoch = next_epoch(connection, account_id)
            bearer = find_entity(connection, account_id, entity)
            mine = of_entity(BOUNDARIES, bearer.kind, bearer.entity_id)
            if not connection.execute(sa.delete(BOUNDARIES).where(*mine)).rowcount:
                kind = entity.kind.value
                raise not_found(f"The {kind} {entity.name} has no permissions boundary.", entity.name)
            return epoch

        return await self._database.run(work)

    async def facts(self, account_id: str, entity: Entity) -> EntityFacts | None:
        """Return path, tags and boundary of an entity."""

        def work(connection: sa.Connection) -> EntityFacts | None:
            found = look_up(connection, account_id, entity)
            return None if found is None else facts_of(connection, found)

        return await self._database.read(work)
