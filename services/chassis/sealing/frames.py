"""Sealed files: AES-256-GCM in frames of 4 MiB, after the STREAM construction.

STREAM is by Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance", CRYPTO 2015. A sealed file is

    header   48 bytes: magic "CRTNSEAL", version, log2 of the frame size, 6 zero bytes,
             plaintext size (u64, big endian), salt (24 random bytes)
    frames   ciphertext and 16-byte tag of each 4 MiB of plaintext; the last may be shorter;
             an empty file has one empty frame

The key of a file and the 7-byte prefix of its nonces come from the artifact's data key by
HKDF-SHA256 over the salt, with the file's name as info: two files under one data key share neither,
and a file moved to another name does not open. A nonce is prefix | frame number (u32) | last flag,
and the header is every frame's associated data, so that a truncated, reordered, spliced or altered
file is refused at the first frame that is wrong.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.chassis.randomness import Randomness
from services.chassis.sealing.memory import PlainMemory
from services.chassis.secret import SecretBytes

MAGIC = b"CRTNSEAL"
VERSION = 1
FRAME_LOG2 = 22
FRAME_SIZE = 1 << FRAME_LOG2
TAG_SIZE = 16
DATA_KEY_SIZE = 32
# u32 frame numbers of 4 MiB reach 16 PiB; the cap keeps a hostile header from asking for more
# memory than any machine has before the first tag is checked.
MAX_PLAINTEXT_SIZE = 1 << 40

_HEADER = struct.Struct(">8sBB6sQ24s")
_SALT_SIZE = 24
_NONCE = struct.Struct(">7sIB")
_NO_RESERVED = bytes(6)


class SealingError(ValueError):
    """The sealed bytes are not what was sealed: damaged, incomplete, of another file or another key."""


@dataclass(frozen=True, slots=True)
class SealedFile:
    """What sealing one file gave, for the manifest. Hashes are lower-case hex SHA-256."""

    size: int
    sha256: str
    sealed_size: int
    sealed_sha256: str


def sealed_size(size: int) -> int:
    """Bytes that `size` bytes of plaintext take when sealed."""
    return _HEADER.size + size + TAG_SIZE * _frame_count(size)


class FileSealer:
    """Seals one file as a stream: iterate over `frames()`, then read `result`."""

    def __init__(
        self, source: BinaryIO, size: int, key: SecretBytes, name: str, randomness: Randomness
    ) -> None:
        """Seal `size` bytes of `source` under the data key `key`, bound to `name`.

        Raises ValueError for a size out of range or a key of another length than 32 bytes.
        """
        if not 0 <= size <= MAX_PLAINTEXT_SIZE:
            raise ValueError(f"a sealed file holds 0 to {MAX_PLAINTEXT_SIZE} bytes")
        self._source = source
        self._size = size
        salt = randomness.token_bytes(_SALT_SIZE)
        self._header = _HEADER.pack(MAGIC, VERSION, FRAME_LOG2, _NO_RESERVED, size, salt)
        self._cipher, self._prefix = _derive(key, salt, name)
        self._result: SealedFile | None = None

    @property
    def result(self) -> SealedFile:
        """Sizes and hashes. Raises RuntimeError before the last frame was taken."""
        if self._result is None:
            raise RuntimeError("the file is not sealed yet: take every frame first")
        return self._result

    def frames(self) -> Iterator[bytes]:
        """Yield the header, then each sealed frame.

        Raises SealingError when the source ends early or goes on beyond its size: the file was
        changed while it was read.
        """
        plain_hash, sealed_hash = hashlib.sha256(), hashlib.sha256(self._header)
        yield self._header
        count = _frame_count(self._size)
        for number in range(count):
            wanted = min(FRAME_SIZE, self._size - number * FRAME_SIZE)
            plain = _read_exactly(self._source, wanted)
            plain_hash.update(plain)
            nonce = _NONCE.pack(self._prefix, number, number == count - 1)
            sealed = self._cipher.encrypt(nonce, plain, self._header)
            sealed_hash.update(sealed)
            yield sealed
        if self._source.read(1):
            raise SealingError("the file grew while it was sealed")
        self._result = SealedFile(
            self._size, plain_hash.hexdigest(), sealed_size(self._size), sealed_hash.hexdigest()
        )


def open_sealed(sealed: "memoryview | bytes", key: SecretBytes, name: str) -> PlainMemory:
    """Decrypt a sealed file into anonymous private memory.

    `sealed` is the whole file (a mapping of a memfd, for example). Raises SealingError, with every
    plaintext byte wiped, when anything about it is wrong.
    """
    view = memoryview(sealed).cast("B")
    size, salt = _parse_header(view)
    header = bytes(view[: _HEADER.size])
    cipher, prefix = _derive(key, salt, name)
    count = _frame_count(size)
    memory = PlainMemory(size)
    try:
        plain, position = memory.view, _HEADER.size
        for number in range(count):
            start = number * FRAME_SIZE
            length = min(FRAME_SIZE, size - start)
            frame = view[position : position + length + TAG_SIZE]
            nonce = _NONCE.pack(prefix, number, number == count - 1)
            cipher.decrypt_into(nonce, frame, header, plain[start : start + length])
            position += length + TAG_SIZE
    except InvalidTag as error:
        memory.wipe()
        raise SealingError(f"frame {number} is damaged, or the key or the name is another one") from error
    except BaseException:
        memory.wipe()
        raise
    return memory


def _parse_header(view: memoryview) -> tuple[int, bytes]:
    if len(view) < _HEADER.size:
        raise SealingError("the file is shorter than its header")
    magic, version, frame_log2, reserved, size, salt = _HEADER.unpack_from(view)
    if magic != MAGIC:
        raise SealingError("not a sealed file")
    if version != VERSION or frame_log2 != FRAME_LOG2 or reserved != _NO_RESERVED:
        raise SealingError(f"sealed with an unknown format: version {VERSION} is understood")
    if size > MAX_PLAINTEXT_SIZE or len(view) != sealed_size(size):
        raise SealingError("the file is not as long as its header says")
    return size, salt


def _frame_count(size: int) -> int:
    return max(1, -(-size // FRAME_SIZE))


def _derive(key: SecretBytes, salt: bytes, name: str) -> tuple[AESGCM, bytes]:
    if len(key) != DATA_KEY_SIZE:
        raise ValueError(f"a data key has {DATA_KEY_SIZE} bytes")
    info = b"craton sealed file v1\x00" + name.encode()
    derived = HKDF(SHA256(), length=32 + 7, salt=salt, info=info).derive(key.reveal())
    return AESGCM(derived[:32]), derived[32:]


def _read_exactly(source: BinaryIO, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = source.read(count - len(parts))
        if not part:
            raise SealingError("the file shrank while it was sealed")
        parts += part
    return bytes(parts)
