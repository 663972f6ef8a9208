"""What auth removes of an account: table by table, each before those that it refers to.

A test compares the lists with all tables that there are: a new one needs its line here.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from services.auth.adapters.tables import (
    ACCESS_KEYS,
    ACCOUNTS,
    AGREEMENTS,
    INSTALLATION,
    POLICIES,
    USE_CASES,
    USERS,
)
from services.auth.adapters.tables_endpoints import PRIVATE_LISTENERS, VPC_ENDPOINTS
from services.auth.adapters.tables_identity import (
    ATTACHMENTS,
    BOUNDARIES,
    GROUP_MEMBERS,
    GROUP_POLICIES,
    GROUPS,
    MANAGED_POLICIES,
    POLICY_VERSIONS,
    TAGS,
)
from services.auth.adapters.tables_oidc import FEDERATED_SESSIONS, OIDC_PROVIDERS
from services.auth.adapters.tables_organization import CONTROL_ATTACHMENTS, MEMBERS
from services.auth.adapters.tables_purges import ACCOUNT_PURGES
from services.auth.adapters.tables_roles import PASSED_ROLES, ROLE_POLICIES, ROLES, SESSIONS
from services.auth.adapters.tables_service_credentials import SERVICE_CREDENTIALS

_ID: sa.BindParameter[str] = sa.bindparam("of_account")


def _owned(table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.account_id == _ID


def _ids(table: sa.Table, column: str) -> sa.Select[tuple[str]]:
    return sa.select(table.c[column]).where(_owned(table))


_OF_ENTITY = sa.or_(
    TAGS.c.entity_id.in_(_ids(USERS, "user_id")),
    TAGS.c.entity_id.in_(_ids(ROLES, "role_id")),
    TAGS.c.entity_id.in_(_ids(MANAGED_POLICIES, "policy_id")),
)

RESOURCES: Mapping[sa.Table, sa.ColumnElement[bool]] = {
    FEDERATED_SESSIONS: FEDERATED_SESSIONS.c.access_key_id.in_(_ids(SESSIONS, "access_key_id")),
    SESSIONS: _owned(SESSIONS),
    PASSED_ROLES: _owned(PASSED_ROLES),
    AGREEMENTS: _owned(AGREEMENTS),
    USE_CASES: _owned(USE_CASES),
    VPC_ENDPOINTS: _owned(VPC_ENDPOINTS),
}
"""Always removed: temporary credentials, too, which are of the incarnation that they were given out in."""

PRINCIPALS: Mapping[sa.Table, sa.ColumnElement[bool]] = {
    PRIVATE_LISTENERS: _owned(PRIVATE_LISTENERS),
    TAGS: _OF_ENTITY,
    BOUNDARIES: _owned(BOUNDARIES),
    ATTACHMENTS: _owned(ATTACHMENTS),
    GROUP_MEMBERS: GROUP_MEMBERS.c.group_id.in_(_ids(GROUPS, "group_id")),
    GROUP_POLICIES: GROUP_POLICIES.c.group_id.in_(_ids(GROUPS, "group_id")),
    POLICY_VERSIONS: POLICY_VERSIONS.c.policy_id.in_(_ids(MANAGED_POLICIES, "policy_id")),
    MANAGED_POLICIES: _owned(MANAGED_POLICIES),
    SERVICE_CREDENTIALS: _owned(SERVICE_CREDENTIALS),
    ACCESS_KEYS: _owned(ACCESS_KEYS),
    POLICIES: POLICIES.c.user_id.in_(_ids(USERS, "user_id")),
    ROLE_POLICIES: ROLE_POLICIES.c.role_id.in_(_ids(ROLES, "role_id")),
    OIDC_PROVIDERS: _owned(OIDC_PROVIDERS),
    GROUPS: _owned(GROUPS),
    ROLES: _owned(ROLES),
    USERS: _owned(USERS),
}
"""Removed unless principals are kept, with what gives them rights and lets them in."""

KEPT: Mapping[str, str] = {
    ACCOUNTS.name: "Its id stays taken; alias and name are emptied.",
    ACCOUNT_PURGES.name: "It says what was purged, and has the certificates.",
    INSTALLATION.name: "The management account cannot be purged.",
    MEMBERS.name: "Where an account stands is the organization's.",
    CONTROL_ATTACHMENTS.name: "The policies on an account are the organization's.",
}
"""Tables with accounts that keep them, and why."""


def remove_account(connection: sa.Connection, account_id: str, *, keep_principals: bool) -> dict[str, int]:
    """Remove the rows of an account, and return how many there were of each kind."""
    tables = {**RESOURCES} if keep_principals else {**RESOURCES, **PRINCIPALS}
    counts: dict[str, int] = {}
    for table, condition in tables.items():
        found = connection.execute(sa.delete(table).where(condition), {"of_account": account_id})
        counts[table.name.replace("_", " ")] = found.rowcount
    if not keep_principals:
        # Nothing that anybody chose is left. The name says why the id is taken.
        cleared = {"alias": None, "request_key": None, "first_access_key_id": None, "display_name": "purged"}
        connection.execute(sa.update(ACCOUNTS).where(ACCOUNTS.c.account_id == account_id).values(**cleared))
    return counts
