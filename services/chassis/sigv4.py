"""AWS Signature Version 4, header form: parsing, canonical form, key derivation and verification.

Follows "Create a signed AWS API request" of the AWS IAM user guide, strictly: what is ambiguous is refused.
Everything is bytes as they came over the wire, because a decoded path or header can no longer be verified.
Refusals are DomainErrors whose messages are AWS's own; they never repeat a signature.
"""

import functools
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.secret import SecretBytes

ALGORITHM = b"AWS4-HMAC-SHA256"
MAX_SKEW = timedelta(minutes=5)
"""How far the signature's date may be from our clock, either way, as at AWS."""
EMPTY_SHA256 = sha256(b"").hexdigest().encode()

_TERMINATOR = "aws4_request"
# Real headers stay far below this; a longer one would only fill the parser's cache.
_MAX_AUTHORIZATION = 4096
_CREDENTIAL = re.compile(r"([A-Z0-9]{16,128})/([0-9]{8})/([a-z0-9-]{1,32})/([a-z0-9-]{1,64})/aws4_request")
_SIGNED_HEADERS = re.compile(rb"[a-z0-9!#$%&'*+.^_`|~-]+(?:;[a-z0-9!#$%&'*+.^_`|~-]+)*")
_SIGNATURE = re.compile(rb"[0-9a-f]{64}")
_PLAIN_PATH = re.compile(rb"/[A-Za-z0-9/_.~-]*")
_DATE = re.compile(rb"[0-9]{8}T[0-9]{6}Z")

MISMATCH_MESSAGE = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details."
)


def _incomplete(message: str) -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_INCOMPLETE_SIGNATURE, message)


def mismatch(message: str = MISMATCH_MESSAGE) -> DomainError:
    """Build the refusal of a signature that does not verify."""
    return DomainError(ErrorReason.ERROR_REASON_SIGNATURE_MISMATCH, message)


class Credential(NamedTuple):
    """The Credential parameter: a key id and the scope its signing key was derived for."""

    access_key_id: str
    date: str
    """UTC day, "YYYYMMDD"."""
    region: str
    service: str
    """Signing name, for example "bedrock"."""

    @property
    def scope(self) -> str:
        """The credential scope, for example "20260102/us-east-1/bedrock/aws4_request"."""
        return f"{self.date}/{self.region}/{self.service}/{_TERMINATOR}"


@dataclass(frozen=True, slots=True)
class Authorization:
    """A parsed Authorization header, except for the signature."""

    credential: Credential
    scope: bytes
    signed_headers: tuple[bytes, ...]
    """Lower-case, sorted, without duplicates; host is among them."""
    signed_headers_line: bytes


@dataclass(frozen=True, slots=True)
class StringToSign:
    """What a string to sign says, for a verifier that never saw the request itself."""

    signed_at: datetime
    scope: str
    canonical_request_sha256: str


def parse_authorization(value: bytes) -> tuple[Authorization, bytes]:
    """Parse an Authorization header into its fixed part and the signature (32 bytes).

    Raises MISSING_CREDENTIALS when it is not SigV4, INCOMPLETE_SIGNATURE when it is malformed.
    """
    if len(value) > _MAX_AUTHORIZATION:
        raise _incomplete("Authorization header is too long.")
    if not value.startswith(ALGORITHM):
        raise DomainError(ErrorReason.ERROR_REASON_MISSING_CREDENTIALS, "Missing Authentication Token")
    # SDKs send the signature last; what stands before it repeats from request to request.
    head, _, signature = value.rpartition(b"Signature=")
    if not head.endswith((b", ", b",")) or _SIGNATURE.fullmatch(signature) is None:
        head, signature = _split_anywhere(value)
    return _parse_head(head), bytes.fromhex(signature.decode())


def _split_anywhere(value: bytes) -> tuple[bytes, bytes]:
    parts = [part.strip() for part in value[len(ALGORITHM) :].split(b",")]
    signatures = [part for part in parts if part.startswith(b"Signature=")]
    if len(signatures) != 1:
        raise _incomplete("Authorization header requires 'Signature' parameter.")
    signature = signatures[0].removeprefix(b"Signature=")
    if _SIGNATURE.fullmatch(signature) is None:
        raise _incomplete(
            "The 'Signature' parameter of the Authorization header must be 64 lower-case hex digits."
        )
    parts.remove(signatures[0])
    return ALGORITHM + b" " + b",".join(parts), signature


@functools.lru_cache(maxsize=1024)
def _parse_head(head: bytes) -> Authorization:
    rest = head[len(ALGORITHM) :]
    if not rest.startswith(b" "):
        raise _incomplete("Authorization header requires a space after the algorithm.")
    parameters: dict[bytes, bytes] = {}
    for part in rest.split(b","):
        part = part.strip()
        if not part:
            continue
        name, separator, text = part.partition(b"=")
        if not separator:
            raise _incomplete(
                "A part of the Authorization header is not a valid key=value pair (missing equal-sign)."
            )
        if name not in (b"Credential", b"SignedHeaders") or name in parameters:
            raise _incomplete("Authorization header has an unknown or repeated parameter.")
        parameters[name] = text
    for name in (b"Credential", b"SignedHeaders"):
        if name not in parameters:
            raise _incomplete(f"Authorization header requires '{name.decode()}' parameter.")
    credential = parse_credential(parameters[b"Credential"].decode("latin-1"))
    line = parameters[b"SignedHeaders"]
    if _SIGNED_HEADERS.fullmatch(line) is None:
        raise _incomplete("'SignedHeaders' must be lower-case header names separated by semicolons.")
    names = tuple(line.split(b";"))
    if list(names) != sorted(set(names)):
        raise _incomplete("'SignedHeaders' must be sorted and name each header once.")
    if b"host" not in names:
        raise mismatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    return Authorization(credential, credential.scope.encode(), names, line)


def parse_credential(text: str) -> Credential:
    """Parse "<key id>/<date>/<region>/<service>/aws4_request". Raises INCOMPLETE_SIGNATURE."""
    match = _CREDENTIAL.fullmatch(text)
    if match is None:
        raise _incomplete(
            "Credential must have exactly 5 slash-delimited elements, "
            "e.g. keyid/date/region/service/aws4_request."
        )
    return Credential(match[1], match[2], match[3], match[4])


@functools.lru_cache(maxsize=64)
def parse_date(value: bytes) -> datetime:
    """Parse an X-Amz-Date value. Raises INCOMPLETE_SIGNATURE."""
    if _DATE.fullmatch(value) is None:
        raise _incomplete("Date must be in ISO-8601 'basic format', for example 20260102T030405Z.")
    try:
        return datetime.strptime(value.decode(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise _incomplete("Date must be in ISO-8601 'basic format', for example 20260102T030405Z.") from error


_PRESIGNED = frozenset(
    {
        b"x-amz-algorithm",
        b"x-amz-credential",
        b"x-amz-date",
        b"x-amz-expires",
        b"x-amz-security-token",
        b"x-amz-signature",
        b"x-amz-signedheaders",
    }
)
_PAYLOAD_HASH = re.compile(rb"[0-9a-f]{64}")


def refuse_other_forms(raw_query: bytes, fields: Mapping[bytes, bytes]) -> None:
    """Refuse what SigV4 knows besides a signature of the whole request in its headers.

    A presigned URL is good for whoever reads it, in a log or a history; a session token in the query is
    read there too; pieces of a chunked upload, and a payload that is not signed, are not covered by the
    request's signature. Raises INCOMPLETE_SIGNATURE, which says what is expected.
    """
    if raw_query:
        for part in raw_query.split(b"&"):
            name = unquote_to_bytes(part.partition(b"=")[0]).lower()
            if name in _PRESIGNED:
                raise _incomplete(
                    "Presigned requests and credentials in the query string are not accepted: sign in the "
                    "Authorization header, with X-Amz-Date and X-Amz-Security-Token as headers."
                )
    payload = fields.get(b"x-amz-content-sha256")
    if payload is not None and _PAYLOAD_HASH.fullmatch(payload) is None:
        raise _incomplete(
            "X-Amz-Content-Sha256 must be the SHA-256 of the body: chunked uploads (STREAMING-...) and "
            "UNSIGNED-PAYLOAD are not accepted."
        )
    if b"aws-chunked" in fields.get(b"content-encoding", b"").lower():
        raise _incomplete("Chunked uploads (Content-Encoding: aws-chunked) are not accepted.")


def format_date(moment: datetime) -> str:
    """Write an X-Amz-Date value, seconds resolution."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


@functools.lru_cache(maxsize=64)
def _day(moment: datetime) -> str:
    return f"{moment.year:04}{moment.month:02}{moment.day:02}"


def check_date(signed_at: datetime, credential_date: str, now: datetime) -> None:
    """Refuse a date more than five minutes away, or on another day than the scope.

    Raises SIGNATURE_EXPIRED or SIGNATURE_MISMATCH.
    """
    day = _day(signed_at)
    if day != credential_date:
        raise mismatch(
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{credential_date}' != '{day}'."
        )
    if -MAX_SKEW <= signed_at - now <= MAX_SKEW:
        return
    signed, ours = format_date(signed_at), format_date(now)
    if signed_at < now:
        bound = format_date(now - MAX_SKEW)
        text = f"Signature expired: {signed} is now earlier than {bound} ({ours} - 5 min.)"
    else:
        bound = format_date(now + MAX_SKEW)
        text = f"Signature not yet current: {signed} is still later than {bound} ({ours} + 5 min.)"
    raise DomainError(ErrorReason.ERROR_REASON_SIGNATURE_EXPIRED, text)


def canonical_path(raw_path: bytes) -> bytes:
    """Encode the path as it stood on the wire once more, as every service but S3 does.

    Raises SIGNATURE_MISMATCH for `//`, `/./` and `/../`: clients sign the normalised path and send the raw
    one, so that accepting them would let a request differ from what was signed.
    """
    if not raw_path.startswith(b"/") or b"//" in raw_path:
        raise mismatch()
    if b"/." in raw_path and {b".", b".."} & set(raw_path.split(b"/")):
        raise mismatch()
    if _PLAIN_PATH.fullmatch(raw_path) is not None:
        return raw_path
    return quote(raw_path, safe="/~").encode()


def canonical_query(raw_query: bytes) -> bytes:
    """Sort the parameters by their encoded names and values. A plus sign is a plus sign."""
    if not raw_query:
        return b""
    parts = (part.partition(b"=") for part in raw_query.split(b"&") if part)
    return encode_query((unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in parts)


def encode_query(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Encode and sort parameters, names with their values, as SigV4 has them."""
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded).encode()


def header_fields(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Index lower-case header names; repeated headers are joined by a comma, blanks collapse to one space."""
    fields = dict(headers)
    if len(fields) == len(headers) and _is_canonical(b"\n".join(fields.values())):
        return fields
    fields.clear()
    for name, value in headers:
        value = b" ".join(value.split())
        fields[name] = fields[name] + b"," + value if name in fields else value
    return fields


def _is_canonical(lines: bytes) -> bool:
    """Say whether no value, one a line, has a blank to collapse: nearly all requests are written so."""
    if b"  " in lines or b"\t" in lines or b" \n" in lines or b"\n " in lines:
        return False
    return lines[:1] != b" " and lines[-1:] != b" " and b"\v" not in lines and b"\f" not in lines


def canonical_request(
    method: bytes,
    raw_path: bytes,
    raw_query: bytes,
    fields: Mapping[bytes, bytes],
    authorization: Authorization,
    payload_sha256: bytes,
) -> bytes:
    """Build the canonical request. Raises SIGNATURE_MISMATCH when a signed header is absent."""
    lines = [method, canonical_path(raw_path), canonical_query(raw_query)]
    for name in authorization.signed_headers:
        value = fields.get(name)
        if value is None:
            raise mismatch()
        lines.append(name + b":" + value)
    lines += (b"", authorization.signed_headers_line, payload_sha256)
    return b"\n".join(lines)


def string_to_sign(amz_date: bytes, scope: bytes, canonical: bytes) -> bytes:
    """Build the string to sign over a canonical request."""
    return b"\n".join((ALGORITHM, amz_date, scope, sha256(canonical).hexdigest().encode()))


def parse_string_to_sign(text: str) -> StringToSign:
    """Read a string to sign that another service built. Raises INCOMPLETE_SIGNATURE."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[0].encode() != ALGORITHM or _SIGNATURE.fullmatch(lines[3].encode()) is None:
        raise _incomplete("The string to sign must have four lines: algorithm, date, scope, SHA-256.")
    return StringToSign(parse_date(lines[1].encode()), lines[2], lines[3])


def derive_signing_key(secret: SecretBytes, date: str, region: str, service: str) -> bytes:
    """Derive the 32-byte signing key of one secret, day, region and service."""
    key = hmac.digest(b"AWS4" + secret.reveal(), date.encode(), "sha256")
    for part in (region, service, _TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign(signing_key: bytes, to_sign: bytes) -> bytes:
    """Return the signature, 32 bytes."""
    return hmac.digest(signing_key, to_sign, "sha256")


def verify(signing_key: bytes, to_sign: bytes, signature: bytes) -> None:
    """Compare in constant time. Raises SIGNATURE_MISMATCH."""
    if not hmac.compare_digest(hmac.digest(signing_key, to_sign, "sha256"), signature):
        raise mismatch()
