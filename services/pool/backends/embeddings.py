"""Sentence embeddings with a BERT-family encoder.

Parameters in the model's config.pbtxt, all optional: `threads` (OpenMP threads, 1), `device` (cpu), `dtype`
(auto).
"""

import os

# Set before torch is imported: see causal_lm.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import collections
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

import torch
from craton.pool.v1.model_exchange_pb2 import (
    Embedding,
    EmbedRequest,
    EmbedResponse,
    FailureReason,
    ModelRequest,
    ModelResponse,
)

from services.pool.backends.artifact import Artifact
from services.pool.backends.encoder import Encoder
from services.pool.backends.exchange import BusyError, SealedModel, TritonReply
from services.pool.backends.failures import log_failure
from services.pool.backends.generation import RequestRefused
from services.pool.handover import Handover

_MAX_TEXTS = 256
# What may wait, so that nobody waits much longer than a caller's patience.
_MAX_WAITING_TOKENS = 32_768
_TOKENS_AT_ONCE = 4096
# A watchdog's question is so short, and is answered next whatever waits.
_URGENT_TOKENS = 4


@dataclass(slots=True)
class _Job:
    texts: list[list[int]]
    tokens: int
    """Of all texts together."""
    normalize: bool
    reply: TritonReply


class TritonPythonModel(SealedModel):
    """The embeddings backend: requests that wait while a pass runs share the next one."""

    def load(self, material: Handover) -> None:
        """Unseal the weights, build the encoder and start its thread."""
        torch.set_num_threads(int(self.parameters.get("threads", "1")))
        self._encoder = Encoder(Artifact.unseal(material), self.parameters)
        self._most = min(self._encoder.context, int(material.manifest["max_input_tokens"]))
        self._jobs: collections.deque[_Job] = collections.deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self._thread.start()

    def serve(self, request: ModelRequest, reply: TritonReply) -> None:
        """Queue a request; its vectors come from the encoder's thread."""
        if request.WhichOneof("kind") != "embed":
            raise _invalid("this model embeds texts and nothing else")
        texts = self._tokens(request.embed)
        job = _Job(texts, sum(map(len, texts)), request.embed.normalize, reply)
        with self._changed:
            if job.tokens <= _URGENT_TOKENS:
                self._jobs.appendleft(job)
            elif self._is_full():
                raise BusyError
            else:
                self._jobs.append(job)
            self._changed.notify()

    def _is_full(self) -> bool:
        """Whether too much waits, those not counted who gave up."""
        if sum(job.tokens for job in self._jobs) < _MAX_WAITING_TOKENS:
            return False
        self._jobs = collections.deque(job for job in self._jobs if not _dropped(job))
        return sum(job.tokens for job in self._jobs) >= _MAX_WAITING_TOKENS

    def close(self) -> None:
        """Let the thread end after what it is doing; what waits fails."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout=10)

    def _tokens(self, request: EmbedRequest) -> list[list[int]]:
        if not 1 <= len(request.texts) <= _MAX_TEXTS:
            raise _invalid(f"1 to {_MAX_TEXTS} texts are taken")
        if request.dimensions not in (0, self._encoder.dimensions):
            raise _invalid(f"this model gives {self._encoder.dimensions} dimensions")
        texts = []
        for text in request.texts:
            if not text:
                raise _invalid("a text must not be empty")
            # No token is so long: a text that cannot fit is not worth splitting.
            tokens = self._encoder.tokens(text) if len(text) <= 128 * self._most else []
            if not 0 < len(tokens) <= self._most:
                count = f"{len(tokens)} tokens" if tokens else "too many tokens"
                raise RequestRefused(
                    FailureReason.FAILURE_REASON_PROMPT_TOO_LONG,
                    f"a text has {count}, this model takes {self._most}",
                    input_tokens=len(tokens),
                )
            texts.append(tokens)
        return texts

    def _run(self) -> None:
        while batch := self._next_batch():
            self._answer([job for job in batch if not _dropped(job)], self._answer_urgent)
        for job in self._jobs:
            _end(job, FailureReason.FAILURE_REASON_INTERNAL, "the model process stops")

    def _next_batch(self) -> list[_Job]:
        """Wait for requests and take as many as share a pass; none when the process stops."""
        batch: list[_Job] = []
        with self._changed:
            while not (self._jobs or self._stopping):
                self._changed.wait()
            while self._jobs and not self._stopping and sum(job.tokens for job in batch) < _TOKENS_AT_ONCE:
                batch.append(self._jobs.popleft())
        return batch

    def _answer_urgent(self) -> None:
        """Answer what came meanwhile and goes before everything else, between two passes."""
        with self._changed:
            urgent = []
            while self._jobs and self._jobs[0].tokens <= _URGENT_TOKENS:
                urgent.append(self._jobs.popleft())
        if urgent:
            self._answer(urgent)

    def _answer(self, jobs: list[_Job], between: Callable[[], None] = lambda: None) -> None:
        if not jobs:
            return
        try:
            vectors = iter(self._encoder.embed([text for job in jobs for text in job.texts], between))
        except Exception as error:
            # Whatever broke, these requests must end and others must be served.
            log_failure(error)
            for job in jobs:
                _end(
                    job, FailureReason.FAILURE_REASON_INTERNAL, "the model process could not embed the texts"
                )
            return
        for job in jobs:
            embeddings = [
                Embedding(values=_normalized(next(vectors)) if job.normalize else next(vectors))
                for _ in job.texts
            ]
            answer = EmbedResponse(embeddings=embeddings, input_tokens=job.tokens)
            try:
                job.reply.send(ModelResponse(embed=answer, final=True), final=True)
            except Exception as error:
                # The caller is gone; the others of the batch are not.
                log_failure(error)


def _normalized(vector: list[float]) -> list[float]:
    norm = math.sqrt(math.fsum(value * value for value in vector))
    return [value / norm for value in vector] if norm else vector


def _dropped(job: _Job) -> bool:
    """End a request whose caller gave up; says whether it did."""
    if not job.reply.cancelled():
        return False
    _end(job, FailureReason.FAILURE_REASON_CANCELLED, "the request was cancelled")
    return True


def _end(job: _Job, reason: FailureReason, message: str) -> None:
    try:
        job.reply.fail(reason, message, input_tokens=job.tokens)
    except Exception as error:
        log_failure(error)


def _invalid(message: str) -> RequestRefused:
    return RequestRefused(FailureReason.FAILURE_REASON_INVALID_PARAMETER, message)
