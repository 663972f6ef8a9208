"""Continuous batching for any decoder of transformers: one thread that prefills, decodes and samples.

Every round reads a bounded number of prompt tokens and then one token for every sequence in flight, so that
a long prompt delays others by one chunk and a new request waits for one round. Prompts are read alone, one
sequence at a time; decoding is batched.
"""

import collections
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from services.pool.backends.generation import Sampling
from services.pool.backends.kv_cache import SlotCache
from services.pool.backends.sampling import choose

# Prompt tokens read in one round: bounds by how much a long prompt delays the others' next token.
PREFILL_TOKENS = 512
# Asking the model server whether a request was cancelled costs a message to it, hence not every round, and
# for those that wait less often still.
CANCEL_POLL_S = 0.05
WAITING_POLL_S = 1.0


class Overloaded(Exception):  # noqa: N818 - it names a state, which the caller answers with a refusal
    """More requests wait than the engine accepts."""


class Stream(Protocol):
    """One request in flight. All calls come from the engine's thread."""

    prompt: Sequence[int]
    sampling: Sampling
    draw: random.Random
    single: bool
    """Whether it ends with its first token. Such a request needs no place among the decoding ones: it is read
    next, whatever waits, so that a watchdog's question is answered by a busy model too."""

    def take(self, token: int) -> bool:
        """Take the next token; True ends the generation."""

    def cancelled(self) -> bool:
        """Whether nobody waits for the answer any more."""

    def cancel(self) -> None:
        """End the answer because it was cancelled."""

    def fail(self) -> None:
        """End the answer because the engine broke or stops."""


@dataclass(slots=True, eq=False)
class _Sequence:
    stream: Stream
    length: int = 0
    """Tokens in the cache."""
    last: int = 0
    """The token to be read next."""
    ended: bool = field(default=False)


class Engine:
    """Runs a model for many streams at once. `submit` and `stop` may be called from any thread."""

    def __init__(
        self,
        model: Any,
        cache: SlotCache,
        *,
        slots: int,
        context: int,
        mask_for: "MaskFor",
        boottime: Callable[[], float],
        on_error: Callable[[BaseException], None],
    ) -> None:
        """Decode up to `slots` streams at once; `cache` has one slot more, for a single-token request.

        `on_error` is told of failures of the model; it must log types and places, never content.
        """
        self._model = model
        self._cache = cache
        self._slots = slots
        self._context = context
        self._mask_for = mask_for
        self._boottime = boottime
        self._on_error = on_error
        self._waiting: collections.deque[_Sequence] = collections.deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._next_poll = self._next_waiting_poll = 0.0
        # Active slots are the decoding sequences, then at most one whose prompt is read in part.
        self._decoding: list[_Sequence] = []
        self._reading: _Sequence | None = None

    def submit(self, stream: Stream) -> None:
        """Queue a request, which must leave room for a token in the context. Raises Overloaded."""
        with self._changed:
            if self._stopping or len(self._waiting) >= (8 if stream.single else 4) * self._slots:
                raise Overloaded
            if stream.single:
                self._waiting.appendleft(_Sequence(stream))
            else:
                self._waiting.append(_Sequence(stream))
            self._changed.notify()

    def stop(self) -> None:
        """Let `run` end; every request that is not finished fails."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def run(self) -> None:
        """Serve until `stop`. The body of the engine's thread."""
        with torch.inference_mode():
            while self._wait():
                try:
                    self._round()
                except Exception as error:
                    # Whatever broke, its requests must end and others must be served.
                    self._on_error(error)
                    self._fail_active()
        self._fail_active()
        while self._waiting:
            self._waiting.popleft().stream.fail()

    def _wait(self) -> bool:
        with self._changed:
            while not (self._stopping or self._waiting or self._decoding or self._reading):
                self._changed.wait()
            return not self._stopping

    def _round(self) -> None:
        now = self._boottime()
        if now >= self._next_poll:
            self._drop_cancelled()
            self._next_poll = now + CANCEL_POLL_S
        if now >= self._next_waiting_poll:
            self._drop_cancelled_waiting()
            self._next_waiting_poll = now + WAITING_POLL_S
        self._read_prompts()
        if self._decoding:
            self._decode()

    def _read_prompts(self) -> None:
        budget = PREFILL_TOKENS
        while budget > 0:
            sequence = self._reading or self._next_waiting()
            if sequence is None:
                return
            self._reading = sequence
            prompt = sequence.stream.prompt
            start, end = sequence.length, min(len(prompt), sequence.length + budget)
            positions = self._cache.prefill(len(self._decoding), start, end)
            # Set before the forward: should it break, the slot is cleared up to here.
            sequence.length = end
            logits = self._forward(torch.tensor([prompt[start:end]]), positions)
            budget -= end - start
            if end == len(prompt):
                self._reading = None
                self._decoding.append(sequence)
                self._deliver([sequence], logits)

    def _next_waiting(self) -> _Sequence | None:
        """Take the next request that nobody cancelled, if there is one and a place for it."""
        with self._changed:
            while self._waiting and (len(self._decoding) < self._slots or self._waiting[0].stream.single):
                sequence = self._waiting.popleft()
                if not sequence.stream.cancelled():
                    return sequence
                sequence.stream.cancel()
        return None

    def _decode(self) -> None:
        batch = list(self._decoding)
        positions = self._cache.decode([sequence.length for sequence in batch])
        for sequence in batch:
            sequence.length += 1
        logits = self._forward(torch.tensor([[sequence.last] for sequence in batch]), positions)
        self._deliver(batch, logits)

    def _forward(self, tokens: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        output = self._model(
            input_ids=tokens.to(positions.device),
            position_ids=positions,
            attention_mask=self._mask_for(self._cache, positions),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output.logits[:, -1].float()

    def _deliver(self, batch: list[_Sequence], logits: torch.Tensor) -> None:
        streams = [sequence.stream for sequence in batch]
        tokens = choose(logits, [each.sampling for each in streams], [each.draw for each in streams])
        for sequence, token in zip(batch, tokens, strict=True):
            sequence.last = token
            sequence.ended = sequence.stream.take(token) or sequence.length >= self._context
        self._release()

    def _drop_cancelled(self) -> None:
        for sequence in self._active():
            if sequence.stream.cancelled():
                sequence.ended = True
                sequence.stream.cancel()
        self._release()

    def _drop_cancelled_waiting(self) -> None:
        for sequence in tuple(self._waiting):
            if sequence.stream.cancelled():
                sequence.stream.cancel()
                with self._changed:
                    self._waiting.remove(sequence)

    def _active(self) -> list[_Sequence]:
        return [*self._decoding, *([self._reading] if self._reading else [])]

    def _release(self) -> None:
        """Give back the slots of ended sequences and close the gaps."""
        if self._reading is not None and self._reading.ended:
            self._cache.clear(len(self._decoding), self._reading.length)
            self._reading = None
        for slot in reversed(range(len(self._decoding))):
            if not self._decoding[slot].ended:
                continue
            self._cache.clear(slot, self._decoding[slot].length)
            last = self._decoding.pop()
            if slot < len(self._decoding):
                self._cache.move(len(self._decoding), slot, last.length)
                self._decoding[slot] = last
            if self._reading is not None:
                self._cache.move(len(self._decoding) + 1, len(self._decoding), self._reading.length)

    def _fail_active(self) -> None:
        for sequence in self._active():
            sequence.ended = True
            sequence.stream.fail()
        self._release()


class MaskFor(Protocol):
    """Makes the attention mask (or masks) of one forward, in the form that the model takes."""

    def __call__(self, cache: SlotCache, positions: torch.Tensor) -> Any:
        """Return what the model's forward takes as attention_mask."""


def mask_maker(config: Any, context: int) -> MaskFor:
    """Find how a model wants its masks: one for all layers, or one a kind of layer.

    Mistral slides in every layer, Qwen and others mix full and sliding layers and take a mask for each kind.
    """
    kinds = set(getattr(config, "layer_types", None) or ())
    window: int | None = getattr(config, "sliding_window", None)
    if window is not None and window >= context:
        # Nothing in the context is ever out of the window.
        window = None
    if kinds - {"full_attention", "sliding_attention"}:
        raise ValueError(f"attention of kind {sorted(kinds)} is not supported")
    if "sliding_attention" in kinds and len(kinds) > 1:
        return lambda cache, positions: {
            "full_attention": cache.mask(positions, None),
            "sliding_attention": cache.mask(positions, window),
        }
    slides = "sliding_attention" in kinds or not kinds
    return lambda cache, positions: cache.mask(positions, window if slides else None)
