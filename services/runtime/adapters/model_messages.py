"""Domain requests and answers as the messages that cross the model server sealed."""

from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.pool.v1 import model_exchange_pb2 as wire

from services.chassis.errors import DomainError
from services.runtime.domain.families.body import invalid
from services.runtime.domain.generation import Embedding, FinishReason, Generation, TextPiece, Vectors

_FINISH = {
    wire.FINISH_REASON_END_TURN: FinishReason.END_TURN,
    wire.FINISH_REASON_MAX_TOKENS: FinishReason.MAX_TOKENS,
    wire.FINISH_REASON_STOP_SEQUENCE: FinishReason.STOP_SEQUENCE,
}


def generate_request(request: Generation, *, whole_answer: bool) -> bytes:
    """Serialise a generation; its answer comes in one response, or in pieces."""
    sampling = request.sampling
    message = wire.GenerateRequest(
        prompt=request.prompt,
        messages=[wire.ChatMessage(role=each.role, text=each.text) for each in request.messages],
        sampling=wire.Sampling(
            temperature=sampling.temperature, top_p=sampling.top_p, top_k=sampling.top_k, seed=sampling.seed
        ),
        max_tokens=request.max_tokens,
        stop_sequences=request.stop_sequences,
        whole_answer=whole_answer,
    )
    serialized: bytes = wire.ModelRequest(generate=message).SerializeToString()
    return serialized


def embed_request(request: Embedding) -> bytes:
    """Serialise an embedding."""
    message = wire.EmbedRequest(
        texts=request.texts, dimensions=request.dimensions, normalize=request.normalize
    )
    serialized: bytes = wire.ModelRequest(embed=message).SerializeToString()
    return serialized


def text_piece(response: wire.ModelResponse) -> TextPiece:
    """Read a piece of text. Raises DomainError when the model process failed."""
    if response.WhichOneof("kind") != "generate":
        raise failure(response)
    chunk = response.generate
    finish = _FINISH.get(chunk.finish_reason)
    if response.final and finish is None:
        raise DomainError(ErrorReason.ERROR_REASON_MODEL_ERROR, "the model ended without a reason")
    return TextPiece(
        chunk.text, chunk.token_count, chunk.input_tokens, finish, chunk.stop_sequence, chunk.output_tokens
    )


def vectors(response: wire.ModelResponse) -> Vectors:
    """Read vectors. Raises DomainError when the model process failed."""
    if response.WhichOneof("kind") != "embed":
        raise failure(response)
    values = tuple(tuple(each.values) for each in response.embed.embeddings)
    return Vectors(values, response.embed.input_tokens)


def failure(response: wire.ModelResponse) -> DomainError:
    """Turn the model process's failure into ours. Its message names limits and parameters, never content."""
    reason = response.failure.reason
    if reason == wire.FAILURE_REASON_PROMPT_TOO_LONG:
        return DomainError(
            ErrorReason.ERROR_REASON_INVALID_MODEL_BODY, f"Too many input tokens. {response.failure.message}"
        )
    if reason == wire.FAILURE_REASON_INVALID_PARAMETER:
        return invalid(response.failure.message)
    if reason == wire.FAILURE_REASON_CANCELLED:
        return DomainError(ErrorReason.ERROR_REASON_CANCELLED, "the call was cancelled")
    return DomainError(
        ErrorReason.ERROR_REASON_MODEL_ERROR, "the model failed while it worked on the request"
    )
