"""When a state of a store may be remembered after another one."""

import pytest

from services.audit.domain.anchor import Anchor

NEWEST = Anchor("s", 5, b"d" * 32)


@pytest.mark.parametrize(
    ("epoch", "digest", "permitted"),
    [
        (6, b"d" * 32, True),
        (2**63 - 1, b"e" * 32, True),
        (5, b"d" * 32, True),
        (5, b"e" * 32, False),
        (5, b"", False),
        (4, b"d" * 32, False),
        (0, b"e" * 32, False),
    ],
)
def test_what_may_follow(epoch: int, digest: bytes, *, permitted: bool) -> None:
    assert Anchor("s", epoch, digest).may_follow(NEWEST) is permitted
    assert Anchor("s", epoch, digest).may_follow(None)
