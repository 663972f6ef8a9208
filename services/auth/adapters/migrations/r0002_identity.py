"""Groups, managed policies with versions, attachments, permissions boundaries and tags."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "groups",
        sa.Column("group_id", sa.String(21), primary_key=True),
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
        sa.Column("group_name", sa.String(128), nullable=False),
        sa.Column("name_key", sa.String(128), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("account_id", "name_key", name="one_group_a_name"),
    )
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.String(21), sa.ForeignKey("groups.group_id"), primary_key=True),
        sa.Column("user_id", sa.String(21), sa.ForeignKey("users.user_id"), primary_key=True),
    )
    op.create_index("group_members_user", "group_members", ["user_id"])
    op.create_table(
        "group_policies",
        sa.Column("group_id", sa.String(21), sa.ForeignKey("groups.group_id"), primary_key=True),
        sa.Column("policy_name", sa.String(128), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("canonical", sa.Text, nullable=False),
        sa.Column("updated_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "managed_policies",
        sa.Column("policy_id", sa.String(21), primary_key=True),
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
        sa.Column("policy_name", sa.String(128), nullable=False),
        sa.Column("name_key", sa.String(128), nullable=False),
        sa.Column("description", sa.String(1000), nullable=False),
        sa.Column("default_version", sa.Integer, nullable=False),
        sa.Column("last_version", sa.Integer, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("updated_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("account_id", "name_key", name="one_managed_policy_a_name"),
    )
    op.create_table(
        "policy_versions",
        sa.Column("policy_id", sa.String(21), sa.ForeignKey("managed_policies.policy_id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("canonical", sa.Text, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "policy_attachments",
        sa.Column("entity_kind", sa.String(8), primary_key=True),
        sa.Column("entity_id", sa.String(21), primary_key=True),
        sa.Column("policy_id", sa.String(21), primary_key=True),
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    )
    op.create_index("policy_attachments_policy", "policy_attachments", ["account_id", "policy_id"])
    op.create_table(
        "permissions_boundaries",
        sa.Column("entity_kind", sa.String(8), primary_key=True),
        sa.Column("entity_id", sa.String(21), primary_key=True),
        sa.Column("policy_id", sa.String(21), nullable=False),
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    )
    op.create_index("permissions_boundaries_policy", "permissions_boundaries", ["account_id", "policy_id"])
    op.create_table(
        "entity_tags",
        sa.Column("entity_kind", sa.String(8), primary_key=True),
        sa.Column("entity_id", sa.String(21), primary_key=True),
        sa.Column("tag_key_lower", sa.String(128), primary_key=True),
        sa.Column("tag_key", sa.String(128), nullable=False),
        sa.Column("tag_value", sa.String(256), nullable=False),
    )
