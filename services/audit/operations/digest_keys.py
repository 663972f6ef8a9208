"""The keys under which digests are signed, for those who verify them."""

from datetime import datetime

from services.audit.ports import Authorization, DigestKey, DigestSigner
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.pipeline import require_principal

_ACTION = "cloudtrail:ListPublicKeys"


class PublicKeys:
    """Answers principals whose policies allow it, as for all that is asked of a service."""

    def __init__(self, signer: DigestSigner, authorization: Authorization, clock: Clock) -> None:
        """Ask `signer`."""
        self._signer = signer
        self._authorization = authorization
        self._clock = clock

    async def asked(self, call: CallContext) -> tuple[DigestKey, datetime]:
        """Return the key, and the time until which it is known to have signed. Raises DomainError."""
        require_principal(call)
        await self._authorization.authorize(call, _ACTION, "*")
        return await self._signer.public_key(), self._clock.now()
