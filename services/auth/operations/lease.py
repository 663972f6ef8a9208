"""What enforcement points are told about a principal, and for how long they may use it."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Protocol, TypeVar

from services.auth.domain.points import EnforcementPointId
from services.auth.domain.records import PrincipalState
from services.auth.errors import access_denied
from services.auth.operations.admission import Admission
from services.chassis.context import CallContext
from services.chassis.principal import PrincipalClaims

T = TypeVar("T")

LEASE_S = 4.75
"""How long a revocation may go unnoticed at an enforcement point that hears of nothing.

Five seconds are promised, and the change itself takes its time before its wait for leases begins: it is
acknowledged within five seconds and a fifth, also where it is one of many on a busy machine.
"""

LONGEST_CALL_S = 900.0
"""How long after its token's end a call may go on: no call of this installation takes longer."""


@dataclass(frozen=True, slots=True)
class AuthorizationLease:
    """One answer. `unchanged` means that the caller holds the content of `digest` already."""

    state: PrincipalState
    digest: str
    unchanged: bool
    endpoint_epoch: int = 0
    """Of the account whose VPC endpoint the principal came through; 0 for the public path."""


class AdmittedTokens(Protocol):
    """Verifies tokens of calls that go on."""

    async def verify_admitted(self, token: str, longest_s: float) -> PrincipalClaims:
        """Return the claims. Raises INVALID_TOKEN, also for one that expired longer ago."""


class Registrar(Protocol):
    """Knows the processes that hold leases."""

    def knows(self, point: EnforcementPointId) -> bool:
        """Say whether the point is written down, and will be for longer than a lease."""

    async def register(self, point: EnforcementPointId) -> None:
        """Return when the point is written down.

        Raises DomainError(THROTTLED) when its service has too many of them: it gets no lease then.
        """


async def read_for(points: Registrar, point: EnforcementPointId, read: Callable[[], Awaitable[T]]) -> T:
    """Return what `read` finds for a lease of `point`, read while the point is written down.

    A change that the lease does not know yet must find its holder, so that nothing counts that was read
    before the point was written down. It is written down only for what `read` lets pass: whoever proves
    nothing would else have changes wait for points that do not exist. What `read` raises is raised.
    """
    known = points.knows(point)
    found = await read()
    if known:
        return found
    await points.register(point)
    return await read()


class AuthorizationLeases:
    """Answers enforcement points."""

    def __init__(self, admission: Admission, points: Registrar, tokens: AdmittedTokens) -> None:
        """Read principals through `admission`, register who takes leases with `points`."""
        self._admission = admission
        self._points = points
        self._tokens = tokens

    async def grant(
        self, call: CallContext, known_digest: str, instance_id: str, admitted_token: str = ""
    ) -> AuthorizationLease:
        """Lease the principal's data to the service that its token is for.

        `admitted_token` is one that may have expired since it admitted a call that goes on.

        Raises DomainError(INVALID_TOKEN) when the principal is gone or the token is another service's,
        ACCESS_DENIED when the VPC endpoint that it names is, THROTTLED when the service has too many points.
        """
        if call.caller is None:
            raise access_denied("Leases are for services.")
        service = call.caller.name
        claims = None
        if admitted_token:
            claims = await self._tokens.verify_admitted(admitted_token, LONGEST_CALL_S)
        caller = await read_for(
            self._points,
            EnforcementPointId(service, instance_id),
            lambda: self._admission.identify(call, service, claims),
        )
        digest = content_digest(caller.state)
        return AuthorizationLease(caller.state, digest, digest == known_digest, caller.endpoint_epoch)


def content_digest(state: PrincipalState) -> str:
    """SHA-256 over everything a lease carries, lower-case hex. The epoch is not part of it."""
    content = [asdict(state.policies), [list(each) for each in state.entitlements], asdict(state.facts)]
    encoded = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return hashlib.sha256(encoded).hexdigest()
