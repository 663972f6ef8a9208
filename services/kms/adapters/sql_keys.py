"""The key store in SQL."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from services.chassis.database import Database
from services.kms.adapters.tables import INSTALLATION, KEY_VERSIONS, KEYS
from services.kms.domain.keys import Key, KeyName, KeyParent, KeyState, KeyVersion
from services.kms.ports import CustodyError, Installation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# Built once: every operation runs one of these, and building a statement costs as much as running it.
_FIND = (
    sa.select(
        KEYS,
        KEY_VERSIONS.c.number,
        KEY_VERSIONS.c.wrapped,
        KEY_VERSIONS.c.created_us.label("version_us"),
    )
    .join_from(KEYS, KEY_VERSIONS)
    .where(KEYS.c.parent == sa.bindparam("parent"), KEYS.c.key_id == sa.bindparam("key_id"))
)
_FIND_PRIMARY = _FIND.where(KEY_VERSIONS.c.number == KEYS.c.primary_version)
_FIND_VERSION = _FIND.where(KEY_VERSIONS.c.number == sa.bindparam("number"))


class SqlInstallations:
    """The installation record. Blocks: for the boot, before anything is served."""

    def __init__(self, engine: sa.Engine) -> None:
        """Use the database of `engine`, whose schema is current."""
        self._engine = engine

    def load(self) -> Installation | None:
        """Return the record, None when there is none."""
        with self._engine.begin() as connection:
            row = connection.execute(sa.select(INSTALLATION)).one_or_none()
        return None if row is None else Installation(row.store_id, row.verifier)

    def save(self, installation: Installation) -> None:
        """Write the record into an empty store. Raises CustodyError when it holds keys."""
        with self._engine.begin() as connection:
            if connection.execute(sa.select(sa.func.count()).select_from(KEYS)).scalar_one():
                raise CustodyError("the store holds keys of an installation that it has no record of")
            connection.execute(
                sa.insert(INSTALLATION).values(
                    id=1, store_id=installation.store_id, verifier=installation.verifier
                )
            )


class SqlKeyStore:
    """Keys in SQL, one transaction an operation."""

    def __init__(self, database: Database) -> None:
        """Use `database`, whose schema is current."""
        self._database = database

    async def create(self, key: Key, version: KeyVersion, request_id: str) -> tuple[Key, KeyVersion]:
        """Insert the key with its version, or return what stands in its place."""

        def work(connection: sa.Connection) -> tuple[Key, KeyVersion]:
            existing = _existing(connection, key, request_id)
            if existing is not None:
                return existing
            identity = {"parent": str(key.name.parent), "key_id": key.name.key_id}
            connection.execute(
                sa.insert(KEYS).values(
                    **identity,
                    incarnation=key.incarnation,
                    state=key.state.value,
                    description=key.description,
                    created_us=_to_microseconds(key.created),
                    primary_version=key.primary_version,
                    request_id=request_id or None,
                )
            )
            connection.execute(
                sa.insert(KEY_VERSIONS).values(
                    **identity,
                    number=version.number,
                    wrapped=version.wrapped,
                    created_us=_to_microseconds(version.created),
                )
            )
            return key, version

        try:
            return await self._database.run(work)
        except sa.exc.IntegrityError:
            # Another replica created it between our look and our insert; now it can be seen.
            return await self._database.run(work)

    async def get(self, name: KeyName) -> Key | None:
        """Return a key's record."""
        row = await self._database.read(
            lambda connection: connection.execute(sa.select(KEYS).where(*_is(KEYS, name))).one_or_none()
        )
        return None if row is None else _key(row)

    async def find(self, name: KeyName, version: int | None) -> tuple[Key, KeyVersion] | None:
        """Return a key and one of its versions."""
        return await self._database.read(lambda connection: _find(connection, name, version))

    async def list(self, parent: KeyParent, incarnation: str, after: str, limit: int) -> Sequence[Key]:
        """Return keys below `parent` by a range of the primary key, whatever the page."""
        query = (
            sa.select(KEYS)
            .where(KEYS.c.parent == str(parent), KEYS.c.key_id > after, KEYS.c.incarnation == incarnation)
            .order_by(KEYS.c.key_id)
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_key(row) for row in rows]

    async def set_state(self, name: KeyName, state: KeyState) -> Key | None:
        """Update the state and read the record back in one transaction."""

        def work(connection: sa.Connection) -> Key | None:
            connection.execute(sa.update(KEYS).where(*_is(KEYS, name)).values(state=state.value))
            row = connection.execute(sa.select(KEYS).where(*_is(KEYS, name))).one_or_none()
            return None if row is None else _key(row)

        return await self._database.run(work)


def _existing(connection: sa.Connection, key: Key, request_id: str) -> tuple[Key, KeyVersion] | None:
    same_request = sa.and_(
        KEYS.c.parent == str(key.name.parent),
        KEYS.c.incarnation == key.incarnation,
        KEYS.c.request_id == request_id,
    )
    same_name = sa.and_(*_is(KEYS, key.name))
    query = sa.select(KEYS).where(sa.or_(same_name, same_request) if request_id else same_name)
    row = connection.execute(query).first()
    return None if row is None else _find(connection, _key(row).name, None)


def _find(connection: sa.Connection, name: KeyName, version: int | None) -> tuple[Key, KeyVersion] | None:
    parameters: dict[str, str | int] = {"parent": str(name.parent), "key_id": name.key_id}
    if version is None:
        row = connection.execute(_FIND_PRIMARY, parameters).one_or_none()
    else:
        row = connection.execute(_FIND_VERSION, {**parameters, "number": version}).one_or_none()
    if row is None:
        return None
    return _key(row), KeyVersion(row.number, row.wrapped, _from_microseconds(row.version_us))


def _is(table: sa.Table, name: KeyName) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.parent == str(name.parent), table.c.key_id == name.key_id


def _key(row: sa.Row[Any]) -> Key:
    return Key(
        KeyParent.parse(row.parent).key(row.key_id),
        row.incarnation,
        KeyState(row.state),
        row.description,
        _from_microseconds(row.created_us),
        row.primary_version,
    )


def _to_microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _from_microseconds(count: int) -> datetime:
    return _EPOCH + count * _MICROSECOND
