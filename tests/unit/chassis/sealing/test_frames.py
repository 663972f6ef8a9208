"""Sealed files: every change is refused, and plaintext lies in private memory only."""

import io
import re
from pathlib import Path

import pytest

from services.chassis.randomness import SystemRandomness
from services.chassis.sealing.frames import (
    FRAME_SIZE,
    TAG_SIZE,
    FileSealer,
    SealingError,
    open_sealed,
    sealed_size,
)
from services.chassis.secret import SecretBytes

KEY = SecretBytes(bytes(range(32)))
HEADER = 48


def seal(plain: bytes, name: str = "model.safetensors", key: SecretBytes = KEY) -> bytes:
    sealer = FileSealer(io.BytesIO(plain), len(plain), key, name, SystemRandomness())
    sealed = b"".join(sealer.frames())
    assert len(sealed) == sealer.result.sealed_size == sealed_size(len(plain))
    return sealed


@pytest.mark.parametrize("size", [0, 1, FRAME_SIZE - 1, FRAME_SIZE, FRAME_SIZE + 1, 2 * FRAME_SIZE])
def test_what_was_sealed_opens(size: int) -> None:
    plain = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    assert bytes(open_sealed(seal(plain), KEY, "model.safetensors").view) == plain


def test_the_same_file_sealed_twice_shares_nothing() -> None:
    first, second = seal(bytes(1000)), seal(bytes(1000))
    assert first[24:48] != second[24:48]
    assert first[48:] != second[48:]


def test_every_flipped_bit_of_header_frame_and_tag_is_refused() -> None:
    sealed = seal(b"weights" * 8)
    for position in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(SealingError):
            open_sealed(bytes(changed), KEY, "model.safetensors")


def test_truncated_extended_reordered_and_repeated_frames_are_refused() -> None:
    sealed = seal(bytes(3 * FRAME_SIZE))
    step = FRAME_SIZE + TAG_SIZE
    header, frames = sealed[:HEADER], [sealed[HEADER + n * step : HEADER + (n + 1) * step] for n in range(3)]
    shorter = header[:16] + (2 * FRAME_SIZE).to_bytes(8, "big") + header[24:]
    for changed in (
        header + frames[0] + frames[1],
        shorter + frames[0] + frames[1],
        sealed + b"\0",
        sealed[:-1],
        header + frames[1] + frames[0] + frames[2],
        header + frames[0] + frames[0] + frames[2],
        header,
        b"",
    ):
        with pytest.raises(SealingError):
            open_sealed(changed, KEY, "model.safetensors")


def test_another_name_key_or_file_of_the_same_key_is_refused() -> None:
    sealed, other = seal(bytes(100)), seal(bytes(100))
    with pytest.raises(SealingError):
        open_sealed(sealed, KEY, "other.safetensors")
    with pytest.raises(SealingError):
        open_sealed(sealed, SecretBytes(bytes(32)), "model.safetensors")
    with pytest.raises(SealingError):
        open_sealed(sealed[:HEADER] + other[HEADER:], KEY, "model.safetensors")


def test_a_header_that_asks_for_more_memory_than_the_file_holds_is_refused_before_mapping() -> None:
    sealed = seal(b"x")
    with pytest.raises(SealingError, match="not as long"):
        open_sealed(sealed[:16] + (1 << 60).to_bytes(8, "big") + sealed[24:], KEY, "model.safetensors")


def test_a_file_that_changes_while_it_is_sealed_is_refused() -> None:
    for size in (9, 11):
        sealer = FileSealer(io.BytesIO(bytes(10)), size, KEY, "f", SystemRandomness())
        with pytest.raises(SealingError):
            list(sealer.frames())
        with pytest.raises(RuntimeError):
            _ = sealer.result


def test_plaintext_lies_in_private_memory_that_no_core_dump_holds() -> None:
    memory = open_sealed(seal(b"s3cret weights" * 4096), KEY, "model.safetensors")
    address = _address_of(memory.view)
    smaps = Path("/proc/self/smaps").read_text()
    for block in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", smaps):
        start, end = (int(number, 16) for number in block.split(" ", 1)[0].split("-"))
        if start <= address < end:
            first = block.splitlines()[0].split()
            assert first[1][3] == "p"
            assert len(first) == 5, "the mapping is anonymous"
            assert " dd" in re.search(r"VmFlags:.*", block)[0]  # type: ignore[index]
            break
    else:
        pytest.fail("the mapping was not found")
    memory.wipe()
    assert not any(memory.view)


def _address_of(view: memoryview) -> int:
    import ctypes

    return ctypes.addressof(ctypes.c_char.from_buffer(view))
