"""What the edge needs of the rest of the installation, named by role."""

from asyncio import Future
from dataclasses import dataclass
from typing import Protocol

from services.chassis.principal import ClientContext, PrincipalClaims
from services.chassis.sigv4 import Credential


@dataclass(frozen=True, slots=True)
class Presented:
    """What a client presented to prove who it is."""

    credential: Credential
    string_to_sign: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Grant:
    """What auth hands out against a signature that it verified itself."""

    claims: PrincipalClaims
    token: str
    token_until: float
    """Boot-time clock, seconds: the end of the token's life."""
    signing_key: bytes
    key_until: float
    """Boot-time clock, seconds: the end of the key's lease, counted from before it was asked for."""

    def __repr__(self) -> str:
        """Name the principal without token and key."""
        return f"Grant({self.claims.arn})"


class Authentication(Protocol):
    """auth, as the edge uses it."""

    async def authenticate(self, presented: Presented, client: ClientContext, audience: str) -> Grant:
        """Verify a signature and get a token for `audience`.

        Raises DomainError: UNKNOWN_ACCESS_KEY, SIGNATURE_MISMATCH, DEPENDENCY_UNAVAILABLE.
        """


class SeenSignatures(Protocol):
    """The memory of all replicas for signatures, because SigV4 has neither a nonce nor sub-second time.

    A signature MUST be accepted within REUSE_S of its first sight at any replica (equal requests of one
    second carry equal signatures) and MUST be refused afterwards, for as long as its date is acceptable
    and across restarts of the edge. When the memory was lost, signatures dated before the new memory's
    birth MUST be refused, because whether they were used is unknown. When the memory cannot be asked,
    nothing may be accepted.
    """

    def check(self, signature: bytes, signed_at: float) -> "Future[None]":
        """Note a verified signature, dated `signed_at` (Unix seconds), and say whether it may be used.

        Returns at once, so that the caller can do other work meanwhile. The future raises DomainError:
        SIGNATURE_REPLAYED, or DEPENDENCY_UNAVAILABLE when the memory was lost or cannot be asked.
        """


REUSE_S = 2.0
"""How long after its first sight a signature may be used again."""
