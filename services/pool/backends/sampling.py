"""Choosing the next token.

Temperature, then top-k, then top-p (nucleus; Holtzman et al., "The Curious Case of Neural Text
Degeneration", 2020), then one draw. A draw takes one uniform number from the request's own generator and
walks the candidates in the order of their token ids: what a request draws depends on its seed and its own
probabilities alone, and rounding that differs with the batch moves a boundary instead of the order.
"""

import random

import numpy as np
import torch

from services.pool.backends.generation import Sampling

# Most nuclei fit into so many candidates; taking the largest few is ten times cheaper than sorting all.
_FIRST_CANDIDATES = 64


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
    probabilities = logits.softmax(-1).cpu()
    best = probabilities.argmax(-1).tolist() if any(greedy) else None
    return [
        best[row]
        if best is not None and greedy[row]
        else _draw(probabilities[row], samplings[row], draws[row])
        for row in range(len(samplings))
    ]


def _draw(probabilities: torch.Tensor, sampling: Sampling, draw: random.Random) -> int:
    if sampling.top_k == 0 and sampling.top_p >= 1.0:
        return _pick(probabilities.numpy(), draw.random())
    size = probabilities.shape[0]
    limit = min(sampling.top_k, size) if sampling.top_k else size
    count = min(limit, _FIRST_CANDIDATES)
    while True:
        values, ids = probabilities.topk(count)
        sums = np.cumsum(values.numpy(), dtype=np.float64)
        # The nucleus is taken of what top-k leaves, whose probabilities sum to less than 1.
        total = float(sums[-1]) if count == limit else 1.0
        enough = sampling.top_p * total if sampling.top_k == 0 or count == limit else np.inf
        if sums[-1] >= enough or count == limit:
            break
        count = min(limit, count * 8)
    kept = int(np.searchsorted(sums, enough)) + 1 if sampling.top_p < 1.0 else count
    chosen = np.sort(ids.numpy()[:kept])
    return int(chosen[_pick(probabilities.numpy()[chosen], draw.random())])


def _pick(probabilities: "np.ndarray[tuple[int], np.dtype[np.float32]]", uniform: float) -> int:
    """Index that `uniform` in [0, 1) falls on, probabilities being weights of any sum."""
    sums = np.cumsum(probabilities, dtype=np.float64)
    return min(int(np.searchsorted(sums, uniform * sums[-1], side="right")), len(sums) - 1)
