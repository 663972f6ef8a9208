"""Trains the model from nothing and writes the artifact.

    python train.py --out DIR            the shipped model (1,200 steps, some minutes on one core)
    python train.py --out DIR --steps 5  a smoke test

One thread, fixed seed: the same machine type and library versions give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import corpus
import numpy as np
import tokenizer as tokens
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

Batch = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Plan:
    """Everything that decides the outcome, besides the corpus."""

    steps: int = 1200
    seed: int = 7
    tokens_per_step: int = 4096
    # Short windows first; the last part reads long ones, so that the whole context is known.
    window: int = 512
    long_window: int = 2048
    long_share: float = 0.12
    matrix_rate: float = 0.02
    vector_rate: float = 0.006
    warmup: int = 30
    # From here on the rates fall to zero in a straight line.
    decay_from: float = 0.4


def architecture(end: int, begin: int, pad: int) -> LlamaConfig:
    """A Llama of about one million parameters."""
    return LlamaConfig(
        vocab_size=tokens.VOCABULARY,
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=tokens.CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=begin,
        eos_token_id=end,
        pad_token_id=pad,
    )


def rate(plan: Plan, step: int) -> float:
    """The share of the full learning rate at a step."""
    if step < plan.warmup:
        return (step + 1) / plan.warmup
    start = plan.decay_from * plan.steps
    return 1.0 if step < start else max(0.0, (plan.steps - step) / (plan.steps - start))


def batch(stream: corpus.Stream, plan: Plan, step: int) -> Batch:
    """Inputs and targets of a step: a pure function of the stream, the plan and the step."""
    long = step >= plan.steps * (1 - plan.long_share)
    window = plan.long_window if long else plan.window
    start = (step * plan.tokens_per_step) % (len(stream.ids) - plan.tokens_per_step - 1)
    ids, counts = (a[start : start + plan.tokens_per_step + 1] for a in (stream.ids, stream.counts))
    targets = np.where(counts[1:], ids[1:], -100)

    def rows(values: NDArray[np.int32]) -> torch.Tensor:
        return torch.from_numpy(values.astype(np.int64)).view(-1, window)

    return rows(ids[:-1]), rows(targets)


def loss_of(model: LlamaForCausalLM, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy in nats a counted token. Only counted places are projected on the vocabulary."""
    hidden = model.model(input_ids=inputs, use_cache=False).last_hidden_state
    counted = targets != -100
    return torch.nn.functional.cross_entropy(model.lm_head(hidden[counted]), targets[counted])


def fit(model: LlamaForCausalLM, stream: corpus.Stream, plan: Plan) -> float:
    """Trains in place; returns the mean loss of the last twenty steps."""
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    vectors = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    optimizers = [
        torch.optim.Muon(matrices, lr=plan.matrix_rate, weight_decay=0.01),
        torch.optim.AdamW(vectors, lr=plan.vector_rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    full = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    losses: list[float] = []
    began, used = time.monotonic(), time.process_time()
    for step in range(plan.steps):
        for optimizer, peak in zip(optimizers, full, strict=True):
            optimizer.param_groups[0]["lr"] = peak * rate(plan, step)
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(model, *batch(stream, plan, step))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if step % 25 == 24 or step == plan.steps - 1:
            recent = sum(losses[-20:]) / len(losses[-20:])
            spent = f"{time.monotonic() - began:.0f} s, {time.process_time() - used:.0f} CPU s"
            print(f"step {step + 1}/{plan.steps}  loss {recent:.3f}  {spent}", flush=True)
    return sum(losses[-20:]) / len(losses[-20:])


def write(model: LlamaForCausalLM, folder: Path) -> None:
    """Writes weights in bfloat16 and the configurations, without anything that differs from run to run."""
    state = {name: value.to(torch.bfloat16).contiguous() for name, value in model.state_dict().items()}
    # Tied: the output projection is the embedding, and is stored once.
    state.pop("lm_head.weight", None)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    model.config.dtype = torch.bfloat16
    model.config.architectures = ["LlamaForCausalLM"]
    model.config.to_json_file(folder / "config.json", use_diff=True)
    ends = {"bos_token_id": model.config.bos_token_id, "pad_token_id": model.config.pad_token_id}
    generation = GenerationConfig(
        **ends, eos_token_id=model.config.eos_token_id, do_sample=True, temperature=0.4, top_p=0.9
    )
    generation.to_json_file(folder / "generation_config.json", use_diff=True)


def main() -> None:
    """Builds the corpus and the tokenizer, trains, writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the artifact")
    parser.add_argument(
        "--botocore", type=Path, help="botocore's package folder; found by itself when installed"
    )
    parser.add_argument("--steps", type=int, default=Plan.steps)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    given = parser.parse_args()
    plan = Plan(steps=given.steps, seed=given.seed)
    torch.set_num_threads(1)
    torch.manual_seed(plan.seed)
    torch.use_deterministic_algorithms(True)
    given.out.mkdir(parents=True, exist_ok=True)

    print("reading the corpus", flush=True)
    docs = corpus.documents(given.botocore or corpus.find_botocore(), plan.seed)
    tokenizer = tokens.train(corpus.texts(docs))
    tokens.save(tokenizer, given.out)
    stream = corpus.encode(tokenizer, [doc for doc in docs if not doc.held_out])
    begin, end, pad = (tokenizer.token_to_id(token) for token in (tokens.BEGIN, tokens.END, tokens.PAD))
    model = LlamaForCausalLM(architecture(end, begin, pad))
    record = {
        "plan": asdict(plan),
        "corpus_sha256": corpus.digest(docs),
        "corpus_characters": corpus.characters(docs),
        "corpus_tokens": len(stream.ids),
        "counted_tokens": int(stream.counts.sum()),
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    print(json.dumps(record, indent=2), flush=True)
    record["training_loss"] = round(fit(model, stream, plan), 4)
    write(model, given.out)
    (given.out / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
