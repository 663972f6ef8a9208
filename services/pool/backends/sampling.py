"""Choosing the next token.

Temperature, then top-k, then top-p (nucleus; Holtzman et al., "The Curious Case of Neural Text
Degeneration", 2020), then one draw. A draw takes one uniform number from the request's own generator and
walks the candidates in the order of their token ids: what a request draws depends on its seed and its own
probabilities alone, and rounding that differs with the batch moves a boundary instead of the order.
"""

import random
from typing import Any

import numpy as np
import torch

from services.pool.backends.generation import Sampling

_Row = np.ndarray[Any, Any]


def choose(logits: torch.Tensor, samplings: list[Sampling], draws: list[random.Random]) -> list[int]:
    """Return one token a row of `logits` (float32, [rows, vocabulary])."""
    greedy = [sampling.greedy for sampling in samplings]
    if all(greedy):
        return logits.argmax(-1).tolist()  # type: ignore[no-any-return]
    temperatures = [
        1.0 if row else sampling.temperature for row, sampling in zip(greedy, samplings, strict=True)
    ]
    if any(temperature != 1.0 for temperature in temperatures):
        logits = logits / logits.new_tensor(temperatures).unsqueeze(-1)
    distribution = logits.softmax(-1).cpu()
    best = distribution.argmax(-1).tolist() if any(greedy) else None
    probabilities = distribution.numpy()
    return [
        best[row]
        if best is not None and greedy[row]
        else _draw(probabilities[row], samplings[row], draws[row])
        for row in range(len(samplings))
    ]


def _draw(probabilities: _Row, sampling: Sampling, draw: random.Random) -> int:
    if sampling.top_k == 0 and sampling.top_p >= 1.0:
        return _pick(probabilities, draw.random())
    candidates = _largest(probabilities, sampling.top_k) if sampling.top_k else None
    values = probabilities if candidates is None else probabilities[candidates]
    if sampling.top_p < 1.0:
        nucleus = _nucleus(values, sampling.top_p)
        candidates = nucleus if candidates is None else candidates[nucleus]
        values = probabilities[candidates]
    assert candidates is not None  # noqa: S101 - one of the two filters made them
    return int(candidates[_pick(values, draw.random())])


def _largest(values: _Row, count: int) -> _Row:
    """Indices, in order, of the `count` largest values and of those equal to the last of them."""
    if count >= len(values):
        return np.arange(len(values))
    return np.flatnonzero(values >= np.partition(values, -count)[-count])


def _nucleus(values: _Row, top_p: float) -> _Row:
    """Indices, in order, of the fewest values that sum to `top_p` of all."""
    total = float(values.sum(dtype=np.float64))
    # Values below this sum to less than what the nucleus leaves out, so none of them is in it: sorting the
    # few that remain is many times cheaper than sorting a vocabulary.
    likely = np.flatnonzero(values >= (1.0 - top_p) * total / len(values))
    order = np.argsort(-values[likely])
    sums = np.cumsum(values[likely[order]], dtype=np.float64)
    nucleus: _Row = np.sort(likely[order[: int(np.searchsorted(sums, top_p * total)) + 1]])
    return nucleus


def _pick(probabilities: _Row, uniform: float) -> int:
    """Index that `uniform` in [0, 1) falls on, probabilities being weights of any sum."""
    sums = np.cumsum(probabilities, dtype=np.float64)
    return min(int(np.searchsorted(sums, uniform * sums[-1], side="right")), len(sums) - 1)
