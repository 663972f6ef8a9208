"""The organization: units, places of accounts, control policies and where they are attached."""

import base64
import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_STATEMENT = '"Action":["*"],"Resource":["*"]}]}'
_ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
_FULL_ACCESS = (
    {
        "policy_id": "p-FullAWSAccess",
        "policy_type": "SERVICE_CONTROL_POLICY",
        "name": "FullAWSAccess",
        "description": "Allows access to every operation",
        "document": f"{_ALLOW}{_STATEMENT}",
        "canonical": f"{_ALLOW}{_STATEMENT}",
        "updated_us": 0,
    },
    {
        "policy_id": "p-RCPFullAWSAccess",
        "policy_type": "RESOURCE_CONTROL_POLICY",
        "name": "RCPFullAWSAccess",
        "description": "Allows access to every resource",
        "document": f'{_ALLOW}"Principal":"*",{_STATEMENT}',
        "canonical": f'{_ALLOW}"Principal":{{"AWS":["*"]}},{_STATEMENT}',
        "updated_us": 0,
    },
)


def upgrade() -> None:
    """Create the tables, and give an installation that has accounts its root."""
    units = op.create_table(
        "organization_units",
        sa.Column("unit_id", sa.String(68), primary_key=True),
        sa.Column("parent_id", sa.String(68), sa.ForeignKey("organization_units.unit_id")),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("path", sa.String(512), unique=True, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("parent_id", "name", name="one_unit_a_name"),
    )
    members = op.create_table(
        "organization_members",
        sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), primary_key=True),
        sa.Column("unit_id", sa.String(68), sa.ForeignKey("organization_units.unit_id"), nullable=False),
    )
    op.create_index("organization_members_of_unit", "organization_members", ["unit_id"])
    policies = op.create_table(
        "control_policies",
        sa.Column("policy_id", sa.String(130), primary_key=True),
        sa.Column("policy_type", sa.String(32), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("description", sa.String(512), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("canonical", sa.Text, nullable=False),
        sa.Column("updated_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("policy_type", "name", name="one_control_policy_a_name"),
    )
    attachments = op.create_table(
        "control_attachments",
        sa.Column("target_id", sa.String(68), primary_key=True),
        sa.Column("policy_id", sa.String(130), sa.ForeignKey("control_policies.policy_id"), primary_key=True),
    )
    op.create_index("control_attachments_of_policy", "control_attachments", ["policy_id"])
    types = op.create_table("control_policy_types", sa.Column("policy_type", sa.String(32), primary_key=True))
    op.bulk_insert(policies, list(_FULL_ACCESS))

    connection = op.get_bind()
    found = connection.execute(
        sa.text(
            "SELECT organization_id, created_us FROM installation"
            " JOIN accounts ON account_id = management_account_id"
        )
    ).one_or_none()
    if found is None:
        return
    digest = hashlib.sha256(found.organization_id.encode()).digest()
    root = "r-" + base64.b32encode(digest).decode().lower()[:4]
    op.bulk_insert(
        units,
        [
            {
                "unit_id": root,
                "parent_id": None,
                "name": "Root",
                "path": f"{root}/",
                "created_us": found.created_us,
            }
        ],
    )
    op.bulk_insert(types, [{"policy_type": each["policy_type"]} for each in _FULL_ACCESS])
    accounts = sa.table("accounts", sa.column("account_id"))
    connection.execute(
        members.insert().from_select(
            ["account_id", "unit_id"], sa.select(accounts.c.account_id, sa.literal(root))
        )
    )
    for policy in _FULL_ACCESS:
        policy_id = sa.literal(policy["policy_id"])
        connection.execute(
            attachments.insert().from_select(
                ["target_id", "policy_id"],
                sa.union_all(
                    sa.select(units.c.unit_id, policy_id), sa.select(members.c.account_id, policy_id)
                ),
            )
        )
