"""The header of a safetensors file, read with suspicion.

Format: https://github.com/huggingface/safetensors#format. A u64 length, a JSON header, then the tensors'
bytes without a gap. Only the header is interpreted here, nothing is ever executed, and every number in it
is checked against the file before anybody allocates by it.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

MAX_HEADER_SIZE = 16 << 20
"""Bytes. A checkpoint of 100,000 tensors needs about 12 MiB; the format itself allows 100 MB."""
MAX_TENSORS = 200_000
MAX_DIMENSIONS = 8

ITEM_SIZES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1,
    "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip


class SafetensorsError(ValueError):
    """Not a safetensors file, or one that lies about itself."""


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Where a tensor lies: `start` and `end` count bytes from the beginning of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def header_size(first_eight: bytes) -> int:
    """Length in bytes of the JSON header that follows the first eight bytes. Raises SafetensorsError."""
    if len(first_eight) != 8:
        raise SafetensorsError("the file is too short for safetensors")
    size = int.from_bytes(first_eight, "little")
    if not 2 <= size <= MAX_HEADER_SIZE:
        raise SafetensorsError(f"the header must have 2 to {MAX_HEADER_SIZE} bytes")
    return size


def parse_header(header: bytes, file_size: int) -> tuple[TensorInfo, ...]:
    """Read the JSON header of a file of `file_size` bytes; tensors in the order of their bytes.

    Raises SafetensorsError unless the tensors cover the file exactly, each as large as its shape says.
    """
    try:
        document = json.loads(header)
    except (ValueError, RecursionError) as error:
        raise SafetensorsError("the header is not JSON") from error
    if not isinstance(document, dict):
        raise SafetensorsError("the header is not a JSON object")
    document.pop("__metadata__", None)
    if len(document) > MAX_TENSORS:
        raise SafetensorsError(f"more than {MAX_TENSORS} tensors")
    base = 8 + len(header)
    tensors = sorted(
        (_tensor(name, entry, base) for name, entry in document.items()),
        key=lambda each: (each.start, each.end),
    )
    position = base
    for tensor in tensors:
        if tensor.start != position:
            raise SafetensorsError("the tensors overlap or leave a gap")
        position = tensor.end
    if position != file_size:
        raise SafetensorsError("the tensors do not end where the file does")
    return tuple(tensors)


def _tensor(name: str, entry: Any, base: int) -> TensorInfo:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise SafetensorsError("a tensor's entry is malformed")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in ITEM_SIZES:
        raise SafetensorsError("a tensor has an unknown type")
    if not _are_sizes(shape, MAX_DIMENSIONS) or not _are_sizes(offsets, 2) or len(offsets) != 2:
        raise SafetensorsError("a tensor's shape or place is malformed")
    start, end = offsets
    if end - start != math.prod(shape) * ITEM_SIZES[dtype]:
        raise SafetensorsError("a tensor is not as large as its shape")
    return TensorInfo(name, dtype, tuple(shape), base + start, base + end)


def _are_sizes(value: Any, most: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= most
        and all(type(each) is int and 0 <= each < 1 << 48 for each in value)
    )
