"""The use case: authorise an invocation, find its pool, ask the model, render the answer."""

from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.arn import foundation_model_arn
from services.chassis.clock import Clock
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.manifest import ModelManifest
from services.chassis.pipeline import require_principal
from services.runtime.domain.catalogue import model_id_of
from services.runtime.domain.families import TEXT_FAMILIES, VECTOR_FAMILIES
from services.runtime.domain.families.body import invalid
from services.runtime.domain.generation import LONGEST_CALL_S, TextPiece, Timing
from services.runtime.domain.receipts import SignedReceipt
from services.runtime.operations.continuation import Continuation
from services.runtime.operations.receipts import Draft, Receipts
from services.runtime.ports import CatalogueSource, ModelAccess, Pool, UsageMeter
from tlog import receipt as receipts

INVOKE = f"bedrock:{receipts.INVOKE}"
INVOKE_STREAM = f"bedrock:{receipts.INVOKE_STREAM}"
_JSON_TYPES = ("", "application/json", "*/*")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer in the family's form."""

    body: bytes
    input_tokens: int
    output_tokens: int
    latency_ms: int
    receipt: SignedReceipt | None = None


class InvocationRequest(Protocol):
    """What both request messages have in common."""

    model_id: str
    body: bytes
    content_type: str
    accept: str
    receipt_salt: bytes
    """Empty unless a receipt is asked for."""


class Invocations:
    """Invokes models for authenticated principals."""

    def __init__(
        self,
        catalogue: CatalogueSource,
        access: ModelAccess,
        pools: Mapping[str, Pool],
        clock: Clock,
        meter: UsageMeter,
        receipts: Receipts,
    ) -> None:
        """Route by provider: `pools` maps provider names to pools."""
        self._catalogue = catalogue
        self._access = access
        self._pools = pools
        self._clock = clock
        self._meter = meter
        self._receipts = receipts

    async def invoke(self, call: CallContext, request: InvocationRequest) -> Answer:
        """Invoke a model and wait for the whole answer."""
        started = self._clock.boottime()
        model, pool, manifest_sha256 = await self._admit(call, request, INVOKE)
        draft: Draft | None = None
        if model.task == "embeddings":
            vector_family = VECTOR_FAMILIES[model.family]
            texts = vector_family.parse(request.body, model)
            if request.receipt_salt:
                draft = await self._draft(request, receipts.INVOKE, model, manifest_sha256)
            vectors = await pool.embed(model.model_id, texts, self._time_left(call), call.intended)
            embedded = TextPiece("", input_tokens=vectors.input_tokens)
            self._count(call, model, embedded)
            if draft is None:
                call.conclude()
            body = vector_family.render(vectors)
            receipt = None if draft is None else await self._receipts.issue_whole(call, draft, body, embedded)
            return Answer(body, vectors.input_tokens, 0, self._since(started), receipt)
        family = TEXT_FAMILIES[model.family]
        generation = family.parse(request.body, model)
        if request.receipt_salt:
            draft = await self._draft(request, receipts.INVOKE, model, manifest_sha256)
        answer = await pool.complete(model.model_id, generation, self._time_left(call), call.intended)
        self._count(call, model, answer)
        if draft is None:
            call.conclude()
        body = family.render(answer.text, answer, model, call.call_id)
        # What was said is committed to first: only then the event says that the call has succeeded.
        receipt = None if draft is None else await self._receipts.issue_whole(call, draft, body, answer)
        return Answer(body, answer.input_tokens, answer.output_tokens, self._since(started), receipt)

    async def invoke_streaming(
        self, call: CallContext, request: InvocationRequest
    ) -> AsyncGenerator[tuple[list[bytes], TextPiece, SignedReceipt | None], None]:
        """Invoke a model and yield (chunks in the family's form, the piece they render, the receipt).

        A receipt comes with the last piece alone, when one was asked for.
        """
        started = self._clock.boottime()
        model, pool, manifest_sha256 = await self._admit(call, request, INVOKE_STREAM)
        if not model.response_streaming or model.task == "embeddings":
            raise DomainError(
                ErrorReason.ERROR_REASON_INVALID_FIELD,
                "The model is unsupported for streaming. Use the InvokeModel API instead.",
                field="model_id",
            )
        family = TEXT_FAMILIES[model.family]
        generation = family.parse(request.body, model)
        draft: Draft | None = None
        if request.receipt_salt:
            draft = await self._draft(request, receipts.INVOKE_STREAM, model, manifest_sha256)
        writer = family.stream(model, call.call_id)
        first_byte_ms: int | None = None
        source = pool.generate(model.model_id, generation, self._time_left(call), call.intended)

        async def still_permitted() -> None:
            # The token that admitted the call may end before its answer does.
            call.continuing = True
            claims = require_principal(call)
            arn = foundation_model_arn(claims.region, model.model_id)
            await self._access.authorize(call, INVOKE_STREAM, arn)
            await self._access.require_model_access(
                call, claims.region, model.model_id, model.offer.eula_sha256
            )

        async with (
            aclosing(self._pieces(call, model, source)) as pieces,
            Continuation(still_permitted) as continuation,
        ):
            while (piece := await continuation.next(pieces)) is not None:
                if first_byte_ms is None:
                    first_byte_ms = self._since(started)
                if piece.finish is None:
                    chunks = writer.piece(piece)
                else:
                    chunks = writer.last(piece, Timing(self._since(started), first_byte_ms))
                receipt = None
                if draft is not None:
                    draft.add_chunks(chunks)
                    if piece.finish is not None:
                        receipt = await self._receipts.issue(call, draft, piece)
                yield chunks, piece, receipt
                if piece.finish is not None:
                    # All is said, and a receipt may say so: it is too late to take the permission away.
                    await anext(pieces, None)
                    return

    def _draft(
        self, request: InvocationRequest, operation: str, model: ModelManifest, manifest_sha256: str
    ) -> Awaitable[Draft]:
        """Begin a receipt, once the request is known to mean something: its body is hashed."""
        return self._receipts.begin(request.receipt_salt, operation, model, manifest_sha256, request.body)

    async def _admit(
        self, call: CallContext, request: InvocationRequest, action: str
    ) -> tuple[ModelManifest, Pool, str]:
        """Return the model, the pool that has it and the digest of its signed manifest."""
        claims = require_principal(call)
        # The policy decides before the catalogue is asked: who may not call a model does not learn
        # whether it exists.
        model_id = model_id_of(request.model_id, claims.region)
        await self._access.authorize(call, action, foundation_model_arn(claims.region, model_id))
        catalogue = self._catalogue.current()
        try:
            model = catalogue.find(request.model_id, claims.region)
        except DomainError as error:
            if error.reason != ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND:
                raise
            raise DomainError(
                ErrorReason.ERROR_REASON_INVALID_FIELD,
                "The provided model identifier is invalid.",
                field="model_id",
            ) from error
        await self._access.require_model_access(call, claims.region, model.model_id, model.offer.eula_sha256)
        if request.content_type.split(";")[0].strip() not in _JSON_TYPES:
            raise invalid("the content type must be application/json")
        if request.accept.split(";")[0].strip() not in _JSON_TYPES:
            raise invalid("the accept type must be application/json")
        pool = self._pools.get(model.provider)
        if pool is None:
            raise DomainError(
                ErrorReason.ERROR_REASON_MODEL_NOT_READY,
                "no pool of the model's provider runs here",
                retry_after_s=5.0,
            )
        return model, pool, catalogue.manifest_sha256(model.model_id)

    async def _pieces(
        self, call: CallContext, model: ModelManifest, source: AsyncGenerator[TextPiece, None]
    ) -> AsyncGenerator[TextPiece, None]:
        """Pass pieces on and count what was delivered, also when the stream is cut short."""
        delivered = TextPiece("")
        ended = False
        try:
            async for piece in source:
                input_tokens = piece.input_tokens or delivered.input_tokens
                output_tokens = piece.output_tokens or delivered.output_tokens + piece.tokens
                delivered = TextPiece("", input_tokens=input_tokens, output_tokens=output_tokens)
                ended = piece.finish is not None
                yield piece
            if not ended:
                raise DomainError(ErrorReason.ERROR_REASON_MODEL_ERROR, "the model's answer broke off")
        finally:
            self._count(call, model, delivered)
            await source.aclose()

    def _count(self, call: CallContext, model: ModelManifest, piece: TextPiece) -> None:
        call.input_tokens, call.output_tokens = piece.input_tokens, piece.output_tokens
        meter = self._meter
        meter.count("craton_model_tokens", piece.input_tokens, model=model.model_id, direction="input")
        meter.count("craton_model_tokens", piece.output_tokens, model=model.model_id, direction="output")

    def _time_left(self, call: CallContext) -> float:
        if call.deadline is None:
            return LONGEST_CALL_S
        return min(call.deadline - self._clock.boottime(), LONGEST_CALL_S)

    def _since(self, started: float) -> int:
        return int((self._clock.boottime() - started) * 1000)
