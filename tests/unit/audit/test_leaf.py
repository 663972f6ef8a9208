"""Leaves: every changed bit is noticed, and nothing but the header is readable."""

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.audit.domain.leaf import LeafDamagedError, SealingKey, open_leaf, seal
from tlog.errors import TlogError
from tlog.leaf import parse, verify_event

KEY = SealingKey(b"k" * 16, AESGCM(bytes(range(32))))
EVENT_ID, TIME_US = bytes(range(16)), 1_772_366_400_000_000
ACCOUNT = "123456789012"
EVENT = b"what happened"
NONCE, SALT = b"n" * 12, b"s" * 32


@pytest.fixture
def leaf() -> bytes:
    return seal(EVENT_ID, TIME_US, ACCOUNT, EVENT, KEY, NONCE + SALT)


def test_opens_to_what_was_sealed(leaf):
    opened = open_leaf(leaf, ACCOUNT, KEY.cipher)
    assert (opened.event, opened.salt, opened.header) == (EVENT, SALT, parse(leaf))


def test_the_layout_is_the_documented_one(leaf):
    assert leaf[0] == 2
    assert leaf[1:17] == EVENT_ID
    assert int.from_bytes(leaf[17:25], "big") == TIME_US
    assert leaf[25:41] == KEY.key_id
    assert leaf[41:73] == sha256(b"craton audit event v1\n" + SALT + EVENT).digest()
    assert leaf[73:85] == NONCE
    assert len(leaf) == 85 + len(SALT) + len(EVENT) + 16
    assert EVENT not in leaf
    assert SALT not in leaf


def test_its_owner_can_show_what_it_holds_and_nothing_else(leaf):
    assert verify_event(leaf, EVENT, SALT).event_id == EVENT_ID
    for event, salt in ((b"another", SALT), (EVENT, b"t" * 32), (SALT + EVENT, b""), (b"", SALT + EVENT)):
        with pytest.raises(TlogError):
            verify_event(leaf, event, salt)


def test_an_event_that_is_not_the_promised_one_does_not_open():
    sealed = seal(EVENT_ID, TIME_US, ACCOUNT, EVENT, KEY, NONCE + SALT)
    other = bytes(32)
    public = sealed[:41] + other
    forged = public + NONCE + KEY.cipher.encrypt(NONCE, SALT + EVENT, public + ACCOUNT.encode())
    with pytest.raises(LeafDamagedError):
        open_leaf(forged, ACCOUNT, KEY.cipher)


def test_every_flipped_bit_is_refused(leaf):
    for bit in range(len(leaf) * 8):
        changed = bytearray(leaf)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(LeafDamagedError):
            open_leaf(bytes(changed), ACCOUNT, KEY.cipher)


def test_every_truncation_is_refused(leaf):
    for size in range(len(leaf)):
        with pytest.raises(LeafDamagedError):
            open_leaf(leaf[:size], ACCOUNT, KEY.cipher)


def test_another_account_or_key_does_not_open_it(leaf):
    with pytest.raises(LeafDamagedError):
        open_leaf(leaf, "210987654321", KEY.cipher)
    with pytest.raises(LeafDamagedError):
        open_leaf(leaf, ACCOUNT, AESGCM(bytes(32)))
