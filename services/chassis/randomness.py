"""Randomness as an injected dependency."""

import secrets
import uuid
from typing import Protocol

from services.chassis.clock import Clock

_RANDOM_BYTES = 10
_POOL_BYTES = 256 * _RANDOM_BYTES
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


class OrderedUuids:
    """Version 7 UUIDs (RFC 9562) in text form: names of calls and events, which begin with their time.

    The audit log's database finds events by these names. In the order of time each new one goes beside the
    last one; at random each would change another page of a large index (ADR 36).

    Entropy is drawn for many of them at a time, because a system call for each would show. 74 bits of each
    are random: nobody meets another's or guesses it. A key is never made so.
    """

    def __init__(self, clock: Clock, randomness: Randomness) -> None:
        """Take the time from `clock` and the rest from `randomness`."""
        self._clock = clock
        self._randomness = randomness
        self._entropy = b""
        self._at = 0

    def next(self) -> str:
        """Return one that was never returned before."""
        at = self._at
        if at >= len(self._entropy):
            self._entropy = self._randomness.token_bytes(_POOL_BYTES)
            at = 0
        self._at = at + _RANDOM_BYTES
        digits = self._entropy[at : at + _RANDOM_BYTES].hex()
        time = f"{int(self._clock.now().timestamp() * 1000):012x}"
        return f"{time[:8]}-{time[8:]}-7{digits[:3]}-{_VARIANT[digits[3]]}{digits[4:7]}-{digits[7:19]}"
