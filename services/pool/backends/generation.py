"""One text generation in flight: from tokens to the chunks of its answer."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from craton.pool.v1.model_exchange_pb2 import (
    FailureReason,
    FinishReason,
    GenerateChunk,
    GenerateRequest,
    ModelFailure,
    ModelResponse,
)

from services.pool.backends.text import Detokenizer, StopFilter

# Tokens that come within this time travel in one chunk: at high rates a chunk a token costs more than the
# token. The first goes at once, because somebody waits for it.
COALESCE_S = 0.010

MAX_STOP_SEQUENCES = 16
MAX_STOP_LENGTH = 512
"""Characters. A longer one would hold back as much text."""


# Below this the softmax is one token anyway, and dividing by it overflows.
_GREEDY_BELOW = 1e-4


class Reply(Protocol):
    """Where an answer goes. Nothing may follow a final response."""

    def send(self, response: ModelResponse, *, final: bool) -> None:
        """Send a response; may raise when the other side is gone."""

    def cancelled(self) -> bool:
        """Whether the request was cancelled."""


class RequestRefused(Exception):  # noqa: N818 - the request is at fault, nothing broke
    """The request cannot be served; the message names limits and parameters, never content."""

    def __init__(self, reason: FailureReason, message: str, *, input_tokens: int = 0) -> None:
        """`reason` is FAILURE_REASON_PROMPT_TOO_LONG or FAILURE_REASON_INVALID_PARAMETER."""
        super().__init__(message)
        self.reason = reason
        self.input_tokens = input_tokens


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a request's tokens are chosen."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    """0 leaves all tokens in."""

    @property
    def greedy(self) -> bool:
        """Whether the most likely token is always taken."""
        return self.temperature < _GREEDY_BELOW or self.top_k == 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model takes and gives, in tokens."""

    context: int
    max_input_tokens: int
    max_output_tokens: int


def check(request: GenerateRequest, limits: Limits) -> None:
    """Refuse parameters outside their ranges. Raises RequestRefused."""

    def require(condition: bool, message: str) -> None:
        if not condition:
            raise RequestRefused(FailureReason.FAILURE_REASON_INVALID_PARAMETER, message)

    sampling = request.sampling
    most = limits.max_output_tokens
    require(bool(request.prompt) != bool(request.messages), "exactly one of prompt and messages is needed")
    require(1 <= request.max_tokens <= most, f"max_tokens must be from 1 to {most}")
    # The comparisons are false for NaN, which is refused like any other number out of range.
    if sampling.HasField("temperature"):
        require(0 <= sampling.temperature <= 100, "temperature must be from 0 to 100")
    if sampling.HasField("top_p"):
        require(0 < sampling.top_p <= 1, "top_p must be above 0 and at most 1")
    if sampling.HasField("top_k"):
        require(sampling.top_k >= 1, "top_k must be at least 1")
    require(
        len(request.stop_sequences) <= MAX_STOP_SEQUENCES,
        f"at most {MAX_STOP_SEQUENCES} stop sequences are taken",
    )
    for stop in request.stop_sequences:
        require(1 <= len(stop) <= MAX_STOP_LENGTH, f"a stop sequence has 1 to {MAX_STOP_LENGTH} characters")
    for message in request.messages:
        require(message.role in ("system", "user", "assistant"), "a role is system, user or assistant")


def check_length(input_tokens: int, limits: Limits) -> None:
    """Refuse a prompt that does not fit or leaves no room for an answer. Raises RequestRefused."""
    most = min(limits.max_input_tokens, limits.context - 1)
    if not 1 <= input_tokens <= most:
        raise RequestRefused(
            FailureReason.FAILURE_REASON_PROMPT_TOO_LONG if input_tokens else
            FailureReason.FAILURE_REASON_INVALID_PARAMETER,
            f"the prompt has {input_tokens} tokens, this model takes 1 to {most}",
            input_tokens=input_tokens,
        )  # fmt: skip


class Generation:
    """Implements the engine's Stream for one request."""

    def __init__(
        self,
        *,
        request: GenerateRequest,
        prompt: Sequence[int],
        sampling: Sampling,
        seed: int,
        limits: Limits,
        end_tokens: frozenset[int],
        decode: Callable[[list[int]], str],
        reply: Reply,
        boottime: Callable[[], float],
    ) -> None:
        """`end_tokens` end the model's turn. `request` and `prompt` passed their checks."""
        self.prompt = prompt
        self.sampling = sampling
        self.draw = random.Random(seed)  # noqa: S311 - reproducible draws are what a seed is for
        self._most = min(request.max_tokens, limits.context - len(prompt))
        self.single = self._most == 1
        self._end_tokens = end_tokens
        self._detokenizer = Detokenizer(decode, prompt)
        self._stops = StopFilter(request.stop_sequences)
        self._whole = request.whole_answer
        self._reply = reply
        self._boottime = boottime
        self._pending: list[str] = []
        self._pending_tokens = 0
        self._generated = 0
        self._last_sent: float | None = None
        self._over = False

    def take(self, token: int) -> bool:
        """Take a token; send what may be shown. True ends the generation."""
        self._generated += 1
        self._pending_tokens += 1
        if token in self._end_tokens:
            return self._end(FinishReason.FINISH_REASON_END_TURN)
        text, stop = self._stops.add(self._detokenizer.add(token))
        self._pending.append(text)
        if stop is not None:
            return self._end(FinishReason.FINISH_REASON_STOP_SEQUENCE, stop)
        if self._generated >= self._most:
            return self._end(FinishReason.FINISH_REASON_MAX_TOKENS)
        if self._whole:
            return False
        now = self._boottime()
        if self._last_sent is None:
            return not self._send(self._chunk(input_tokens=len(self.prompt)), final=False)
        if now - self._last_sent >= COALESCE_S and any(self._pending):
            return not self._send(self._chunk(), final=False)
        return False

    def cancelled(self) -> bool:
        """Whether nobody waits any more."""
        return self._over or self._reply.cancelled()

    def cancel(self) -> None:
        """End the answer because it was cancelled."""
        self._fail(FailureReason.FAILURE_REASON_CANCELLED, "the request was cancelled")

    def fail(self) -> None:
        """End the answer because the model process broke or stops."""
        self._fail(FailureReason.FAILURE_REASON_INTERNAL, "the model process could not finish")

    def _end(self, reason: FinishReason, stop: str = "") -> bool:
        if reason != FinishReason.FINISH_REASON_STOP_SEQUENCE:
            # What looked like the beginning of a stop sequence was none. An unfinished character is dropped.
            self._pending.append(self._stops.rest())
        chunk = self._chunk(input_tokens=len(self.prompt))
        chunk.finish_reason = reason
        chunk.stop_sequence = stop
        chunk.output_tokens = self._generated
        self._send(chunk, final=True)
        return True

    def _chunk(self, *, input_tokens: int = 0) -> GenerateChunk:
        chunk = GenerateChunk(
            text="".join(self._pending), token_count=self._pending_tokens, input_tokens=input_tokens
        )
        self._pending.clear()
        self._pending_tokens = 0
        return chunk

    def _send(self, chunk: GenerateChunk, *, final: bool) -> bool:
        self._last_sent = self._boottime()
        return self._write(ModelResponse(generate=chunk, final=final), final=final)

    def _fail(self, reason: FailureReason, message: str) -> None:
        if not self._over:
            failure = ModelFailure(
                reason=reason, message=message, input_tokens=len(self.prompt), output_tokens=self._generated
            )
            self._write(ModelResponse(failure=failure, final=True), final=True)

    def _write(self, response: ModelResponse, *, final: bool) -> bool:
        try:
            self._reply.send(response, final=final)
        except Exception:
            # The model server refuses answers to a request that is gone; the other generations go on.
            self._over = True
            return False
        self._over = final
        return True
