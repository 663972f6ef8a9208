"""A model without weights that says what it was told, for measuring everything around a model.

The prompt comes back in `max_tokens` pieces of about equal length, each in a frame of its own and each
counted as one token, or all in one frame when the whole answer is asked for.
"""

from craton.pool.v1.model_exchange_pb2 import (
    FailureReason,
    FinishReason,
    GenerateChunk,
    ModelRequest,
    ModelResponse,
)

from services.pool import handover
from services.pool.backends.exchange import SealedModel, TritonReply
from services.pool.backends.generation import RequestRefused


class TritonPythonModel(SealedModel):
    """The echo backend."""

    def load(self, material: handover.Handover) -> None:
        """There is nothing to load."""

    def close(self) -> None:
        """Every request ended inside `serve`."""

    def serve(self, request: ModelRequest, reply: TritonReply) -> None:
        """Send the prompt back in pieces."""
        generate = request.generate
        text = generate.prompt or "\n".join(message.text for message in generate.messages)
        if not text or not generate.max_tokens:
            raise RequestRefused(
                FailureReason.FAILURE_REASON_INVALID_PARAMETER, "a prompt and max_tokens are needed"
            )
        tokens = max(1, len(text) // 4)
        count = min(generate.max_tokens, len(text))
        if generate.whole_answer:
            chunk = GenerateChunk(
                text=text,
                token_count=count,
                input_tokens=tokens,
                output_tokens=count,
                finish_reason=FinishReason.FINISH_REASON_END_TURN,
            )
            reply.send(ModelResponse(generate=chunk, final=True), final=True)
            return
        for number in range(count):
            final = number == count - 1
            if not final and number % 64 == 63 and reply.cancelled():
                reply.fail(FailureReason.FAILURE_REASON_CANCELLED, "the request was cancelled")
                return
            piece = text[len(text) * number // count : len(text) * (number + 1) // count]
            chunk = GenerateChunk(
                text=piece, token_count=1, input_tokens=tokens if number == 0 or final else 0
            )
            if final:
                chunk.finish_reason = FinishReason.FINISH_REASON_END_TURN
                chunk.output_tokens = count
            reply.send(ModelResponse(generate=chunk, final=final), final=final)
