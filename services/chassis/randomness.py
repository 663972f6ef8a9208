"""Randomness as an injected dependency."""

import secrets
import uuid
from typing import Protocol

_POOL_BYTES = 4096
_ID_BYTES = 16
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""RFC 9562: two bits of a UUID say that it is one of this kind."""


class Randomness(Protocol):
    """A source of unpredictable bytes."""

    def token_bytes(self, count: int) -> bytes:
        """Return `count` unpredictable bytes."""


class SystemRandomness:
    """The kernel's generator."""

    def token_bytes(self, count: int) -> bytes:
        """Return `count` bytes of getrandom(2)."""
        return secrets.token_bytes(count)


def random_uuid(randomness: Randomness) -> str:
    """Return a version 4 UUID (RFC 9562) in text form."""
    return str(uuid.UUID(bytes=randomness.token_bytes(16), version=4))


class RandomUuids:
    """Version 4 UUIDs (RFC 9562) in text form, for paths where a system call for each would show.

    Entropy is drawn for 256 of them at a time. For names of calls and events: a key is never made so.
    """

    def __init__(self, randomness: Randomness) -> None:
        """Draw from `randomness`."""
        self._randomness = randomness
        self._entropy = b""
        self._at = 0

    def next(self) -> str:
        """Return one that was never returned before."""
        at = self._at
        if at >= len(self._entropy):
            self._entropy = self._randomness.token_bytes(_POOL_BYTES)
            at = 0
        self._at = at + _ID_BYTES
        digits = self._entropy[at : at + _ID_BYTES].hex()
        variant = _VARIANT[digits[16]]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
