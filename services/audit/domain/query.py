"""A question about past events, and the place at which a page of answers ended."""

import hashlib
from collections.abc import Callable
from dataclasses import astuple, dataclass

from services.audit.domain.entry import Index
from services.audit.domain.index_rows import typed
from services.audit.errors import invalid_field
from services.chassis.pages import decode_page_token, encode_page_token

DEFAULT_PAGE_SIZE = 50
_INT64 = 2**63
"""Numbers of the store are smaller; a token that names a greater one is nobody's."""


_EQUAL = (
    "account_id",
    "principal_arn",
    "event_name",
    "request_id",
    "event_id",
    "event_source",
    "user_name",
    "access_key",
    "read_only",
)
"""Attributes that are asked for as they stand in the index."""


@dataclass(frozen=True, slots=True)
class Query:
    """All attributes that are set must match."""

    account_id: str | None = None
    """None asks about every account and the installation: for operators."""
    start_us: int | None = None
    """Inclusive."""
    end_us: int | None = None
    """Exclusive."""
    principal_arn: str = ""
    event_name: str = ""
    resource: str = ""
    request_id: str = ""
    event_id: bytes = b""
    event_source: str = ""
    user_name: str = ""
    access_key: str = ""
    resource_type: str = ""
    read_only: bool | None = None
    records: bool = False
    """Whether only CloudTrail's records are asked for. The five attributes before are indexed for these."""

    def digest(self) -> str:
        """Identify the question, so that a page token is good for its own question only."""
        return hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:16]

    def matcher(self) -> Callable[[Index], bool]:
        """Return what says whether an event is an answer, by what it says itself."""
        equal = [(name, value) for name in _EQUAL if (value := getattr(self, name)) not in (None, "", b"")]
        start, end = self.start_us or 0, _INT64 if self.end_us is None else self.end_us

        def matches(index: Index) -> bool:
            if not start <= index.time_us < end or (self.records and not index.record):
                return False
            if self.resource and self.resource not in index.resources:
                return False
            if self.resource_type and all(kind != self.resource_type for _, kind in typed(index)):
                return False
            return all(getattr(index, name) == value for name, value in equal)

        return matches


@dataclass(frozen=True, slots=True)
class Place:
    """The last entry of a page; the next page holds what is older."""

    time_us: int
    sequence: int

    def token(self, query: Query) -> str:
        """Return the page token for going on here."""
        return encode_page_token(f"{query.digest()}:{self.time_us}:{self.sequence}")

    @classmethod
    def of_token(cls, token: str, query: Query) -> "Place | None":
        """Read a page token; None for an empty one. Raises DomainError(INVALID_FIELD) for a foreign one."""
        text = decode_page_token(token)
        if not text:
            return None
        digest, _, rest = text.partition(":")
        time_us, _, sequence = rest.partition(":")
        try:
            place = cls(int(time_us), int(sequence))
        except ValueError:
            raise invalid_field("page_token", "it is not a token of an earlier page") from None
        if not (abs(place.time_us) < _INT64 and abs(place.sequence) < _INT64):
            raise invalid_field("page_token", "it is not a token of an earlier page")
        if digest != query.digest():
            raise invalid_field("page_token", "it belongs to a request with other attributes")
        return place
