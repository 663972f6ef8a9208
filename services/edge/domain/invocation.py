"""What the headers and the path of an invocation say, before runtime sees it."""

import base64
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from services.chassis.arn import foundation_model_arn
from services.edge.domain.constraints import string_violation
from services.edge.domain.faults import Fault, validation
from services.edge.domain.model import ServiceModel
from tlog.errors import TlogError
from tlog.note import decode_base64
from tlog.receipt import SALT_BYTES

JSON = "application/json"
_GUARDRAIL = b"x-amzn-bedrock-guardrailidentifier"
_GUARDRAIL_VERSION = b"x-amzn-bedrock-guardrailversion"
_LATENCY = b"x-amzn-bedrock-performanceconfig-latency"
_TIER = b"x-amzn-bedrock-service-tier"
_MAX_MIME = 128
RECEIPT = b"x-craton-receipt"
"""In a request it asks for a receipt, and has the client's salt; in an answer it is the receipt."""
RECEIPT_CERTIFICATE = b"x-craton-receipt-certificate"


class InvocationRules:
    """The constraints of InvokeModel and InvokeModelWithResponseStream."""

    def __init__(self, model: ServiceModel) -> None:
        """Take the identifier's constraints from the service model of bedrock-runtime."""
        shape = model.shapes["InvokeModelIdentifier"]
        # The same few identifiers come again and again, and RE2 costs more than a look-up.
        self._violation = lru_cache(maxsize=1024)(lambda identifier: string_violation(shape, identifier))

    def check_model_id(self, identifier: str) -> None:
        """Raise a ValidationException for an identifier that no model can have."""
        violation = self._violation(identifier) if len(identifier) <= 2048 else "Member must be shorter"
        if violation is not None:
            raise Fault(
                "ValidationException",
                400,
                "The provided model identifier is invalid.",
                reason="INVALID_FIELD",
            )

    def check_headers(self, fields: Mapping[bytes, bytes]) -> None:
        """Refuse what is asked for and not offered: ignoring a guardrail would be a promise broken."""
        if _GUARDRAIL in fields or _GUARDRAIL_VERSION in fields:
            raise validation("The guardrail identifier or version provided in the request does not exist.")
        if fields.get(_LATENCY, b"standard") != b"standard":
            raise validation("Latency performance configuration is not supported for this model.")
        if fields.get(_TIER, b"default") != b"default":
            raise validation("The provided service tier is not supported for this model.")


def receipt_salt(fields: Mapping[bytes, bytes]) -> bytes | None:
    """Return the salt of the client who asks for a receipt, None of one who does not.

    Raises a ValidationException for anything but 32 bytes in base64: it would commit to nothing.
    """
    text = fields.get(RECEIPT)
    if text is None:
        return None
    try:
        salt = decode_base64(text.decode("ascii"))
    except (TlogError, UnicodeDecodeError):
        salt = b""
    if len(salt) != SALT_BYTES:
        raise validation(f"The {RECEIPT.decode()} header must be {SALT_BYTES} random bytes in base64.")
    return salt


def receipt_headers(receipt: bytes, certificate: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers that carry a receipt and its certificate, in base64: notes have several lines."""
    return (
        (RECEIPT, base64.b64encode(receipt)),
        (RECEIPT_CERTIFICATE, base64.b64encode(certificate)),
    )


def mime_type(fields: Mapping[bytes, bytes], name: bytes) -> str:
    """Return a signed MIME header; absent and "*/*" mean JSON. Raises a ValidationException."""
    raw = fields.get(name)
    if raw is None or raw in (b"", b"*/*", b"application/json"):
        return JSON
    text = raw.decode("latin-1")
    if len(text) > _MAX_MIME or not text.isprintable() or not text.isascii():
        raise validation(f"The {name.decode()} header is not a MIME type.")
    return text


def model_arn(identifier: str, region: str, partition: str) -> str:
    """Return how the audit log names what `identifier` points at."""
    if identifier.startswith("arn:"):
        return identifier
    return foundation_model_arn(region, identifier, partition)


def model_resources(values: Mapping[str, Any], region: str, partition: str) -> Sequence[str]:
    """Return how the audit log names the model that an operation's input points at, if it does."""
    for member in ("modelId", "modelIdentifier"):
        identifier = values.get(member)
        if isinstance(identifier, str):
            return (model_arn(identifier, region, partition),)
    return ()
