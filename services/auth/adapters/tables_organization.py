"""The tables of the organization: its units, the places of its accounts, and the policies on both."""

import sqlalchemy as sa

from services.auth.adapters.tables import METADATA

UNITS = sa.Table(
    "organization_units",
    METADATA,
    sa.Column("unit_id", sa.String(68), primary_key=True),
    # NULL for the root.
    sa.Column("parent_id", sa.String(68), sa.ForeignKey("organization_units.unit_id")),
    sa.Column("name", sa.String(128), nullable=False),
    # Ids from the root down to this unit, each with a "/" behind it: what stands below begins with it.
    sa.Column("path", sa.String(512), unique=True, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("parent_id", "name", name="one_unit_a_name"),
)

MEMBERS = sa.Table(
    "organization_members",
    METADATA,
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), primary_key=True),
    sa.Column("unit_id", sa.String(68), sa.ForeignKey("organization_units.unit_id"), nullable=False),
    sa.Index("organization_members_of_unit", "unit_id"),
)

CONTROL_POLICIES = sa.Table(
    "control_policies",
    METADATA,
    sa.Column("policy_id", sa.String(130), primary_key=True),
    sa.Column("policy_type", sa.String(32), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("description", sa.String(512), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("canonical", sa.Text, nullable=False),
    sa.Column("updated_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("policy_type", "name", name="one_control_policy_a_name"),
)

CONTROL_ATTACHMENTS = sa.Table(
    "control_attachments",
    METADATA,
    # A unit or an account: two tables, so that it refers to none. Whoever deletes a unit removes its rows.
    sa.Column("target_id", sa.String(68), primary_key=True),
    sa.Column("policy_id", sa.String(130), sa.ForeignKey("control_policies.policy_id"), primary_key=True),
    sa.Index("control_attachments_of_policy", "policy_id"),
)

CONTROL_TYPES = sa.Table(
    "control_policy_types",
    METADATA,
    # A type is enabled as long as it has a row.
    sa.Column("policy_type", sa.String(32), primary_key=True),
)
