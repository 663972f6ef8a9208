"""Identifiers and secrets in the shapes that AWS clients know."""

import base64

from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes

ADMINISTRATOR_POLICY_NAME = "AdministratorAccess"
ADMINISTRATOR_POLICY = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["*"],"Resource":["*"]}]}'
)
"""What the first user of an account may do; equal to AWS's managed policy of this name."""


def new_access_key_id(randomness: Randomness) -> str:
    """Return "AKIA" and 16 characters of A-Z and 2-7: 80 random bits."""
    return "AKIA" + base64.b32encode(randomness.token_bytes(10)).decode()


def new_temporary_key_id(randomness: Randomness) -> str:
    """Return "ASIA" and 16 characters, of credentials that need a session token as well."""
    return "ASIA" + base64.b32encode(randomness.token_bytes(10)).decode()


def new_secret(randomness: Randomness) -> SecretBytes:
    """Return a secret access key: 40 characters that carry 240 random bits."""
    return SecretBytes(base64.b64encode(randomness.token_bytes(30)))


def new_user_id(randomness: Randomness) -> str:
    """Return "AIDA" and 17 characters."""
    return "AIDA" + base64.b32encode(randomness.token_bytes(11)).decode()[:17]


def new_role_id(randomness: Randomness) -> str:
    """Return "AROA" and 17 characters."""
    return "AROA" + base64.b32encode(randomness.token_bytes(11)).decode()[:17]


def new_group_id(randomness: Randomness) -> str:
    """Return "AGPA" and 17 characters."""
    return "AGPA" + base64.b32encode(randomness.token_bytes(11)).decode()[:17]


def new_policy_id(randomness: Randomness) -> str:
    """Return "ANPA" and 17 characters, of a managed policy."""
    return "ANPA" + base64.b32encode(randomness.token_bytes(11)).decode()[:17]


def new_provider_id(randomness: Randomness) -> str:
    """Return "OIDC" and 17 characters, of an OpenID Connect provider. AWS has no ids of them."""
    return "OIDC" + base64.b32encode(randomness.token_bytes(11)).decode()[:17]


def new_account_id(randomness: Randomness) -> str:
    """Return twelve random digits. The store refuses one that exists."""
    # 64 bits modulo 10^12: the bias is below 10^-7 and the id is no secret.
    return f"{int.from_bytes(randomness.token_bytes(8), 'big') % 10**12:012d}"


def new_incarnation(randomness: Randomness) -> str:
    """Return the random id of one incarnation of an account: 32 hex digits."""
    return randomness.token_bytes(16).hex()


def new_organization_id(randomness: Randomness) -> str:
    """Return "o-" and ten characters of a-z and 2-7."""
    return "o-" + base64.b32encode(randomness.token_bytes(7)).decode().lower()[:10]


def new_credential_id(randomness: Randomness) -> str:
    """Return "ACCA" and 17 characters, as AWS has them for credentials of one service."""
    return "ACCA" + base64.b32encode(randomness.token_bytes(11)).decode()[:17]


def new_api_key_secret(randomness: Randomness) -> SecretBytes:
    """Return the secret part of a long-term key: 44 characters that carry 256 random bits."""
    return SecretBytes(base64.b64encode(randomness.token_bytes(32)))


def alias_of(user_name: str, account_id: str, number: int) -> str:
    """Return the alias of a user's credential: "alice-at-123456789012", then "alice+1-at-123456789012"."""
    return f"{user_name}{f'+{number}' if number else ''}-at-{account_id}"
