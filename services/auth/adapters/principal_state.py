"""Everything that decides about a principal, read from one snapshot by its access key."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import sqlalchemy as sa

from services.auth.adapters.bound_policies import (
    attached_documents,
    boundary_documents,
    session_documents,
    tag_pairs,
)
from services.auth.adapters.entities import entities_by_id, find_entity, inline_bearer
from services.auth.adapters.organization_rows import control_layers
from services.auth.adapters.policy_sources import principal_sources
from services.auth.adapters.rows import account_of, key_of, user_of
from services.auth.adapters.sql_service_credentials import find_credential
from services.auth.adapters.sql_sessions import find_session
from services.auth.adapters.tables import ACCESS_KEYS, ACCOUNTS, AGREEMENTS, USERS
from services.auth.domain.identity import Entity, EntityKind
from services.auth.domain.records import (
    AccessKey,
    KeyStatus,
    PrincipalState,
    ServiceCredential,
    SimulatedPrincipal,
    User,
)
from services.auth.domain.roles import Role, TemporarySession
from services.auth.errors import not_found
from services.chassis.arn import IamEntity
from services.chassis.database import Database
from services.chassis.policy.bundle import Documents, PolicyBundle

_KEY = sa.select(ACCESS_KEYS).where(ACCESS_KEYS.c.access_key_id == sa.bindparam("key_id"))
_KEY_STATUS = sa.select(ACCESS_KEYS.c.status).where(ACCESS_KEYS.c.access_key_id == sa.bindparam("key_id"))
_ACCOUNT = sa.select(ACCOUNTS).where(ACCOUNTS.c.account_id == sa.bindparam("of_account"))
_USER = sa.select(USERS).where(USERS.c.user_id == sa.bindparam("of_user"))
_ENTITLEMENTS = (
    sa.select(AGREEMENTS.c.region, AGREEMENTS.c.model_id, AGREEMENTS.c.eula_sha256)
    .where(AGREEMENTS.c.account_id == sa.bindparam("of_account"))
    .order_by(AGREEMENTS.c.region, AGREEMENTS.c.model_id)
)


def _inline(bearer: sa.Column[str]) -> sa.Select[tuple[str]]:
    policies = bearer.table.c
    return (
        sa.select(policies.canonical).where(bearer == sa.bindparam("bearer")).order_by(policies.policy_name)
    )


_INLINE = {kind: _inline(inline_bearer(kind)) for kind in (EntityKind.USER, EntityKind.ROLE)}


def read_principal(connection: sa.Connection, access_key_id: str) -> PrincipalState | None:
    """Return the state of the principal that an access key, or a long-term API key, belongs to, or None."""
    row = connection.execute(_KEY, {"key_id": access_key_id}).one_or_none()
    session = None if row is not None else find_session(connection, access_key_id)
    credential = None
    if row is None and session is None:
        credential = find_credential(connection, access_key_id)
    if row is not None:
        user = _user(connection, row.user_id)
        key = key_of(row, user)
    elif credential is not None:
        user = credential.user
        key = _credential_key(credential)
    elif session is not None:
        user = _user(connection, session.user_id)
        key = _session_key(connection, session, user)
    else:
        return None
    account = connection.execute(_ACCOUNT, {"of_account": key.account_id}).one()
    if account.closed:
        # Nobody acts for an account that is purged, whatever is left of it.
        return None
    bearer = _bearer(user, session)
    control = control_layers(connection, key.account_id)
    return PrincipalState(
        account=account_of(account),
        user=user,
        access_key=key,
        epoch=account.policy_epoch,
        policies=PolicyBundle(
            identity=() if bearer is None else _identity(connection, *bearer),
            boundary=None if bearer is None else boundary_documents(connection, *bearer),
            session=None if session is None else session_documents(connection, session),
            service_control=control.service_control,
            resource_control=control.resource_control,
        ),
        entitlements=_entitlements(connection, key.account_id),
        facts=replace(
            control.facts,
            tags=_tags(connection, bearer, session),
            iam_resource=_iam_resource(user, None if session is None else session.role),
            session_keys=_session_keys(session),
        ),
        session=session,
        service_credential=credential,
    )


def _user(connection: sa.Connection, user_id: str | None) -> User | None:
    if user_id is None:
        return None
    return user_of(connection.execute(_USER, {"of_user": user_id}).one())


def _credential_key(credential: ServiceCredential) -> AccessKey:
    """Return what stands for a long-term API key. It signs nothing, so that it has no secret."""
    return AccessKey(
        credential.credential_id,
        credential.account_id,
        credential.user,
        credential.status,
        b"",
        credential.created_at,
    )


def _session_key(connection: sa.Connection, session: TemporarySession, user: User | None) -> AccessKey:
    """Return the key of temporary credentials: as active as the one that they were asked for with."""
    status: str | None = KeyStatus.ACTIVE.value
    if session.source_key_id:
        status = connection.execute(_KEY_STATUS, {"key_id": session.source_key_id}).scalar_one_or_none()
    return AccessKey(
        session.access_key_id,
        session.account_id,
        user,
        KeyStatus.INACTIVE if status is None else KeyStatus(status),
        session.sealed_secret,
        session.issued_at,
    )


def _bearer(user: User | None, session: TemporarySession | None) -> tuple[EntityKind, str] | None:
    """Return whose policies bind the principal: a user's, a role's, or nobody's for root."""
    if user is not None:
        return EntityKind.USER, user.user_id
    if session is not None and session.role is not None:
        return EntityKind.ROLE, session.role.role_id
    return None


def _identity(connection: sa.Connection, kind: EntityKind, entity_id: str) -> Documents:
    inline = connection.execute(_INLINE[kind], {"bearer": entity_id}).scalars()
    return tuple(dict.fromkeys((*inline, *attached_documents(connection, kind, entity_id))))


def _tags(
    connection: sa.Connection, bearer: tuple[EntityKind, str] | None, session: TemporarySession | None
) -> tuple[tuple[str, str], ...]:
    """Return the tags of the principal. Those of a session stand before those of its role with the same key.

    AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
    """
    own = () if bearer is None else tag_pairs(connection, *bearer)
    given = () if session is None else session.tags
    merged = {key.lower(): (key, value) for key, value in (*own, *given)}
    return tuple(merged[key] for key in sorted(merged))


def _iam_resource(user: User | None, role: Role | None) -> str:
    """Return what stands behind the account in the ARN of the user or the role; empty for root."""
    if user is not None:
        return f"user{user.path}{user.user_name}"
    return "" if role is None else f"role{role.path}{role.role_name}"


def _session_keys(session: TemporarySession | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return () if session is None or session.federation is None else session.federation.session_keys()


def _entitlements(connection: sa.Connection, account_id: str) -> tuple[tuple[str, str, str], ...]:
    agreements = connection.execute(_ENTITLEMENTS, {"of_account": account_id}).all()
    return tuple((row.region, row.model_id, row.eula_sha256) for row in agreements)


class SqlPrincipals:
    """A PrincipalReader."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def named(self, entity: IamEntity) -> SimulatedPrincipal:
        """Read a principal from one snapshot."""

        def work(connection: sa.Connection) -> SimulatedPrincipal:
            kind = EntityKind(entity.kind)
            found = find_entity(connection, entity.account_id, Entity(kind, entity.name))
            if found.path != entity.path or kind not in (EntityKind.USER, EntityKind.ROLE):
                raise not_found(f"The {entity.kind} with this ARN cannot be found.", entity.name)
            bearer = kind, found.entity_id
            control = control_layers(connection, entity.account_id)
            return SimulatedPrincipal(
                unique_id=found.entity_id,
                role_name=entity.name if kind is EntityKind.ROLE else "",
                policies=PolicyBundle(
                    identity=_identity(connection, *bearer),
                    boundary=boundary_documents(connection, *bearer),
                    service_control=control.service_control,
                    resource_control=control.resource_control,
                ),
                facts=replace(
                    control.facts,
                    tags=_tags(connection, bearer, None),
                    iam_resource=f"{entity.kind}{entity.path}{entity.name}",
                ),
                sources=principal_sources(connection, found),
            )

        return await self._database.read(work)

    async def present(self, unique_ids: Collection[str]) -> Mapping[str, IamEntity]:
        """Look them up by their primary keys."""
        return await self._database.read(lambda connection: entities_by_id(connection, unique_ids))
