"""A tag that is refused is told why."""

import pytest

from services.audit.domain.trail import checked_tags
from services.chassis.errors import DomainError


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("aws:x", "", "begin with aws:, which is reserved"),
        ("AWS:" + "x" * 200, "", "begin with aws:, which is reserved"),
        ("", "", "1 to 128 letters, digits"),
        ("x" * 129, "", "1 to 128 letters, digits"),
        ("a;b", "", "1 to 128 letters, digits"),
        ("a", "x" * 257, "at most 256 letters, digits"),
    ],
)
def test_a_refusal_says_what_would_be_right(key: str, value: str, why: str) -> None:
    with pytest.raises(DomainError) as refused:
        checked_tags({key: value})
    assert why in str(refused.value)


def test_others_are_taken() -> None:
    tags = {"x" * 128: "x" * 256, "my aws:x": "a.b:c/d=e+f@g-h_i"}
    assert checked_tags(tags) == tags
