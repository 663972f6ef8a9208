"""The tables of roles and of temporary credentials."""

import sqlalchemy as sa

from services.auth.adapters.tables import METADATA

ROLES = sa.Table(
    "roles",
    METADATA,
    sa.Column("role_id", sa.String(21), primary_key=True),
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    sa.Column("path", sa.String(512), nullable=False, server_default="/"),
    sa.Column("role_name", sa.String(64), nullable=False),
    # AWS: names of roles are unique in the account without regard to case.
    sa.Column("name_key", sa.String(64), nullable=False),
    sa.Column("trust", sa.Text, nullable=False),
    sa.Column("canonical_trust", sa.Text, nullable=False),
    sa.Column("description", sa.String(1000), nullable=False),
    sa.Column("max_session_s", sa.Integer, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("account_id", "name_key", name="one_role_a_name"),
)

ROLE_POLICIES = sa.Table(
    "role_policies",
    METADATA,
    sa.Column("role_id", sa.String(21), sa.ForeignKey("roles.role_id"), primary_key=True),
    sa.Column("policy_name", sa.String(128), primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("canonical", sa.Text, nullable=False),
    sa.Column("updated_us", sa.BigInteger, nullable=False),
)

PASSED_ROLES = sa.Table(
    "passed_roles",
    METADATA,
    sa.Column("pass_id", sa.String(32), primary_key=True),
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    sa.Column("role_id", sa.String(21), sa.ForeignKey("roles.role_id"), nullable=False),
    sa.Column("service", sa.String(63), nullable=False),
    sa.Column("resource_arn", sa.String(1011), nullable=False),
    sa.Column("passed_by", sa.String(2048), nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("role_id", "service", "resource_arn", name="passed_once"),
    sa.Index("passed_roles_of_account", "account_id"),
)

SESSIONS = sa.Table(
    "sessions",
    METADATA,
    sa.Column("access_key_id", sa.String(128), primary_key=True),
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    # One of the two; neither for the root user.
    sa.Column("role_id", sa.String(21), sa.ForeignKey("roles.role_id")),
    sa.Column("user_id", sa.String(21), sa.ForeignKey("users.user_id")),
    sa.Column("session_name", sa.String(64), nullable=False),
    sa.Column("token_sha256", sa.LargeBinary(32), nullable=False),
    sa.Column("sealed_secret", sa.LargeBinary, nullable=False),
    # JSON: lists of canonical documents and of managed policies' ids; with neither it was not narrowed.
    sa.Column("policies", sa.Text),
    sa.Column("policy_ids", sa.Text),
    # JSON: pairs, sorted by key; and a list of keys in lower case.
    sa.Column("tags", sa.Text, nullable=False),
    sa.Column("transitive_keys", sa.Text, nullable=False),
    sa.Column("source_identity", sa.String(64), nullable=False),
    sa.Column("source_key_id", sa.String(128)),
    sa.Column("pass_id", sa.String(32), sa.ForeignKey("passed_roles.pass_id")),
    sa.Column("issued_us", sa.BigInteger, nullable=False),
    sa.Column("expires_us", sa.BigInteger, nullable=False),
    sa.Index("sessions_of_role", "role_id"),
    sa.Index("sessions_of_user", "user_id"),
    sa.Index("sessions_of_pass", "pass_id"),
    sa.Index("sessions_expiry", "expires_us"),
)
