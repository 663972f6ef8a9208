"""Amazon Bedrock API keys, as they travel in `Authorization: Bearer`: the two forms that AWS gives them.

A long-term key is a service-specific credential of a user: `ABSK` and the base64 of `ALIAS:SECRET`. A
short-term key is a request presigned with an access key, `bedrock-api-key-` and the base64 of its URL;
whoever holds one may act as its principal until it expires, at most twelve hours. No other presigned request
is accepted anywhere.

AWS: https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-reference.html and the package
aws-bedrock-token-generator, which makes short-term keys.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import unquote_to_bytes

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis import sigv4
from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import SigningCredentials

MAX_CHARS = 8192
"""Characters of a key. One with the session token of this installation has about 700."""
LONGEST_LIFE = timedelta(hours=12)
SIGNING_NAME = "bedrock"
BEARER_PERMISSION = "bedrock:CallWithBearerToken"
"""The permission that a principal needs to be spoken for by an API key, beside that of the operation."""

_LONG_TERM = "ABSK"
_SHORT_TERM = "bedrock-api-key-"
_HOST = b"bedrock.amazonaws.com"
_ACTION = b"CallWithBearerToken"
_ALIAS = re.compile(rb"[A-Za-z0-9+=,.@_-]{1,200}")
_SECRET = re.compile(rb"[!-~]{20,128}")
_SIGNATURE = re.compile(rb"[0-9a-f]{64}")
_SECONDS = re.compile(rb"[1-9][0-9]{0,5}")
_REQUIRED = frozenset(
    {
        b"Action",
        b"X-Amz-Algorithm",
        b"X-Amz-Credential",
        b"X-Amz-Date",
        b"X-Amz-Expires",
        b"X-Amz-SignedHeaders",
        b"X-Amz-Signature",
        b"Version",
    }
)
_UNSIGNED = frozenset({b"X-Amz-Signature", b"Version"})
_TOKEN = b"X-Amz-Security-Token"


@dataclass(frozen=True, slots=True)
class LongTermKey:
    """A long-term key, taken apart."""

    alias: str
    """Its public part, for example "alice-at-123456789012"."""
    secret: SecretBytes


@dataclass(frozen=True, slots=True)
class ShortTermKey:
    """A short-term key, taken apart: a signature, and what it covers."""

    credential: sigv4.Credential
    string_to_sign: bytes
    signature: bytes = field(repr=False)
    session_token: str = field(repr=False)
    """Of temporary credentials; empty for long-term ones."""
    signed_at: datetime
    lifetime: timedelta
    """From `signed_at`, as the signer asked for; at most LONGEST_LIFE."""

    @property
    def expires_at(self) -> datetime:
        """When it ends, if the credentials behind it do not end before."""
        return self.signed_at + self.lifetime


ApiKey = LongTermKey | ShortTermKey


def invalid_api_key() -> DomainError:
    """Build the refusal of a key that is malformed, unknown, inactive, or of nobody: all look the same."""
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_API_KEY,
        "Authentication failed: Please make sure your API Key is valid.",
    )


def expired_api_key() -> DomainError:
    """Build the refusal of a key that was valid once."""
    return DomainError(ErrorReason.ERROR_REASON_EXPIRED_API_KEY, "Bearer Token has expired")


def parse(text: str) -> ApiKey:
    """Take a key apart. Raises INVALID_API_KEY for what is no such key; nothing is verified."""
    if len(text) > MAX_CHARS:
        raise invalid_api_key()
    if text.startswith(_SHORT_TERM):
        return _parse_short_term(_decode(text.removeprefix(_SHORT_TERM)))
    if text.startswith(_LONG_TERM):
        alias, colon, secret = _decode(text.removeprefix(_LONG_TERM)).partition(b":")
        if colon and _ALIAS.fullmatch(alias) and _SECRET.fullmatch(secret):
            return LongTermKey(alias.decode(), SecretBytes(secret))
    raise invalid_api_key()


def long_term(alias: str, secret: SecretBytes) -> SecretBytes:
    """Return the long-term key of an alias and its secret, as clients send it."""
    return SecretBytes(_LONG_TERM.encode() + base64.b64encode(alias.encode() + b":" + secret.reveal()))


def presign(
    credentials: SigningCredentials, signed_at: datetime, lifetime: timedelta, session_token: str = ""
) -> SecretBytes:
    """Make a short-term key. Raises ValueError for a life that no key can have."""
    if not timedelta(0) < lifetime <= LONGEST_LIFE:
        raise ValueError("a short-term API key lives at most twelve hours")
    moment = sigv4.format_date(signed_at)
    scope = sigv4.Credential(credentials.access_key_id, moment[:8], credentials.region, SIGNING_NAME)
    asked = {
        b"Action": _ACTION,
        b"X-Amz-Algorithm": sigv4.ALGORITHM,
        b"X-Amz-Credential": f"{scope.access_key_id}/{scope.scope}".encode(),
        b"X-Amz-Date": moment.encode(),
        b"X-Amz-Expires": b"%d" % lifetime.total_seconds(),
        b"X-Amz-SignedHeaders": b"host",
    }
    if session_token:
        asked[_TOKEN] = session_token.encode()
    query = sigv4.encode_query(asked.items())
    to_sign = sigv4.string_to_sign(moment.encode(), scope.scope.encode(), _canonical(query))
    key = sigv4.derive_signing_key(credentials.secret, scope.date, scope.region, scope.service)
    signature = sigv4.sign(key, to_sign).hex().encode()
    url = _HOST + b"/?" + query + b"&X-Amz-Signature=" + signature + b"&Version=1"
    return SecretBytes(_SHORT_TERM.encode() + base64.b64encode(url))


def _decode(text: str) -> bytes:
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid_api_key() from None
    # One key has one spelling: what is remembered of it is remembered by that.
    if base64.b64encode(decoded) != text.encode():
        raise invalid_api_key()
    return decoded


def _parse_short_term(url: bytes) -> ShortTermKey:
    address, _, query = url.partition(b"?")
    if address != _HOST + b"/":
        raise invalid_api_key()
    values: dict[bytes, bytes] = {}
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        if name in values:
            raise invalid_api_key()
        values[name] = unquote_to_bytes(value)
    if set(values) - {_TOKEN} != _REQUIRED:
        raise invalid_api_key()
    if (
        values[b"Action"] != _ACTION
        or values[b"Version"] != b"1"
        or values[b"X-Amz-Algorithm"] != sigv4.ALGORITHM
        or values[b"X-Amz-SignedHeaders"] != b"host"
        or _SECONDS.fullmatch(values[b"X-Amz-Expires"]) is None
        or _SIGNATURE.fullmatch(values[b"X-Amz-Signature"]) is None
    ):
        raise invalid_api_key()
    lifetime = timedelta(seconds=int(values[b"X-Amz-Expires"]))
    try:
        credential = sigv4.parse_credential(values[b"X-Amz-Credential"].decode("latin-1"))
        signed_at = sigv4.parse_date(values[b"X-Amz-Date"])
        session_token = values.get(_TOKEN, b"").decode("ascii")
    except (DomainError, UnicodeDecodeError):
        raise invalid_api_key() from None
    if lifetime > LONGEST_LIFE or credential.service != SIGNING_NAME:
        raise invalid_api_key()
    if values[b"X-Amz-Date"][:8].decode() != credential.date:
        raise invalid_api_key()
    covered = sigv4.encode_query((name, value) for name, value in values.items() if name not in _UNSIGNED)
    to_sign = sigv4.string_to_sign(values[b"X-Amz-Date"], credential.scope.encode(), _canonical(covered))
    signature = bytes.fromhex(values[b"X-Amz-Signature"].decode())
    return ShortTermKey(credential, to_sign, signature, session_token, signed_at, lifetime)


def _canonical(query: bytes) -> bytes:
    """Return the canonical request that a short-term key is the signature of."""
    return b"\n".join((b"POST", b"/", query, b"host:" + _HOST, b"", b"host", sigv4.EMPTY_SHA256))
