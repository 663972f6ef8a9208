"""A small SigV4 signer for our own clients and tests; `services.chassis.sigv4` verifies what it makes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from services.chassis.secret import SecretBytes
from services.chassis.sigv4 import (
    ALGORITHM,
    Authorization,
    Credential,
    canonical_request,
    derive_signing_key,
    format_date,
    header_fields,
    sign,
    string_to_sign,
)

TOKEN_REQUEST_PATH = b"/craton.auth.v1.TokenService/GetToken"


@dataclass(frozen=True, slots=True)
class SigningCredentials:
    """An access key with its secret, for our own clients."""

    access_key_id: str
    secret: SecretBytes
    region: str
    service: str = "bedrock"


@dataclass(frozen=True, slots=True)
class SignedString:
    """A signature together with what it covers: the three parts that a SignedRequest message carries."""

    credential: Credential
    string_to_sign: bytes
    signature: bytes


def sign_headers(
    credentials: SigningCredentials,
    method: str,
    raw_path: bytes,
    raw_query: bytes,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> dict[str, str]:
    """Return `headers` (which name host) with X-Amz-Date and Authorization added; all of them are signed."""
    signed = {name.lower(): value for name, value in headers.items()} | {"x-amz-date": format_date(now)}
    fields = header_fields([(name.encode(), value.encode()) for name, value in signed.items()])
    result = _sign(credentials, method, raw_path, raw_query, fields, body, now)
    signed["authorization"] = (
        f"{ALGORITHM.decode()} Credential={credentials.access_key_id}/{result.credential.scope}, "
        f"SignedHeaders={';'.join(sorted(signed))}, Signature={result.signature.hex()}"
    )
    return signed


def sign_token_request(
    credentials: SigningCredentials, host: str, audience: str, now: datetime
) -> SignedString:
    """Sign the canonical request of craton.auth.v1.TokenService/GetToken: its body is the audience."""
    fields = {b"host": host.encode(), b"x-amz-date": format_date(now).encode()}
    return _sign(credentials, "POST", TOKEN_REQUEST_PATH, b"", fields, audience.encode(), now)


def token_request_string(credential: Credential, host: str, audience: str, signed_at: datetime) -> bytes:
    """Rebuild the string to sign that `sign_token_request` signed, to compare with what a client sent."""
    amz_date = format_date(signed_at).encode()
    fields = {b"host": host.encode(), b"x-amz-date": amz_date}
    return _string_for(credential, "POST", TOKEN_REQUEST_PATH, b"", fields, audience.encode())


def _string_for(
    credential: Credential,
    method: str,
    raw_path: bytes,
    raw_query: bytes,
    fields: Mapping[bytes, bytes],
    body: bytes,
) -> bytes:
    names = tuple(sorted(fields))
    authorization = Authorization(credential, credential.scope.encode(), names, b";".join(names))
    payload = sha256(body).hexdigest().encode()
    canonical = canonical_request(method.encode(), raw_path, raw_query, fields, authorization, payload)
    return string_to_sign(fields[b"x-amz-date"], authorization.scope, canonical)


def _sign(
    credentials: SigningCredentials,
    method: str,
    raw_path: bytes,
    raw_query: bytes,
    fields: Mapping[bytes, bytes],
    body: bytes,
    now: datetime,
) -> SignedString:
    date = format_date(now)[:8]
    credential = Credential(credentials.access_key_id, date, credentials.region, credentials.service)
    to_sign = _string_for(credential, method, raw_path, raw_query, fields, body)
    key = derive_signing_key(credentials.secret, date, credentials.region, credentials.service)
    return SignedString(credential, to_sign, sign(key, to_sign))
