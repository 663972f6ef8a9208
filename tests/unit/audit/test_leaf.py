"""Leaves: every changed bit is noticed, and nothing but the header is readable."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.audit.domain.leaf import LeafDamagedError, LeafHeader, open_leaf, parse, seal

KEY = AESGCM(bytes(range(32)))
HEADER = LeafHeader(bytes(range(16)), 1_772_366_400_000_000, b"k" * 16)
ACCOUNT = "123456789012"
EVENT = b"what happened"


@pytest.fixture
def leaf() -> bytes:
    return seal(HEADER, ACCOUNT, EVENT, KEY, b"n" * 12)


def test_opens_to_what_was_sealed(leaf):
    assert open_leaf(leaf, ACCOUNT, KEY) == EVENT
    assert parse(leaf) == HEADER


def test_the_layout_is_the_documented_one(leaf):
    assert leaf[0] == 1
    assert leaf[1:17] == HEADER.event_id
    assert int.from_bytes(leaf[17:25], "big") == HEADER.time_us
    assert leaf[25:41] == HEADER.key_id
    assert leaf[41:53] == b"n" * 12
    assert len(leaf) == 53 + len(EVENT) + 16
    assert EVENT not in leaf


def test_every_flipped_bit_is_refused(leaf):
    for bit in range(len(leaf) * 8):
        changed = bytearray(leaf)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(LeafDamagedError):
            open_leaf(bytes(changed), ACCOUNT, KEY)


def test_every_truncation_is_refused(leaf):
    for size in range(len(leaf)):
        with pytest.raises(LeafDamagedError):
            open_leaf(leaf[:size], ACCOUNT, KEY)


def test_another_account_or_key_does_not_open_it(leaf):
    with pytest.raises(LeafDamagedError):
        open_leaf(leaf, "210987654321", KEY)
    with pytest.raises(LeafDamagedError):
        open_leaf(leaf, ACCOUNT, AESGCM(bytes(32)))
