"""Keys and values of the sequences in flight, in one tensor without a gap between active slots.

transformers' own continuous batching was tried and left for three reasons: all requests share one random
generator, so that a seed means nothing beside other requests; blocks of equal prompts are shared between
requests, which one tenant could time to learn another's prompt; and its packed batch makes every token look
at (and mask) every other request's cache. Here a sequence owns a slot of the full context length. Slots
0..n-1 are the active ones, so that a batch's cache is a view and never a copy; the memory of a slot is
touched only as far as its sequence grows, and zeroed when the sequence leaves.
"""

import math
from typing import Any

import torch

from services.chassis.sealing.memory import PlainMemory


class SlotCache:
    """Stands where the model's forward expects a cache: it calls `update` once a layer.

    Before each forward say what it is about, with `prefill` or `decode`.
    """

    def __init__(
        self, *, layers: int, slots: int, kv_heads: int, context: int, head_dim: int, dtype: Any, device: Any
    ) -> None:
        """Reserve address space for `slots` sequences of up to `context` tokens."""
        shape = (layers, 2, slots, kv_heads, context, head_dim)
        self._store = _zeros(shape, dtype, device)
        self._rows = torch.arange(slots, device=device)
        self._columns = torch.arange(context, device=device)
        self._slot: int | None = None
        self._start = self._end = self._count = 0
        self._positions = self._rows

    @staticmethod
    def slot_bytes(*, layers: int, kv_heads: int, context: int, head_dim: int, item_size: int) -> int:
        """Bytes that one slot takes when its sequence reaches the full context."""
        return 2 * layers * kv_heads * context * head_dim * item_size

    def prefill(self, slot: int, start: int, end: int) -> torch.Tensor:
        """The next forward reads tokens `start`..`end` of `slot`'s sequence. Returns positions [1, n]."""
        self._slot, self._start, self._end = slot, start, end
        return self._columns[start:end].unsqueeze(0)

    def decode(self, lengths: list[int]) -> torch.Tensor:
        """The next forward reads one token for each of the slots 0..n-1, which hold `lengths` tokens.

        Returns positions [n, 1].
        """
        self._slot = None
        self._count = len(lengths)
        self._end = max(lengths) + 1
        self._positions = torch.tensor(lengths, device=self._columns.device)
        return self._positions.unsqueeze(-1)

    def mask(self, positions: torch.Tensor, window: int | None) -> torch.Tensor:
        """Which cached tokens a token at each of `positions` may look at: [rows, 1, tokens, cached]."""
        columns = self._columns[: self._end]
        at = positions.unsqueeze(-1)
        allowed = columns <= at
        if window is not None:
            allowed &= columns > at - window
        return allowed.unsqueeze(1)

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take a layer's new keys and values and return all that its attention needs."""
        store = self._store[layer]
        if self._slot is not None:
            row = slice(self._slot, self._slot + 1)
            store[0, row, :, self._start : self._end] = keys
            store[1, row, :, self._start : self._end] = values
            return store[0, row, :, : self._end], store[1, row, :, : self._end]
        rows = self._rows[: self._count]
        store[0][rows, :, self._positions] = keys[:, :, 0]
        store[1][rows, :, self._positions] = values[:, :, 0]
        return store[0, : self._count, :, : self._end], store[1, : self._count, :, : self._end]

    def move(self, source: int, target: int, length: int) -> None:
        """Move the sequence of `length` tokens in slot `source` to `target`, leaving zeros behind."""
        self._store[:, :, target, :, :length] = self._store[:, :, source, :, :length]
        self.clear(source, length)

    def clear(self, slot: int, length: int) -> None:
        """Overwrite the first `length` tokens of a slot with zeros: nothing of a prompt stays."""
        self._store[:, :, slot, :, :length] = 0


def _zeros(shape: tuple[int, ...], dtype: Any, device: Any) -> torch.Tensor:
    if torch.device(device).type != "cpu":
        return torch.zeros(shape, dtype=dtype, device=device)
    # Not torch.zeros: where freed memory is overwritten (glibc.malloc.perturb), calloc writes every page of
    # what it gives, and the whole cache would be resident from the start.
    memory = PlainMemory(math.prod(shape) * dtype.itemsize)
    return torch.frombuffer(memory.view, dtype=dtype).view(shape)
