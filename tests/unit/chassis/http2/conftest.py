"""What the tests of both ends share."""

from typing import Any

import pytest

from tests.fakes.http2 import Serving, handler


@pytest.fixture
def serving() -> Serving:
    """Our server's end, with a method that answers what it was asked."""
    one = Serving()

    async def echo(payload: bytes, _context: Any) -> bytes:
        return payload

    one.handlers["/s/unary"] = handler(echo)
    return one
