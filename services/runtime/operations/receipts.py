"""The use case: sign what is said of one answer, and give it out once more for some minutes."""

import asyncio
from uuid import UUID

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.arn import foundation_model_arn
from services.chassis.clock import Clock
from services.chassis.context import CallContext, Statement
from services.chassis.errors import DomainError
from services.chassis.manifest import ModelManifest
from services.chassis.pipeline import require_principal
from services.chassis.principal import PrincipalClaims
from services.chassis.randomness import OrderedUuids, Randomness
from services.runtime.domain.generation import TextPiece
from services.runtime.domain.receipts import Kept, KeptReceipts, Owner, SignedReceipt
from services.runtime.operations.receipt_keys import CertifiedKey, ReceiptKeys
from services.runtime.ports import ModelAccess
from tlog.receipt import NONE, Receipt, StreamCommitment, commit_request, commit_response

_INLINE_BYTES = 256 * 1024
"""What is longer is hashed in a thread: a body has up to 25 MB."""


class Draft:
    """The receipt of a call in progress: what is known of it by now."""

    def __init__(
        self,
        key: CertifiedKey,
        salt: bytes,
        operation: str,
        model: ModelManifest,
        manifest_sha256: str,
        request_commitment: bytes,
    ) -> None:
        """Begin with what was asked of which model."""
        self.key = key
        self.operation = operation
        self.model = model
        self.manifest_sha256 = manifest_sha256
        self.request_commitment = request_commitment
        self._salt = salt
        self._chunks: StreamCommitment | None = None
        self._response = b""

    def add_chunks(self, chunks: list[bytes]) -> None:
        """Commit to the next chunks of a stream."""
        if self._chunks is None:
            self._chunks = StreamCommitment(self._salt)
        for chunk in chunks:
            self._chunks.add(chunk)

    def set_body(self, body: bytes) -> None:
        """Commit to a whole answer."""
        self._response = commit_response(self._salt, body)

    @property
    def response_commitment(self) -> bytes:
        """The commitment to what was said."""
        return self._response if self._chunks is None else self._chunks.digest()


class Receipts:
    """Signs receipts and keeps them for their owners."""

    def __init__(
        self,
        keys: ReceiptKeys,
        kept: KeptReceipts,
        access: ModelAccess,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """Sign with `keys`; `access` decides who may have a receipt once more."""
        self._keys = keys
        self._kept = kept
        self._access = access
        self._clock = clock
        self._ids = OrderedUuids(clock, randomness)

    async def begin(
        self, salt: bytes, operation: str, model: ModelManifest, manifest_sha256: str, body: bytes
    ) -> Draft:
        """Begin the receipt of an admitted call, before anything is done for it.

        Raises DomainError(DEPENDENCY_UNAVAILABLE) without a certified key: who asked for a receipt is not
        answered without one.
        """
        key = self._keys.current()
        if len(body) <= _INLINE_BYTES:
            commitment = commit_request(salt, body)
        else:
            commitment = await asyncio.to_thread(commit_request, salt, body)
        return Draft(key, salt, operation, model, manifest_sha256, commitment)

    async def issue_whole(
        self, call: CallContext, draft: Draft, body: bytes, last: TextPiece
    ) -> SignedReceipt:
        """As `issue`, of an answer that is one body."""
        draft.set_body(body)
        return await self.issue(call, draft, last)

    async def issue(self, call: CallContext, draft: Draft, last: TextPiece) -> SignedReceipt:
        """Sign, and return the receipt once the event that names it is durable.

        To be called when nothing can fail any more but sending. Raises DomainError(AUDIT_UNAVAILABLE).
        """
        claims, model = require_principal(call), draft.model
        receipt = Receipt(
            event_id=UUID(self._ids.next()),
            request_id=call.request_id,
            time=self._clock.now(),
            account_id=claims.account_id,
            region=claims.region,
            operation=draft.operation,
            model_id=model.model_id,
            manifest_sha256=draft.manifest_sha256,
            artifact_sha256=NONE if model.artifact is None else model.artifact.sha256,
            request_commitment=draft.request_commitment,
            response_commitment=draft.response_commitment,
            input_tokens=last.input_tokens,
            output_tokens=last.output_tokens,
            stop_reason=NONE if last.finish is None else last.finish.value,
        )
        signed = SignedReceipt(draft.key.sign(receipt.text), draft.key.note)
        call.input_tokens, call.output_tokens = last.input_tokens, last.output_tokens
        call.statement = Statement(str(receipt.event_id), receipt.digest)
        call.conclude()
        if call.conclusion is not None:
            # Whoever goes away meanwhile does not take the record of its call along.
            await asyncio.shield(asyncio.ensure_future(call.conclusion))
        kept = Kept(signed, f"bedrock:{draft.operation}", foundation_model_arn(claims.region, model.model_id))
        self._kept.put(_owner(claims), call.request_id, kept, self._clock.boottime())
        return signed

    async def find(self, call: CallContext, request_id: str) -> SignedReceipt:
        """Return the receipt of one of the principal's own requests.

        It is part of that answer: whoever may not invoke the model any more does not get it either. Raises
        DomainError: RESOURCE_NOT_FOUND, ACCESS_DENIED.
        """
        owner = _owner(require_principal(call))
        kept = self._kept.get(owner, request_id, self._clock.boottime())
        if kept is None:
            raise DomainError(
                ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND,
                "No receipt of this request is kept for you.",
            )
        call.resources.append(kept.resource)
        await self._access.authorize(call, kept.action, kept.resource)
        return kept.signed


def _owner(claims: PrincipalClaims) -> Owner:
    return Owner(claims.account_id, claims.account_incarnation, claims.principal_id, claims.region)
