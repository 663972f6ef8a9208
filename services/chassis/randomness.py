"""Randomness as an injected dependency."""

import secrets
import uuid
from typing import Protocol


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
