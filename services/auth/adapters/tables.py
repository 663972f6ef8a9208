"""The tables of auth. Times are microseconds since 1970 in UTC."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

METADATA = sa.MetaData()

INSTALLATION = sa.Table(
    "installation",
    METADATA,
    # One row: the primary key has one possible value.
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    sa.Column("management_account_id", sa.String(12), nullable=False),
    sa.Column("organization_id", sa.String(34), nullable=False),
)

ACCOUNTS = sa.Table(
    "accounts",
    METADATA,
    sa.Column("account_id", sa.String(12), primary_key=True),
    sa.Column("incarnation", sa.String(32), nullable=False),
    sa.Column("display_name", sa.String(50), nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("policy_epoch", sa.BigInteger, nullable=False),
    # NULL when the creator gave none: several NULLs do not violate the constraint.
    sa.Column("request_key", sa.String(128), unique=True),
    sa.Column("first_access_key_id", sa.String(128)),
    # AWS: an alias is unique among all accounts.
    sa.Column("alias", sa.String(63)),
    # Nobody acts for it: a purge removes it, or has removed it. Its id stays taken.
    sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("one_account_an_alias", "alias", unique=True),
)

USERS = sa.Table(
    "users",
    METADATA,
    sa.Column("user_id", sa.String(21), primary_key=True),
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    sa.Column("path", sa.String(512), nullable=False, server_default="/"),
    sa.Column("user_name", sa.String(64), nullable=False),
    # AWS: names of users are unique in the account without regard to case.
    sa.Column("name_key", sa.String(64), nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("account_id", "name_key", name="one_user_a_name"),
)

ACCESS_KEYS = sa.Table(
    "access_keys",
    METADATA,
    sa.Column("access_key_id", sa.String(128), primary_key=True),
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), nullable=False),
    # NULL for a key of the root user.
    sa.Column("user_id", sa.String(21), sa.ForeignKey("users.user_id")),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("sealed_secret", sa.LargeBinary, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    # NULL, all three, before the first use.
    sa.Column("used_us", sa.BigInteger),
    sa.Column("used_region", sa.String(32)),
    sa.Column("used_service", sa.String(64)),
    sa.Index("access_keys_of_user", "account_id", "user_id"),
)

POLICIES = sa.Table(
    "policies",
    METADATA,
    sa.Column("user_id", sa.String(21), sa.ForeignKey("users.user_id"), primary_key=True),
    sa.Column("policy_name", sa.String(128), primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("canonical", sa.Text, nullable=False),
    sa.Column("updated_us", sa.BigInteger, nullable=False),
)

AGREEMENTS = sa.Table(
    "agreements",
    METADATA,
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), primary_key=True),
    sa.Column("region", sa.String(32), primary_key=True),
    sa.Column("model_id", sa.String(256), primary_key=True),
    sa.Column("offer_id", sa.String(128), nullable=False),
    sa.Column("eula_sha256", sa.String(64), nullable=False),
    sa.Column("accepted_us", sa.BigInteger, nullable=False),
    sa.Column("accepted_by", sa.String(2048), nullable=False),
)

USE_CASES = sa.Table(
    "use_cases",
    METADATA,
    sa.Column("account_id", sa.String(12), sa.ForeignKey("accounts.account_id"), primary_key=True),
    sa.Column("sealed_form", sa.LargeBinary, nullable=False),
)

TOKEN_KEYS = sa.Table(
    "token_keys",
    METADATA,
    # Each key follows another one, so that of two replicas that rotate at once only one succeeds.
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key_id", sa.String(64), unique=True, nullable=False),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("sealed_private_key", sa.LargeBinary, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
)

SEEN_SIGNATURES = sa.Table(
    "seen_signatures",
    METADATA,
    sa.Column("signature_sha256", sa.LargeBinary(32), primary_key=True),
    sa.Column("first_seen_us", sa.BigInteger, nullable=False),
    sa.Column("until_us", sa.BigInteger, nullable=False),
    sa.Column("ahead", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("seen_signatures_until", "until_us"),
    sa.Index("seen_signatures_ahead", "ahead"),
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(moment: datetime) -> int:
    """Return a time as it is stored."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """Return a stored time in UTC."""
    return _EPOCH + count * _MICROSECOND
