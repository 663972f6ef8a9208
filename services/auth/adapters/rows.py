"""Rows to records, and the statements that several stores share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from services.auth.adapters.tables import ACCESS_KEYS, ACCOUNTS, USERS, from_microseconds
from services.auth.domain.identity import EntityKind
from services.auth.domain.pages import PageRequest
from services.auth.domain.records import AccessKey, Account, KeyStatus, User
from services.auth.errors import account_not_found, exists, quota_exceeded, user_not_found


@dataclass(frozen=True, slots=True)
class Refusals:
    """What is said when an account cannot have one more of something."""

    taken: str
    """When it has one of the name, which stands in place of {}."""
    quota: str
    """When it has as many as it may."""


def account_of(row: sa.Row[Any]) -> Account:
    """Read an account from a row of ACCOUNTS."""
    return Account(
        row.account_id, row.incarnation, row.display_name, from_microseconds(row.created_us), row.closed
    )


def user_of(row: sa.Row[Any]) -> User:
    """Read a user from a row of USERS."""
    return User(row.account_id, row.user_name, row.user_id, from_microseconds(row.created_us), row.path)


def key_of(row: sa.Row[Any], user: User | None) -> AccessKey:
    """Read an access key from a row of ACCESS_KEYS."""
    return AccessKey(
        row.access_key_id,
        row.account_id,
        user,
        KeyStatus(row.status),
        row.sealed_secret,
        from_microseconds(row.created_us),
    )


def find_user(connection: sa.Connection, account_id: str, user_name: str) -> User:
    """Return a user by its exact name. Raises RESOURCE_NOT_FOUND."""
    row = named_row(connection, USERS, account_id, user_name)
    if row is None or row.user_name != user_name:
        raise user_not_found(user_name)
    return user_of(row)


def named_row(connection: sa.Connection, table: sa.Table, account_id: str, name: str) -> Any:
    """Return the row of what an account has of this name, in whatever case; None when there is none."""
    return connection.execute(
        sa.select(table).where(table.c.account_id == account_id, table.c.name_key == name.lower())
    ).one_or_none()


def rows_by_name(
    connection: sa.Connection, table: sa.Table, account_id: str, request: PageRequest, path_prefix: str = ""
) -> Sequence[sa.Row[Any]]:
    """Return a page of an account's rows, and one more, by a range of its index of names."""
    return connection.execute(
        sa.select(table)
        .where(
            table.c.account_id == account_id,
            table.c.name_key > request.after,
            below(table.c.path, path_prefix),
        )
        .order_by(table.c.name_key)
        .limit(request.size + 1)
    ).all()


def below(path: sa.ColumnElement[str], prefix: str) -> sa.ColumnElement[bool]:
    """Select paths that begin so. LIKE would not do: on SQLite it has no regard to case."""
    return sa.func.substr(path, 1, len(prefix)) == prefix


def move(
    connection: sa.Connection,
    name: sa.Column[str],
    account_id: str,
    old_name: str,
    new_name: str,
    new_path: str,
    refusals: Refusals,
) -> None:
    """Give what an account has of a name another name and another path; what is empty stays.

    `name` is the column of names as they are written. Raises RESOURCE_EXISTS.
    """
    table = name.table
    changes: dict[str, str] = {"path": new_path} if new_path else {}
    if new_name:
        changes |= {name.name: new_name, "name_key": new_name.lower()}
        # Only the case of its letters may change, too.
        if new_name.lower() != old_name.lower() and named_row(connection, table, account_id, new_name):
            raise exists(refusals.taken.format(new_name), new_name)
    if changes:
        same = (table.c.account_id == account_id, table.c.name_key == old_name.lower())
        connection.execute(sa.update(table).where(*same).values(changes))


def require_room(
    connection: sa.Connection, table: sa.Table, account_id: str, name: str, limit: int, refusals: Refusals
) -> None:
    """Return if the account can have one more of this name. Raises RESOURCE_EXISTS or QUOTA_EXCEEDED."""
    if named_row(connection, table, account_id, name) is not None:
        raise exists(refusals.taken.format(name), name)
    if count(connection, table, table.c.account_id == account_id) >= limit:
        raise quota_exceeded(refusals.quota, limit)


def find_key(connection: sa.Connection, account_id: str, user: User | None, access_key_id: str) -> Any:
    """Return the row of a key of this user (None: of root), or None."""
    return connection.execute(
        sa.select(ACCESS_KEYS).where(
            ACCESS_KEYS.c.access_key_id == access_key_id,
            ACCESS_KEYS.c.account_id == account_id,
            ACCESS_KEYS.c.user_id.is_(None) if user is None else ACCESS_KEYS.c.user_id == user.user_id,
        )
    ).one_or_none()


def of_entity(table: sa.Table, kind: EntityKind, entity_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions that select one entity's rows of a table that serves several kinds of them."""
    return table.c.entity_kind == kind.value, table.c.entity_id == entity_id


def count(connection: sa.Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    """Count rows."""
    found: int = connection.execute(
        sa.select(sa.func.count()).select_from(table).where(*conditions)
    ).scalar_one()
    return found


def next_epoch(connection: sa.Connection, account_id: str) -> int:
    """Advance an account's policy epoch and return it. Raises RESOURCE_NOT_FOUND, also for a closed one.

    Called first in every change: the row's lock makes changes of one account follow each other, so that
    limits which are counted hold on every database.
    """
    updated = connection.execute(
        sa.update(ACCOUNTS)
        .where(ACCOUNTS.c.account_id == account_id, ACCOUNTS.c.closed.is_(False))
        .values(policy_epoch=ACCOUNTS.c.policy_epoch + 1)
        .returning(ACCOUNTS.c.policy_epoch)
    ).scalar_one_or_none()
    if updated is None:
        raise account_not_found(account_id)
    epoch: int = updated
    return epoch
