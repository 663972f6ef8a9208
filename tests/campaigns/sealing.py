"""Sealed files: what was sealed opens, and nothing else does."""

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from unittest.mock import patch

from services.chassis.sealing import frames
from services.chassis.sealing.frames import (
    FRAME_SIZE,
    TAG_SIZE,
    FileSealer,
    SealingError,
    open_sealed,
    sealed_size,
)
from services.chassis.secret import SecretBytes
from tests.campaigns.campaign import Campaign, Finding

_HEADER = 48
_STEP = FRAME_SIZE + TAG_SIZE
_CHANGES_SMALL = 20
_CHANGES_LARGE = 3
"""Each change of a file of several frames costs a decryption of some megabytes."""


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A sealed file and what opens it."""

    data: bytes
    size: int
    key: bytes
    name: str


class SeededRandomness:
    """A Randomness that a case decides about."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def token_bytes(self, count: int) -> bytes:
        """Return the generator's next bytes."""
        return self._random.randbytes(count)


class SealingCampaign(Campaign):
    """One case is two files sealed under one key, and changes to the first."""

    name = "sealing"
    summary = (
        "Sealed files of any size up to four frames open to what was sealed; flipped, cut, grown, reordered, "
        "repeated and spliced ones, and those of another name or key, are refused: "
        f"{_CHANGES_SMALL} changes a case, {_CHANGES_LARGE} for files of several frames."
    )
    fault = "nonces that do not say a frame's number."
    sources = (
        "services/chassis/sealing/frames.py",
        "services/chassis/sealing/memory.py",
        "tests/campaigns/sealing.py",
    )

    def case(self, seed: int, index: int) -> None:
        """Seal, open, change, open."""
        random = self.random(seed, index)
        key, name = random.randbytes(32), random.choice(("model.safetensors", "a", "weights/é-0001.bin"))
        size = _size(random)
        plain = _plain(random, size)
        sealed = _seal(random, plain, key, name)
        opened = open_sealed(sealed.data, SecretBytes(key), name)
        if bytes(opened.view) != plain:
            raise Finding(f"{size} bytes did not open to what was sealed")
        other = _seal(random, _plain(random, size), key, name)
        for _ in range(_CHANGES_LARGE if size > FRAME_SIZE else _CHANGES_SMALL):
            change = random.choice(_LARGE if size > FRAME_SIZE else _SMALL)
            changed = change(random, sealed, other)
            if changed == sealed:
                continue
            try:
                memory = open_sealed(changed.data, SecretBytes(changed.key), changed.name)
            except SealingError:
                continue
            raise Finding(f"{size} bytes opened to {len(memory)} after {change.__name__.strip('_')}")

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Seal and open with the same number for every frame.

        The flag of the last frame and the associated data guard each other: a file must lack both before a
        cut is accepted, so that neither alone would be a fault that anybody can see.
        """
        real = frames._NONCE

        class Numberless:
            @staticmethod
            def pack(prefix: bytes, _number: int, last: bool) -> bytes:
                return real.pack(prefix, 0, last)

        with patch.object(frames, "_NONCE", Numberless):
            yield


def _size(random: Random) -> int:
    if random.random() < 0.06:
        return random.choice((1, 2, 2, 3)) * FRAME_SIZE + random.choice((0, 1, random.randrange(FRAME_SIZE)))
    return random.choice((0, 1, 15, 16, 17, random.randrange(300), random.randrange(70_000)))


def _plain(random: Random, size: int) -> bytes:
    plain = bytearray((random.randbytes(min(size, 1 << 16)) * (size // (1 << 16) + 1))[:size])
    for start in range(0, size - 16, FRAME_SIZE):
        # Equal frames could change places unseen.
        plain[start : start + 16] = random.randbytes(16)
    return bytes(plain)


def _seal(random: Random, plain: bytes, key: bytes, name: str) -> _Sealed:
    sealer = FileSealer(io.BytesIO(plain), len(plain), SecretBytes(key), name, SeededRandomness(random))
    data = b"".join(sealer.frames())
    told = sealer.result
    said = (told.size, told.sha256, told.sealed_size, told.sealed_sha256)
    true = (len(plain), hashlib.sha256(plain).hexdigest(), len(data), hashlib.sha256(data).hexdigest())
    if said != true or sealed_size(len(plain)) != len(data):
        raise Finding(f"the sealer says {said} of a file with {true}")
    return _Sealed(data, len(plain), key, name)


def _with(sealed: _Sealed, data: bytes) -> _Sealed:
    return _Sealed(data, sealed.size, sealed.key, sealed.name)


def _frames(sealed: _Sealed) -> list[bytes]:
    body = sealed.data[_HEADER:]
    return [body[start : start + _STEP] for start in range(0, len(body), _STEP)]


def _sized(data: bytes, size: int) -> bytes:
    """Write another plaintext size into the header, so that lengths agree again."""
    return data[:16] + size.to_bytes(8, "big") + data[24:]


def _flip(random: Random, sealed: _Sealed, _other: _Sealed) -> _Sealed:
    data = bytearray(sealed.data)
    edges = (random.randrange(min(len(data), _HEADER + 4)), len(data) - 1 - random.randrange(TAG_SIZE))
    at = random.choice((*edges, random.randrange(len(data))))
    data[at] ^= 1 << random.randrange(8)
    return _with(sealed, bytes(data))


def _cut(random: Random, sealed: _Sealed, _other: _Sealed) -> _Sealed:
    return _with(sealed, sealed.data[: random.randrange(len(sealed.data))])


def _cut_and_sized(random: Random, sealed: _Sealed, _other: _Sealed) -> _Sealed:
    size = random.randrange(sealed.size) if sealed.size else 0
    return _with(sealed, _sized(sealed.data, size)[: sealed_size(size)])


def _cut_at_a_frame(random: Random, sealed: _Sealed, _other: _Sealed) -> _Sealed:
    count = random.randrange(1, len(_frames(sealed)))
    return _with(sealed, _sized(sealed.data, count * FRAME_SIZE)[: _HEADER + count * _STEP])


def _grow(random: Random, sealed: _Sealed, other: _Sealed) -> _Sealed:
    more = random.choice((b"\0", random.randbytes(16), other.data[_HEADER:]))
    return _with(sealed, sealed.data + more)


def _sizes(random: Random, sealed: _Sealed, _other: _Sealed) -> _Sealed:
    size = random.choice((0, sealed.size + 1, random.randrange(1 << 41), (1 << 64) - 1))
    return _with(sealed, _sized(sealed.data, size))


def _head_of_other(_random: Random, sealed: _Sealed, other: _Sealed) -> _Sealed:
    return _with(sealed, other.data[:_HEADER] + sealed.data[_HEADER:])


def _salt_of_other(_random: Random, sealed: _Sealed, other: _Sealed) -> _Sealed:
    return _with(sealed, sealed.data[:24] + other.data[24:_HEADER] + sealed.data[_HEADER:])


def _frame_of_other(random: Random, sealed: _Sealed, other: _Sealed) -> _Sealed:
    parts = _frames(sealed)
    at = random.randrange(len(parts))
    parts[at] = _frames(other)[at]
    return _with(sealed, sealed.data[:_HEADER] + b"".join(parts))


def _tag_of_other(_random: Random, sealed: _Sealed, other: _Sealed) -> _Sealed:
    return _with(sealed, sealed.data[:-TAG_SIZE] + other.data[-TAG_SIZE:])


def _reordered(random: Random, sealed: _Sealed, _other: _Sealed) -> _Sealed:
    parts = _frames(sealed)
    # The last frame stands out by its flag and its length: half of the time it stays where it is.
    kept = [parts.pop()] if random.random() < 0.5 else []
    random.shuffle(parts)
    parts += kept
    return _with(sealed, sealed.data[:_HEADER] + b"".join(parts))


def _repeated(random: Random, sealed: _Sealed, _other: _Sealed) -> _Sealed:
    parts = _frames(sealed)
    parts[random.randrange(1, len(parts))] = random.choice(parts)
    return _with(sealed, sealed.data[:_HEADER] + b"".join(parts))


def _name(random: Random, sealed: _Sealed, _other: _Sealed) -> _Sealed:
    names = (sealed.name + "x", sealed.name[:-1], sealed.name.upper(), "../" + sealed.name)
    return _Sealed(sealed.data, sealed.size, sealed.key, random.choice(names))


def _key(random: Random, sealed: _Sealed, _other: _Sealed) -> _Sealed:
    key = bytearray(sealed.key)
    key[random.randrange(32)] ^= 1 << random.randrange(8)
    return _Sealed(sealed.data, sealed.size, bytes(key), sealed.name)


_Change = Callable[[Random, _Sealed, _Sealed], _Sealed]
_SMALL: tuple[_Change, ...] = (
    _flip,
    _flip,
    _flip,
    _cut,
    _cut_and_sized,
    _grow,
    _sizes,
    _head_of_other,
    _salt_of_other,
    _frame_of_other,
    _tag_of_other,
    _name,
    _key,
)
_LARGE: tuple[_Change, ...] = (
    *_SMALL,
    *([_cut_at_a_frame, _reordered, _repeated, _frame_of_other] * 5),
)
