"""Reading paged lists to their end."""

from collections.abc import Iterator
from typing import Any

from cli.session import Metadata, Session

_PAGE_SIZE = 500


def pages(
    session: Session, method: Any, request: Any, field: str, metadata: Metadata = (), limit: int = 0
) -> Iterator[Any]:
    """Yield the items of every page of a List method; at most `limit` when that is not zero."""
    request.page_size = min(limit, _PAGE_SIZE) if limit else _PAGE_SIZE
    count = 0
    while True:
        answer = session.call(method, request, metadata=metadata)
        for item in getattr(answer, field):
            yield item
            count += 1
            if limit and count >= limit:
                return
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token
