"""The statements that add accounts, users and access keys."""

import sqlalchemy as sa

from services.auth.adapters.tables import ACCESS_KEYS, ACCOUNTS, POLICIES, USERS, to_microseconds
from services.auth.domain.identity import InlinePolicy
from services.auth.domain.records import AccessKey, Account, User

FIRST_EPOCH = 1
"""Of a new account's policies."""


def insert_account(
    connection: sa.Connection, account: Account, request_key: str | None, first_key: str | None
) -> None:
    """Add an account; its policies are at their first epoch."""
    connection.execute(
        sa.insert(ACCOUNTS).values(
            account_id=account.account_id,
            incarnation=account.incarnation,
            display_name=account.display_name,
            created_us=to_microseconds(account.created_at),
            policy_epoch=FIRST_EPOCH,
            request_key=request_key,
            first_access_key_id=first_key,
        )
    )


def insert_administrator(connection: sa.Connection, user: User, policy: InlinePolicy, key: AccessKey) -> None:
    """Add an account's first user, with a policy and a key."""
    insert_user(connection, user)
    insert_policy(connection, POLICIES.c.user_id, user.user_id, policy)
    insert_key(connection, key)


def insert_user(connection: sa.Connection, user: User) -> None:
    """Add a user."""
    connection.execute(
        sa.insert(USERS).values(
            user_id=user.user_id,
            account_id=user.account_id,
            path=user.path,
            user_name=user.user_name,
            name_key=user.user_name.lower(),
            created_us=to_microseconds(user.created_at),
        )
    )


def insert_key(connection: sa.Connection, key: AccessKey) -> None:
    """Add an access key."""
    connection.execute(
        sa.insert(ACCESS_KEYS).values(
            access_key_id=key.access_key_id,
            account_id=key.account_id,
            user_id=None if key.user is None else key.user.user_id,
            status=key.status.value,
            sealed_secret=key.sealed_secret,
            created_us=to_microseconds(key.created_at),
        )
    )


def insert_policy(
    connection: sa.Connection, bearer: sa.Column[str], bearer_id: str, policy: InlinePolicy
) -> None:
    """Add an inline policy to the table whose column `bearer` says whose it is."""
    connection.execute(
        sa.insert(bearer.table).values(
            {
                bearer.name: bearer_id,
                "policy_name": policy.policy_name,
                "document": policy.document,
                "canonical": policy.canonical,
                "updated_us": to_microseconds(policy.updated_at),
            }
        )
    )
