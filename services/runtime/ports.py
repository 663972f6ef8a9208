"""What runtime needs of the world."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol

from services.chassis.context import CallContext
from services.runtime.domain.catalogue import Catalogue
from services.runtime.domain.generation import Embedding, Generation, TextPiece, Vectors


class CatalogueSource(Protocol):
    """Gives the catalogue as it is now. MUST hold verified manifests alone."""

    def current(self) -> Catalogue:
        """Return the current catalogue; at once."""


Admission = Callable[[], Awaitable[None]]
"""Returns once the call's intent is durable; raises DomainError, and then nothing may leave."""


class Pool(Protocol):
    """One provider's escrow pool.

    MUST seal what it sends and receives end to end with the model process. MUST stop the model's work
    when the iterator is closed or the call is cancelled. MUST NOT keep any of the content.
    MUST await `admitted()` after all its own preparations and before anything of the request leaves.
    Raises DomainError: MODEL_NOT_READY, MODEL_TIMEOUT, MODEL_ERROR, THROTTLED, INVALID_MODEL_BODY.
    """

    def generate(
        self, model_id: str, request: Generation, timeout_s: float, admitted: Admission
    ) -> AsyncGenerator[TextPiece, None]:
        """Stream a generation; the last piece has `finish` set."""

    async def complete(
        self, model_id: str, request: Generation, timeout_s: float, admitted: Admission
    ) -> TextPiece:
        """Generate, and return the whole text as one piece with `finish` set."""

    async def embed(
        self, model_id: str, request: Embedding, timeout_s: float, admitted: Admission
    ) -> Vectors:
        """Embed texts."""


class ModelAccess(Protocol):
    """Decides whether the call's principal may act. MUST fail closed."""

    async def authorize(self, call: CallContext, action: str, resource: str) -> None:
        """Raise DomainError(ACCESS_DENIED) unless policies allow `action` on the ARN `resource`."""

    async def require_model_access(
        self, call: CallContext, region: str, model_id: str, eula_sha256: str
    ) -> None:
        """Raise DomainError(MODEL_ACCESS_DENIED) unless the account accepted this EULA in this region."""


class ReceiptCertifier(Protocol):
    """Certifies keys that sign receipts."""

    async def certify(self, public_key: bytes) -> bytes:
        """Return the certificate of a key that was made here (32 bytes): a signed note.

        MUST have published the certificate in the log when it returns. Raises DomainError.
        """


class UsageMeter(Protocol):
    """Counts what invocations consume, for metrics."""

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
