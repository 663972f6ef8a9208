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

import math
import queue
import threading
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
_MAX_WAITING = 256
_TEXTS_AT_ONCE = 256


@dataclass(slots=True)
class _Job:
    texts: list[list[int]]
    normalize: bool
    reply: TritonReply


class TritonPythonModel(SealedModel):
    """The embeddings backend: requests that wait while a pass runs share the next one."""

    def load(self, material: Handover) -> None:
        """Unseal the weights, build the encoder and start its thread."""
        torch.set_num_threads(int(self.parameters.get("threads", "1")))
        self._encoder = Encoder(Artifact.unseal(material), self.parameters)
        self._most = min(self._encoder.context, int(material.manifest["max_input_tokens"]))
        self._jobs: queue.Queue[_Job | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self._thread.start()

    def serve(self, request: ModelRequest, reply: TritonReply) -> None:
        """Queue a request; its vectors come from the encoder's thread."""
        if request.WhichOneof("kind") != "embed":
            raise _invalid("this model embeds texts and nothing else")
        texts = self._tokens(request.embed)
        if self._jobs.qsize() >= _MAX_WAITING:
            raise BusyError
        self._jobs.put(_Job(texts, request.embed.normalize, reply))

    def close(self) -> None:
        """Let the thread end after what it is doing; what waits fails."""
        self._jobs.put(None)
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
        while True:
            job = self._jobs.get()
            batch: list[_Job] = []
            count = 0
            while job is not None:
                batch.append(job)
                count += len(job.texts)
                if count >= _TEXTS_AT_ONCE or self._jobs.empty():
                    break
                job = self._jobs.get()
            self._answer([each for each in batch if not _dropped(each)])
            if job is None:
                break
        while not self._jobs.empty():
            waiting = self._jobs.get()
            if waiting is not None:
                _end(waiting, FailureReason.FAILURE_REASON_INTERNAL, "the model process stops")

    def _answer(self, jobs: list[_Job]) -> None:
        try:
            vectors = iter(self._encoder.embed([text for job in jobs for text in job.texts]) if jobs else [])
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
            answer = EmbedResponse(embeddings=embeddings, input_tokens=sum(map(len, job.texts)))
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
        job.reply.fail(reason, message, input_tokens=sum(map(len, job.texts)))
    except Exception as error:
        log_failure(error)


def _invalid(message: str) -> RequestRefused:
    return RequestRefused(FailureReason.FAILURE_REASON_INVALID_PARAMETER, message)
