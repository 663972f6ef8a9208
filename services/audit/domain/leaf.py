"""A leaf: the form in which one event is kept for ever.

    version (u8, 1) | event id (16) | time (i64, microseconds since 1970) | data key id (16) |
    nonce (12) | ciphertext and tag

Numbers are big-endian. Everything before the nonce is public; it and the account are authenticated with
the event. AES-256-GCM with a random nonce: a data key lives for an hour, far below the 2^32 events after
which random nonces become a risk. A leaf proves nothing about an event to whoever lacks the key, and goes
on standing when the key is destroyed.
"""

import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = 1
KEY_ID_BYTES = 16
NONCE_BYTES = 12

_HEADER = struct.Struct(">B16sq16s")


class LeafDamagedError(Exception):
    """A leaf does not open: it was changed, moved to another row, or sealed under another key."""


@dataclass(frozen=True, slots=True)
class LeafHeader:
    """The public part of a leaf."""

    event_id: bytes
    time_us: int
    key_id: bytes


def seal(header: LeafHeader, account_id: str, event: bytes, key: AESGCM, nonce: bytes) -> bytes:
    """Return the leaf of a serialised event. `nonce` is 12 fresh random bytes."""
    public = _HEADER.pack(VERSION, header.event_id, header.time_us, header.key_id)
    return b"".join((public, nonce, key.encrypt(nonce, event, public + account_id.encode())))


def parse(leaf: bytes) -> LeafHeader:
    """Return the public part. Raises LeafDamagedError for anything that is not a leaf."""
    if len(leaf) <= _HEADER.size + NONCE_BYTES or leaf[0] != VERSION:
        raise LeafDamagedError("not a leaf of a known version")
    _, event_id, time_us, key_id = _HEADER.unpack_from(leaf)
    return LeafHeader(event_id, time_us, key_id)


def open_leaf(leaf: bytes, account_id: str, key: AESGCM) -> bytes:
    """Return the serialised event. Raises LeafDamagedError."""
    parse(leaf)
    public, nonce = leaf[: _HEADER.size], leaf[_HEADER.size : _HEADER.size + NONCE_BYTES]
    try:
        return key.decrypt(nonce, leaf[_HEADER.size + NONCE_BYTES :], public + account_id.encode())
    except InvalidTag as error:
        raise LeafDamagedError("the leaf does not open under its data key") from error
