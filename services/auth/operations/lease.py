"""What enforcement points are told about a principal, and for how long they may use it."""

import hashlib
import json
from dataclasses import asdict, dataclass

from services.auth.domain.records import PrincipalState
from services.auth.errors import access_denied
from services.auth.operations.admission import Admission
from services.chassis.context import CallContext

LEASE_S = 5.0
"""How long a revocation may go unnoticed at an enforcement point that hears of nothing."""


@dataclass(frozen=True, slots=True)
class AuthorizationLease:
    """One answer. `unchanged` means that the caller holds the content of `digest` already."""

    state: PrincipalState
    digest: str
    unchanged: bool


class AuthorizationLeases:
    """Answers enforcement points."""

    def __init__(self, admission: Admission) -> None:
        """Read principals through `admission`."""
        self._admission = admission

    async def grant(self, call: CallContext, known_digest: str) -> AuthorizationLease:
        """Lease the principal's data to the service that its token is for.

        Raises DomainError(INVALID_TOKEN) when the principal is gone or the token is another service's.
        """
        if call.caller is None:
            raise access_denied("Leases are for services.")
        caller = await self._admission.identify(call, audience=call.caller.name)
        digest = content_digest(caller.state)
        return AuthorizationLease(caller.state, digest, digest == known_digest)


def content_digest(state: PrincipalState) -> str:
    """SHA-256 over everything a lease carries, lower-case hex. The epoch is not part of it."""
    content = [asdict(state.policies), [list(each) for each in state.entitlements], asdict(state.facts)]
    encoded = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return hashlib.sha256(encoded).hexdigest()
