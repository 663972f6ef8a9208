"""The header of a safetensors file, read with suspicion."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.safetensors import MAX_HEADER_SIZE, SafetensorsError, header_size, parse_header


def entry(start: int, end: int, dtype: str = "F32", shape: list[int] | None = None) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape or [(end - start) // 4], "data_offsets": [start, end]}


def parse(document: Any, data_size: int) -> Any:
    header = json.dumps(document).encode()
    return parse_header(header, 8 + len(header) + data_size)


def test_tensors_are_placed_by_bytes_of_the_file() -> None:
    header = json.dumps({"b": entry(8, 16), "a": entry(0, 8), "__metadata__": {"format": "pt"}}).encode()
    base = 8 + len(header)
    tensors = parse_header(header, base + 16)
    assert [(each.name, each.start - base, each.end - base) for each in tensors] == [
        ("a", 0, 8),
        ("b", 8, 16),
    ]


@pytest.mark.parametrize(
    ("document", "size"),
    [
        ([], 0),
        ({"a": entry(0, 8)}, 7),
        ({"a": entry(0, 8)}, 9),
        ({"a": entry(0, 8), "b": entry(4, 12)}, 12),
        ({"a": entry(0, 8), "b": entry(12, 16)}, 16),
        ({"a": entry(0, 8, shape=[3])}, 8),
        ({"a": entry(0, 8, dtype="OBJECT")}, 8),
        ({"a": entry(0, 8, dtype=["F32"])}, 8),  # type: ignore[arg-type]
        ({"a": entry(0, 8, shape=[-2, -1])}, 8),
        ({"a": entry(0, 8, shape=[True, 2])}, 8),
        ({"a": entry(0, 8, shape=[1] * 9)}, 8),
        ({"a": {**entry(0, 8), "code": "import os"}}, 8),
        ({"a": {**entry(0, 8), "data_offsets": [8, 0]}}, 8),
        ({"a": {**entry(0, 8), "data_offsets": [0]}}, 8),
        ({"a": {**entry(0, 8), "shape": [1 << 60, 1 << 60]}}, 8),
        ({"a": 5}, 8),
    ],
)
def test_headers_that_lie_are_refused(document: Any, size: int) -> None:
    with pytest.raises(SafetensorsError):
        parse(document, size)


@pytest.mark.parametrize("first", [b"", b"1234567", (1).to_bytes(8, "little"), b"\xff" * 8])
def test_impossible_header_sizes_are_refused(first: bytes) -> None:
    with pytest.raises(SafetensorsError):
        header_size(first)
    assert header_size(MAX_HEADER_SIZE.to_bytes(8, "little")) == MAX_HEADER_SIZE


def test_deep_nesting_is_refused_and_not_a_crash() -> None:
    with pytest.raises(SafetensorsError):
        parse_header(b"[" * 200_000, 1 << 20)


@given(st.binary(max_size=200), st.integers(0, 1 << 40))
def test_nonsense_raises_nothing_else(header: bytes, size: int) -> None:
    with contextlib.suppress(SafetensorsError):
        parse_header(header, size)
