"""The entries of an audit log: a header that anybody may read, and an event that is sealed.

    version (u8, 2) | event id (16) | time (i64, microseconds since 1970) | data key id (16) |
    commitment (32) | nonce (12) | ciphertext and tag

Numbers are big-endian. The event is sealed under a key of its account, which readers of the log do not have.
The commitment is SHA-256 of a constant, a salt of 32 random bytes and the event; the salt is sealed with the
event. Whoever is told an event and its salt, its owner for example, verifies by this hash alone, without any
key, that it is the one in the log; and no two events can be told of one entry. Without the salt a commitment
says nothing of the event, also when the key of the account was destroyed.
"""

import struct
from dataclasses import dataclass
from hashlib import sha256

from tlog.errors import TlogError
from tlog.hashing import HASH_BYTES

VERSION = 2
KEY_ID_BYTES = 16
SALT_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16

_PURPOSE = b"craton audit event v1\n"
_HEADER = struct.Struct(f">B16sq{KEY_ID_BYTES}s{HASH_BYTES}s")
HEADER_BYTES = _HEADER.size


@dataclass(frozen=True, slots=True)
class LeafHeader:
    """The public part of an entry."""

    event_id: bytes
    """A UUID, 16 bytes."""
    time_us: int
    """When the event was written, microseconds since 1970."""
    key_id: bytes
    """Of the data key that the event is sealed under."""
    commitment: bytes

    def __bytes__(self) -> bytes:
        """Return the header as an entry begins with it."""
        return _HEADER.pack(VERSION, self.event_id, self.time_us, self.key_id, self.commitment)


def parse(entry: bytes) -> LeafHeader:
    """Return the public part of an entry. Raises TlogError for anything that is none."""
    if len(entry) <= HEADER_BYTES + NONCE_BYTES + SALT_BYTES + TAG_BYTES or entry[0] != VERSION:
        raise TlogError("not an entry of a known version")
    _, event_id, time_us, key_id, commitment = _HEADER.unpack_from(entry)
    return LeafHeader(event_id, time_us, key_id, commitment)


def commit(event: bytes, salt: bytes) -> bytes:
    """Return the commitment to an event."""
    return sha256(_PURPOSE + salt + event).digest()


def verify_event(entry: bytes, event: bytes, salt: bytes) -> LeafHeader:
    """Verify that this is the event of an entry, and return the entry's header. Raises TlogError."""
    header = parse(entry)
    if len(salt) != SALT_BYTES or commit(event, salt) != header.commitment:
        raise TlogError("the entry holds another event")
    return header
