"""The tables of groups, managed policies, and of what hangs on users, groups and roles.

An entity is a user, a group or a role, named by its kind and its unique id: several tables serve all
three kinds, so that they cannot refer to one table of entities. Whoever deletes an entity removes its rows
here in the same transaction, or refuses. A policy id can be that of a built-in policy, which has no row.
"""

import sqlalchemy as sa

from services.auth.adapters.tables import METADATA

GROUPS = sa.Table(
    "groups",
    METADATA,
    sa.Column("group_id", sa.String(21), primary_key=True),
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    sa.Column("path", sa.String(512), nullable=False, server_default="/"),
    sa.Column("group_name", sa.String(128), nullable=False),
    # AWS: names of groups are unique in the account without regard to case.
    sa.Column("name_key", sa.String(128), nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("account_id", "name_key", name="one_group_a_name"),
)

GROUP_MEMBERS = sa.Table(
    "group_members",
    METADATA,
    sa.Column("group_id", sa.String(21), sa.ForeignKey("groups.group_id"), primary_key=True),
    sa.Column("user_id", sa.String(21), sa.ForeignKey("users.user_id"), primary_key=True),
    sa.Index("group_members_user", "user_id"),
)

GROUP_POLICIES = sa.Table(
    "group_policies",
    METADATA,
    sa.Column("group_id", sa.String(21), sa.ForeignKey("groups.group_id"), primary_key=True),
    sa.Column("policy_name", sa.String(128), primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("canonical", sa.Text, nullable=False),
    sa.Column("updated_us", sa.BigInteger, nullable=False),
)

MANAGED_POLICIES = sa.Table(
    "managed_policies",
    METADATA,
    sa.Column("policy_id", sa.String(21), primary_key=True),
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    sa.Column("path", sa.String(512), nullable=False, server_default="/"),
    sa.Column("policy_name", sa.String(128), nullable=False),
    # AWS: names of managed policies are unique in the account without regard to case.
    sa.Column("name_key", sa.String(128), nullable=False),
    sa.Column("description", sa.String(1000), nullable=False),
    sa.Column("default_version", sa.Integer, nullable=False),
    # The number that the newest version got: those of deleted versions are never given again.
    sa.Column("last_version", sa.Integer, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("updated_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("account_id", "name_key", name="one_managed_policy_a_name"),
)

POLICY_VERSIONS = sa.Table(
    "policy_versions",
    METADATA,
    sa.Column("policy_id", sa.String(21), sa.ForeignKey("managed_policies.policy_id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("canonical", sa.Text, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
)

ATTACHMENTS = sa.Table(
    "policy_attachments",
    METADATA,
    # "user", "group" or "role".
    sa.Column("entity_kind", sa.String(8), primary_key=True),
    sa.Column("entity_id", sa.String(21), primary_key=True),
    sa.Column("policy_id", sa.String(21), primary_key=True),
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    sa.Index("policy_attachments_policy", "account_id", "policy_id"),
)

BOUNDARIES = sa.Table(
    "permissions_boundaries",
    METADATA,
    # "user" or "role".
    sa.Column("entity_kind", sa.String(8), primary_key=True),
    sa.Column("entity_id", sa.String(21), primary_key=True),
    sa.Column("policy_id", sa.String(21), nullable=False),
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    sa.Index("permissions_boundaries_policy", "account_id", "policy_id"),
)

TAGS = sa.Table(
    "entity_tags",
    METADATA,
    # "user", "role" or "policy".
    sa.Column("entity_kind", sa.String(8), primary_key=True),
    sa.Column("entity_id", sa.String(21), primary_key=True),
    # AWS: keys of an IAM resource's tags are unique without regard to case.
    sa.Column("tag_key_lower", sa.String(128), primary_key=True),
    sa.Column("tag_key", sa.String(128), nullable=False),
    sa.Column("tag_value", sa.String(256), nullable=False),
)
