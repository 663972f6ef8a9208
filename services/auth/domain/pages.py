"""Pages of a listing, by the last key of the page before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.chassis.pages import Page, decode_page_token, encode_page_token

T = TypeVar("T")
DEFAULT_SIZE = 100


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is wanted."""

    size: int
    after: str
    """Key of the last item seen; empty for the first page."""

    @classmethod
    def parse(cls, size: int, token: str) -> "PageRequest":
        """Read a request's fields. Raises DomainError(INVALID_FIELD) for a token that is not ours."""
        return cls(size or DEFAULT_SIZE, decode_page_token(token))

    def page(self, found: Sequence[T], key: Callable[[T], str]) -> Page[T]:
        """Make a page of at most `size` + 1 items that were found after `after`."""
        items = tuple(found[: self.size])
        more = len(found) > self.size
        return Page(items, encode_page_token(key(items[-1])) if more else "")
