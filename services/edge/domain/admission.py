"""The checks that need nothing but headers: they are made before a byte of the body is read."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis import sigv4
from services.chassis.errors import DomainError

# Headers that change what a request means: without the signature's cover they must not be believed.
_MUST_BE_SIGNED = (b"x-amz-", b"x-amzn-bedrock-", b"x-craton-")


_MAX_SESSION_TOKEN = 4096
"""Bytes; those of this installation have 44."""


class Admitted(NamedTuple):
    """A request whose headers are in order; its signature still has to be verified over the body."""

    authorization: sigv4.Authorization
    signature: bytes
    amz_date: bytes
    signed_at: datetime
    session_token: str = ""
    """Of temporary credentials; empty for long-term ones."""

    def __repr__(self) -> str:
        """Name the key alone: signature and session token are no text for logs."""
        return f"Admitted({self.authorization.credential})"


def admit(
    fields: Mapping[bytes, bytes],
    regions: frozenset[str],
    now: datetime,
    signing_names: tuple[str, ...] = ("bedrock",),
) -> Admitted:
    """Check the headers of a request. Raises DomainError with AWS's own text."""
    header = fields.get(b"authorization")
    if header is None:
        raise missing_credentials()
    authorization, signature = sigv4.parse_authorization(header)
    credential = authorization.credential
    session_token = fields.get(b"x-amz-security-token", b"")
    if len(session_token) > _MAX_SESSION_TOKEN or not session_token.isascii():
        raise DomainError(
            ErrorReason.ERROR_REASON_UNKNOWN_ACCESS_KEY,
            "The security token included in the request is invalid.",
        )
    amz_date = fields.get(b"x-amz-date")
    if amz_date is None:
        raise DomainError(
            ErrorReason.ERROR_REASON_INCOMPLETE_SIGNATURE,
            "Authorization header requires existence of a 'X-Amz-Date' header.",
        )
    signed = authorization.signed_headers
    for name in fields:
        if name.startswith(_MUST_BE_SIGNED) and name not in signed:
            raise sigv4.mismatch(
                "Every X-Amz-*, X-Amzn-Bedrock-* and X-Craton-* header must be a 'SignedHeader'."
            )
    if credential.service not in signing_names:
        names = "' or '".join(signing_names)
        raise sigv4.mismatch(f"Credential should be scoped to correct service: '{names}'.")
    if credential.region not in regions:
        raise DomainError(
            ErrorReason.ERROR_REASON_UNKNOWN_REGION, "Credential should be scoped to a valid region."
        )
    signed_at = sigv4.parse_date(amz_date)
    sigv4.check_date(signed_at, credential.date, now)
    return Admitted(authorization, signature, amz_date, signed_at, session_token.decode())


def missing_credentials() -> DomainError:
    """Build the refusal of a request that nobody signed."""
    return DomainError(ErrorReason.ERROR_REASON_MISSING_CREDENTIALS, "Missing Authentication Token")


def string_to_sign(
    admitted: Admitted,
    method: str,
    raw_path: bytes,
    raw_query: bytes,
    fields: Mapping[bytes, bytes],
    payload_sha256: bytes,
) -> bytes:
    """Build what the client should have signed, over the body as it was received."""
    canonical = sigv4.canonical_request(
        method.encode(), raw_path, raw_query, fields, admitted.authorization, payload_sha256
    )
    return sigv4.string_to_sign(admitted.amz_date, admitted.authorization.scope, canonical)


def signed_fields(admitted: Admitted, fields: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the headers that the signature covers: the only ones an operation may read."""
    return {name: fields[name] for name in admitted.authorization.signed_headers}
