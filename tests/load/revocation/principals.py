"""Principals that may call, until something is taken away from them; and what their calls must show."""

import math
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import SigningCredentials

REGION = "us-east-1"


class Verdict(Enum):
    """How a call ended."""

    PERMITTED = "permitted"
    REFUSED = "refused"
    FAILED = "failed"
    """Neither: nobody answered, or not in time."""


@dataclass(frozen=True, slots=True)
class Key:
    """An access key as its owner holds it; temporary ones have a session token."""

    access_key_id: str
    secret: str = field(repr=False)
    session_token: str = field(default="", repr=False)

    def signer(self) -> SigningCredentials:
        """Return what signs with it."""
        return SigningCredentials(self.access_key_id, SecretBytes(self.secret.encode()), REGION)


@dataclass(eq=False, slots=True)
class Principal:
    """Somebody who calls.

    All times are of CLOCK_MONOTONIC, in seconds, as one process reads them: a call begins before its first
    byte is sent, a revocation is acknowledged after the last byte of its answer was read.
    """

    name: str
    account_id: str
    key: Key
    ciphertext: bytes
    """What it may decrypt."""
    ways: tuple[str, ...] = ("runtime", "kms", "edge")
    """How it calls, and what is judged."""
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    """By audience."""
    tokens_at: float = -math.inf
    acknowledged: float = math.inf
    """When its revocation was acknowledged."""
    paused: bool = False
    """It calls no more, so that what it was given back is not taken for what it kept."""
    outstanding: int = 0
    permitted: Counter[str] = field(default_factory=Counter)
    """By way, since it was last given what it needs."""
    refused: Counter[str] = field(default_factory=Counter)
    """By way: calls that began after the acknowledgement."""

    def begin_anew(self) -> None:
        """Forget the last revocation: what it lost was given back."""
        self.acknowledged = math.inf
        self.permitted.clear()
        self.refused.clear()
        self.paused = False

    def missing(self) -> list[str]:
        """Return the ways of which a trial still waits for a call."""
        seen = self.permitted if self.acknowledged == math.inf else self.refused
        return [way for way in self.ways if not seen[way]]

    def judge(self, way: str, began: float, verdict: Verdict) -> str | None:
        """Count a call that ended; return what is wrong with it."""
        if verdict is Verdict.PERMITTED:
            self.permitted[way] += 1
            if began >= self.acknowledged:
                late = (began - self.acknowledged) * 1000
                return f"{self.name}: a call by {way} was permitted that began {late:.1f} ms afterwards"
        elif verdict is Verdict.REFUSED and began >= self.acknowledged:
            self.refused[way] += 1
        return None
