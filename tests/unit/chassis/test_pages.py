"""Keyset pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import DomainError
from services.chassis.pages import Page, decode_page_token, encode_page_token


@given(st.text(min_size=1))
def test_tokens_round_trip(key: str) -> None:
    try:
        key.encode()
    except UnicodeEncodeError:
        return
    assert decode_page_token(encode_page_token(key)) == key


@pytest.mark.parametrize("token", ["!", "AAAA", "é", "MQ", "a" * 3])
def test_foreign_tokens_are_refused(token: str) -> None:
    with pytest.raises(DomainError, match="page_token"):
        decode_page_token(token)


@given(st.sets(st.text("abc", min_size=1, max_size=3)), st.integers(1, 5))
def test_pages_cover_everything_once(keys: set[str], size: int) -> None:
    ordered, seen, token = sorted(keys), [], ""
    while True:
        page = Page.cut(ordered, lambda key: key, size, token)
        seen += page.items
        token = page.next_token
        if not token:
            break
    assert seen == ordered
