"""Sealing: an event becomes the entry of the log in which it is kept for ever (its form: tlog/leaf.py).

AES-256-GCM with a random nonce: a data key lives for an hour, far below the 2^32 events after which random
nonces become a risk. The public header and the account are authenticated with the event. An entry proves
nothing about an event to whoever lacks the key, and goes on standing when the key is destroyed.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tlog.errors import TlogError
from tlog.leaf import (
    HEADER_BYTES,
    NONCE_BYTES,
    SALT_BYTES,
    TAG_BYTES,
    LeafHeader,
    commit,
    parse,
    verify_event,
)
from tlog.tiles import MAX_ENTRY_BYTES

RANDOM_BYTES = NONCE_BYTES + SALT_BYTES
MAX_EVENT_BYTES = MAX_ENTRY_BYTES - HEADER_BYTES - RANDOM_BYTES - TAG_BYTES
"""Of a serialised event: no entry of a log is longer than 65,535 bytes."""


class LeafDamagedError(Exception):
    """A leaf does not open: it was changed, moved to another row, or sealed under another key."""


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A data key that is ready for use."""

    key_id: bytes
    cipher: AESGCM


@dataclass(frozen=True, slots=True)
class OpenedLeaf:
    """What its owner may see of an entry."""

    header: LeafHeader
    event: bytes
    salt: bytes


def seal(
    event_id: bytes, time_us: int, account_id: str, event: bytes, key: SealingKey, random: bytes
) -> bytes:
    """Return the entry of a serialised event. `random` is RANDOM_BYTES fresh random bytes."""
    nonce, salt = random[:NONCE_BYTES], random[NONCE_BYTES:]
    header = bytes(LeafHeader(event_id, time_us, key.key_id, commit(event, salt)))
    return b"".join((header, nonce, key.cipher.encrypt(nonce, salt + event, header + account_id.encode())))


def open_leaf(entry: bytes, account_id: str, key: AESGCM) -> OpenedLeaf:
    """Return what is sealed in an entry. Raises LeafDamagedError."""
    header = parse_leaf(entry)
    public, sealed = entry[:HEADER_BYTES], entry[HEADER_BYTES:]
    try:
        opened = key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], public + account_id.encode())
        salt, event = opened[:SALT_BYTES], opened[SALT_BYTES:]
        verify_event(entry, event, salt)
    except (InvalidTag, TlogError) as error:
        raise LeafDamagedError("the leaf does not open under its data key") from error
    return OpenedLeaf(header, event, salt)


def parse_leaf(entry: bytes) -> LeafHeader:
    """Return the public part. Raises LeafDamagedError for anything that is not a leaf."""
    try:
        return parse(entry)
    except TlogError as error:
        raise LeafDamagedError(str(error)) from error
