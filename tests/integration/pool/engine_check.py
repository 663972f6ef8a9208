"""Compares the engine with transformers' own forward pass, for small random models of several architectures.

Runs in the models' environment, one JSON line for each architecture:

    .venv/models/bin/python -m tests.integration.pool.engine_check
"""

import json
import os
import random
import tempfile
import threading
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from services.chassis.sealing.memory import PlainMemory
from services.pool.backends.artifact import Artifact, ArtifactError
from services.pool.backends.decoder import build_engine
from services.pool.backends.engine import PREFILL_TOKENS
from services.pool.backends.generation import Sampling
from services.pool.backends.sampling import choose

BASE = {
    "vocab_size": 512, "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 96, "max_position_embeddings": 1024,
}  # fmt: skip
LLAMA3_ROPE = {
    "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
}  # fmt: skip
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama tied": ("llama", {"tie_word_embeddings": True}),
    "llama untied": ("llama", {"tie_word_embeddings": False}),
    "llama 3 positions": ("llama", {"rope_parameters": LLAMA3_ROPE}),
    "qwen2": ("qwen2", {}),
    "qwen2 with sliding layers": (
        "qwen2",
        {"use_sliding_window": True, "sliding_window": 16, "max_window_layers": 2},
    ),
    "qwen3 with its own head size": ("qwen3", {"head_dim": 24}),
    "mistral with a sliding window": ("mistral", {"sliding_window": 16}),
}
# One longer than a round reads, and more sequences than slots.
PROMPTS = (1, 5, 40, PREFILL_TOKENS + 150, 300, 3, 17, 90)
SLOTS = "6"
TOKENS = 40
CANCELLED = 5


class Recorder:
    """A stream that keeps its tokens."""

    def __init__(self, prompt: list[int], most: int, *, cancel_after: int | None = None) -> None:
        self.prompt, self.sampling, self.draw = prompt, Sampling(temperature=0), random.Random(0)
        self.tokens: list[int] = []
        self.ended = threading.Event()
        self.failed = False
        self._most, self._cancel_after = most, cancel_after
        self.single = most == 1

    def take(self, token: int) -> bool:
        self.tokens.append(token)
        if len(self.tokens) == self._most:
            self.ended.set()
        return len(self.tokens) == self._most

    def cancelled(self) -> bool:
        return self._cancel_after is not None and len(self.tokens) >= self._cancel_after

    def cancel(self) -> None:
        self.ended.set()

    def fail(self) -> None:
        self.failed = True
        self.ended.set()


def artifact_of(model: Any) -> Artifact:
    """The model as a sharded checkpoint, read back as the backend reads it."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder, max_shard_size="100KB")
        files = {}
        for path in Path(folder).iterdir():
            content = path.read_bytes()
            files[path.name] = PlainMemory(len(content))
            files[path.name].view[:] = content
    assert sum(name.endswith(".safetensors") for name in files) > 2
    return Artifact(files)


def check(model_type: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Run all prompts at once; report how good the choices were and what stayed in the cache."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(model_type, **{**BASE, **settings})).eval()
    engine, context = build_engine(artifact_of(model), {"max_streams": SLOTS})
    thread = threading.Thread(target=engine.run)
    thread.start()
    streams = [
        Recorder(
            torch.randint(0, BASE["vocab_size"], (length,)).tolist(),
            {2: 5, CANCELLED: 900}.get(number, TOKENS),
            cancel_after=8 if number == CANCELLED else None,
        )
        for number, length in enumerate(PROMPTS)
    ]
    for stream in streams:
        engine.submit(stream)
    finished = all(stream.ended.wait(60) for stream in streams)
    engine.stop()
    thread.join()
    worst = max(_worst_choice(model, stream) for stream in streams)
    return {
        "finished": finished,
        "context": context,
        "failed": sum(stream.failed for stream in streams),
        "worst_choice": worst,
        "lengths": [len(stream.tokens) for stream in streams],
        "left_in_cache": int(torch.count_nonzero(engine._cache._store)),
    }


def _worst_choice(model: Any, stream: Recorder) -> float:
    """By how much the best token's logit ever exceeded that of the token the engine took.

    The model reads prompt and answer at once, without any cache. Two tokens can be equally likely but for
    rounding, so that comparing tokens would sometimes fail for no fault.
    """
    sequence = torch.tensor([stream.prompt + stream.tokens])
    with torch.no_grad():
        logits = model(sequence).logits[0, len(stream.prompt) - 1 : -1]
    taken = logits.gather(1, torch.tensor(stream.tokens).unsqueeze(1)).squeeze(1)
    return float((logits.max(1).values - taken).max())


def refusals() -> dict[str, str]:
    """Artifacts that must be refused, and the words they are refused with."""
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model("llama", **BASE))
    words = {}
    for name, change in (
        ("unknown architecture", {"model_type": "no_such_type"}),
        ("own code", {"auto_map": {"AutoModelForCausalLM": "modeling.Evil"}}),
        ("other shape", {"intermediate_size": 100}),
        ("missing layers", {"num_hidden_layers": 5}),
        ("too little cache", {}),
    ):
        artifact = artifact_of(model)
        settings = json.dumps({**artifact.json("config.json"), **change}).encode()
        artifact._files["config.json"] = PlainMemory(len(settings))
        artifact._files["config.json"].view[:] = settings
        try:
            build_engine(artifact, {"kv_cache_mib": "0"} if name == "too little cache" else {})
            words[name] = "accepted"
        except ArtifactError as error:
            words[name] = f"ArtifactError: {error}"
        except Exception as error:
            words[name] = type(error).__name__
    return words


class Grid(random.Random):
    """Draws the middles of n equal parts of [0, 1), in order."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count, self._next = count, 0

    def random(self) -> float:
        self._next += 1
        return (self._next - 0.5) / self._count


def sampling() -> dict[str, float]:
    """For several settings: the largest difference between a token's share of draws and its probability."""
    draws, differences = 2000, {}
    for vocabulary in (40, 700, 5000):
        logits = torch.randn(1, vocabulary, generator=torch.Generator().manual_seed(vocabulary)) * 2
        for setting in (Sampling(0.7), Sampling(1.3, 0.9), Sampling(1.0, 0.8, 30)):
            grid = Grid(draws)
            taken = torch.tensor([choose(logits, [setting], [grid])[0] for _ in range(draws)])
            shares = torch.bincount(taken, minlength=vocabulary) / draws
            wanted = _definition(logits[0], setting)
            differences[f"{vocabulary} {setting}"] = float((shares - wanted).abs().max())
    return differences


def _definition(logits: torch.Tensor, setting: Sampling) -> torch.Tensor:
    """Temperature, top-k and top-p as they are defined, by sorting everything."""
    values, order = (logits.double() / setting.temperature).softmax(0).sort(descending=True)
    values[setting.top_k or len(values) :] = 0
    values /= values.sum()
    values[(values.cumsum(0) - values) >= setting.top_p] = 0
    return torch.zeros(len(values)).scatter(0, order, (values / values.sum()).float())


if __name__ == "__main__":
    torch.set_num_threads(1)
    for title, (kind, extra) in ARCHITECTURES.items():
        print(json.dumps({"architecture": title, **check(kind, extra)}))
    print(json.dumps({"sampling": sampling()}))
    print(json.dumps({"refusals": refusals()}))
