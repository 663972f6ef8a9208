"""Keyset pagination: a page token names the last key of the page before."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError

T = TypeVar("T")

_VERSION = "1"


def encode_page_token(key: str) -> str:
    """Return the opaque token that continues after `key`; empty for no next page."""
    return base64.urlsafe_b64encode(f"{_VERSION}{key}".encode()).decode().rstrip("=")


def decode_page_token(token: str) -> str:
    """Return the key of a token, "" for an empty one. Raises DomainError(INVALID_FIELD)."""
    if not token:
        return ""
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise _refused() from error
    if not text.startswith(_VERSION) or len(text) < 2:
        raise _refused()
    return text[1:]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page and the token of the next."""

    items: Sequence[T]
    next_token: str

    @classmethod
    def cut(cls, ordered: Sequence[T], key: Callable[[T], str], size: int, token: str) -> "Page[T]":
        """Cut a page out of a sequence that is ordered by `key`. Raises DomainError(INVALID_FIELD)."""
        after = decode_page_token(token)
        rest = [item for item in ordered if key(item) > after] if after else ordered
        items = rest[:size]
        more = len(rest) > len(items)
        return cls(items, encode_page_token(key(items[-1])) if more and items else "")


def _refused() -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_FIELD,
        "page_token: it is not a token of an earlier page",
        field="page_token",
    )
