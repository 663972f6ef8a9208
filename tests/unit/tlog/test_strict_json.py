"""JSON that all readers understand alike, and no other."""

import pytest

from tlog import strict_json
from tlog.errors import TlogError


def test_what_all_read_alike() -> None:
    content = '{"a": [1, {"a": "\u00e9"}], "\\u0062": "\\ud83d\\udd11"}'.encode()
    assert strict_json.parse(content) == {"a": [1, {"a": "\u00e9"}], "b": "\U0001f511"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"a": {"b": 1, "b": 1}}', "twice"),
        (b'[{"a": 1, "\\u0061": 2}]', "twice"),
        (b'{"\\ud800": 1}', "surrogate"),
        (b'["\\udd11\\ud83d"]', "surrogate"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b'"\xc0\xaf"', "not UTF-8"),
        (b"\xef\xbb\xbf1", "not JSON"),
        ("1".encode("utf-16-le"), "not JSON"),
        (b"NaN", "not JSON"),
        (b"-Infinity", "not JSON"),
        (b"1" * 5_000, "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b" " * strict_json.MAX_BYTES + b"1", "more than"),
    ],
)
def test_what_some_read_otherwise(content: bytes, why: str) -> None:
    with pytest.raises(TlogError, match=why):
        strict_json.parse(content)
