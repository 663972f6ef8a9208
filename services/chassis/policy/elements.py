"""Reading the elements of a policy document, and refusing it with the place and the reason."""

import json
from typing import Any

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError


def strings(value: Any, where: str) -> list[str]:
    """Return a string, or a list of them, as a list."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(each, str) for each in values):
        raise refused(where, "must be a string or a non-empty list of strings")
    return values


def mapping(value: Any, where: str) -> dict[str, Any]:
    """Return a JSON object."""
    if not isinstance(value, dict):
        raise refused(where, "must be a JSON object")
    return value


def shown(text: str) -> str:
    """Return a text of the document for an error: the writer's own, cut to stay readable."""
    return json.dumps(text if len(text) <= 80 else text[:77] + "...")


def refused(where: str, what: str) -> DomainError:
    """Build the refusal of a document."""
    return DomainError(
        ErrorReason.ERROR_REASON_UNSUPPORTED_POLICY,
        f"The policy is refused: {where} {what}.",
        field="document",
    )
