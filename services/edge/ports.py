"""What the edge needs of the rest of the installation, named by role."""

from asyncio import Future
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from services.chassis.principal import ClientContext, PrincipalClaims
from services.chassis.sigv4 import Credential


class Presented(NamedTuple):
    """What a client presented to prove who it is."""

    credential: Credential
    string_to_sign: bytes
    signature: bytes
    session_token: str = ""
    """Of temporary credentials; a secret, which goes with every request."""
    ahead: bool = False
    """Whether it is dated more than AHEAD_S ahead of the clock here: auth must remember it."""

    def __repr__(self) -> str:
        """Name the key alone: signature and session token are no text for logs."""
        return f"Presented({self.credential})"


class Entrance(NamedTuple):
    """The private way by which a request came in."""

    listener: str
    """Name of the listener that accepted its connection."""
    service: str
    """Service of the endpoint that it asks, for example "bedrock-runtime"."""


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

    async def authenticate(
        self, presented: Presented, client: ClientContext, audience: str, entrance: Entrance | None = None
    ) -> Grant:
        """Verify a signature and get a token for `audience`, bound to the VPC endpoint of the entrance.

        One that is `ahead` MUST be remembered by auth. Raises DomainError: UNKNOWN_ACCESS_KEY,
        SIGNATURE_MISMATCH, SIGNATURE_REPLAYED for one that auth remembers, DEPENDENCY_UNAVAILABLE,
        ACCESS_DENIED when no endpoint is registered there that lets the principal in.
        """


@dataclass(frozen=True, slots=True)
class BearerGrant:
    """What auth hands out against an API key that it verified."""

    claims: PrincipalClaims
    token: str = field(repr=False)
    token_until: float
    """Boot-time clock, seconds: the end of the token's life."""
    lease_until: float
    """Boot-time clock, seconds: until when the key may be taken for verified."""


class BearerAuthentication(Protocol):
    """auth, as the edge uses it for API keys."""

    async def authenticate_bearer(
        self,
        bearer: str,
        region: str,
        client: ClientContext,
        audience: str,
        entrance: Entrance | None = None,
    ) -> BearerGrant:
        """Verify an API key and get a token for `audience`, bound to the VPC endpoint of the entrance.

        Raises DomainError: INVALID_API_KEY, EXPIRED_API_KEY, DEPENDENCY_UNAVAILABLE, ACCESS_DENIED.
        """


class Proof(NamedTuple):
    """A verified signature, which must not have been used before."""

    signature: bytes
    signed_at: float
    """Unix seconds."""
    arrived: float
    """When the head of the request came, seconds on the boot-time clock."""
    remembered: bool = False
    """Whether auth remembers it durably and has just found it new."""

    def __repr__(self) -> str:
        """Show the date alone: a signature is no text for logs."""
        return f"Proof({self.signed_at})"


class SeenSignatures(Protocol):
    """The memory of all replicas for signatures, because SigV4 has neither a nonce nor sub-second time.

    A signature MUST be accepted within REUSE_S of its first sight at any replica (equal requests of one
    second carry equal signatures) and MUST be refused afterwards, for as long as its date is acceptable
    and across restarts of the edge. When the memory was lost, a signature MUST be refused that may have been
    used before the new memory's birth, unless auth can say that it was not. That is one dated before
    the birth, or so little after it that auth was not asked to remember it: AHEAD_S, and CLOCKS_S by which
    the clocks of an edge and of the memory may differ. One dated later was remembered by auth, if it was
    used, so that auth MUST be asked. When the memory cannot be asked, nothing may be accepted.
    """

    def check(self, proof: Proof) -> "Future[None]":
        """Note a verified signature and say whether it may be used.

        Returns at once, so that the caller can do other work meanwhile. The future raises DomainError:
        SIGNATURE_REPLAYED; DEPENDENCY_UNAVAILABLE when the memory was lost or cannot be asked, and for a
        signature that came in time and could not be noted in time.
        """


class Recalled(NamedTuple):
    """What auth remembers."""

    used: frozenset[bytes]
    """Those of the signatures that were first seen more than REUSE_S ago."""
    any_ahead: bool
    """Whether it remembers any at all that was dated ahead."""


class SignatureMemory(Protocol):
    """auth's memory for signatures that were dated ahead. It survives everything."""

    async def recall(self, signatures: Sequence[bytes]) -> Recalled:
        """Say which of at most 256 signatures were used, and whether there is more to ask for.

        Raises DomainError(DEPENDENCY_UNAVAILABLE).
        """


REUSE_S = 2.0
"""How long after its first sight a signature may be used again."""
AHEAD_S = 1.0
"""One that is dated further ahead is remembered by auth. Clocks that are kept right differ by less."""
CLOCKS_S = 1.0
"""How much the clocks of edges, auth and the memory for signatures may differ from each other."""


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom an operation runs, with the token that says so."""

    claims: PrincipalClaims
    metadata: tuple[tuple[str, str], ...]
    """gRPC metadata that carries the principal token."""
    temporary: bool = False
    """Whether it showed temporary credentials, which expire by themselves."""
    entrance: Entrance | None = None
    """The private way by which it came in; None for the public listener."""

    def __repr__(self) -> str:
        """Name the principal without the token."""
        return f"Caller({self.claims.arn})"


class Operation(Protocol):
    """One operation whose input and output are JSON, by the member names of the service model."""

    async def __call__(self, values: Mapping[str, Any], caller: Caller, /) -> Mapping[str, Any]:
        """Run it and return the output. Raises DomainError."""


class UnsignedOperation(Protocol):
    """An operation for callers who have no credentials yet."""

    async def __call__(
        self, values: Mapping[str, Any], client: ClientContext, entrance: Entrance | None, /
    ) -> tuple[Mapping[str, Any], PrincipalClaims]:
        """Run it; return the output, and whom auth found behind the proof in `values`. Raises DomainError."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation of a model; the body is passed on as it came."""

    model_id: str
    body: bytes
    content_type: str
    accept: str
    receipt_salt: bytes | None = field(default=None, repr=False)
    """When a receipt is asked for: the client's salt for its commitments."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What runtime signed of an answer, and by whose key: signed notes both."""

    receipt: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's whole answer."""

    body: bytes
    content_type: str
    input_tokens: int
    output_tokens: int
    latency_ms: int
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a model's streamed answer; the usage comes with the last one."""

    chunks: Sequence[bytes]
    usage: tuple[int, int] | None
    """Input and output tokens."""


class Inference(Protocol):
    """runtime's inference service. A caller that stops waiting MUST end the work behind it."""

    async def invoke(self, invocation: Invocation, caller: Caller) -> Answer:
        """Invoke a model. Raises DomainError."""

    def stream(self, invocation: Invocation, caller: Caller) -> AsyncGenerator[Part, None]:
        """Invoke a model and yield its answer as it is generated. Raises DomainError at any part."""
