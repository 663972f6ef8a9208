"""Text generation with any decoder that transformers knows: Llama, Qwen, Mistral and others.

Parameters in the model's config.pbtxt, all optional: `threads` (OpenMP threads, 1), `device` (cpu), `dtype`
(auto), `max_streams` (32), `kv_cache_mib` (1024).
"""

import os

# Set before torch is imported. One thread a process: the machine's cores are shared by all models, and more
# threads than free cores cost far more than they bring.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import secrets
import threading

import torch
from craton.pool.v1.model_exchange_pb2 import FailureReason, GenerateRequest, ModelRequest

from services.pool.backends.artifact import Artifact
from services.pool.backends.decoder import boottime, build_engine
from services.pool.backends.engine import Overloaded
from services.pool.backends.exchange import BusyError, SealedModel, TritonReply
from services.pool.backends.generation import (
    Generation,
    Limits,
    RequestRefused,
    Sampling,
    check,
    check_length,
)
from services.pool.backends.prompts import Prompter
from services.pool.handover import Handover


class TritonPythonModel(SealedModel):
    """The text generation backend."""

    def load(self, material: Handover) -> None:
        """Unseal the weights, build the model and start the engine's thread."""
        torch.set_num_threads(int(self.parameters.get("threads", "1")))
        artifact = Artifact.unseal(material)
        self._prompter = Prompter(artifact)
        self._end_tokens = self._prompter.end_tokens(artifact)
        self._engine, context = build_engine(artifact, self.parameters)
        self._limits = Limits(
            context=context,
            max_input_tokens=int(material.manifest["max_input_tokens"]),
            max_output_tokens=int(material.manifest["max_output_tokens"]),
        )
        self._thread = threading.Thread(target=self._engine.run, name="engine", daemon=True)
        self._thread.start()

    def serve(self, request: ModelRequest, reply: TritonReply) -> None:
        """Queue a generation; its chunks come from the engine's thread."""
        if request.WhichOneof("kind") != "generate":
            raise RequestRefused(
                FailureReason.FAILURE_REASON_INVALID_PARAMETER, "this model generates text and nothing else"
            )
        generate = request.generate
        check(generate, self._limits)
        prompt = self._prompter.encode(generate, self._limits)
        check_length(len(prompt), self._limits)
        generation = Generation(
            request=generate,
            prompt=prompt,
            sampling=_sampling(generate),
            seed=generate.sampling.seed if generate.sampling.HasField("seed") else secrets.randbits(64),
            limits=self._limits,
            end_tokens=self._end_tokens,
            decode=self._prompter.decode,
            reply=reply,
            boottime=boottime,
        )
        try:
            self._engine.submit(generation)
        except Overloaded as error:
            raise BusyError from error

    def close(self) -> None:
        """Fail what is in flight and end the engine."""
        self._engine.stop()
        self._thread.join(timeout=10)


def _sampling(request: GenerateRequest) -> Sampling:
    wanted = request.sampling
    return Sampling(
        temperature=wanted.temperature if wanted.HasField("temperature") else 1.0,
        top_p=wanted.top_p if wanted.HasField("top_p") else 1.0,
        top_k=wanted.top_k if wanted.HasField("top_k") else 0,
    )
