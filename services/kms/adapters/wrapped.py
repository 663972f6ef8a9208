"""The format of what custody wraps: the same for all adapters.

| offset | bytes | field | value |
|---|---|---|---|
| 0 | 1 | version | 0x02 |
| 1 | 1 | kind | 1 root key, 2 shred key |
| 2 | 4 | generation | big-endian |
| 6 | 16 | id of the key | random, chosen when it was made |
| 22 | 12 | IV | random |
| 34 | n | encrypted material | AES-256-GCM |
| 34 + n | 16 | tag | AES-256-GCM |

The additional authenticated data are the first 22 bytes, the store's id (36 bytes, ASCII) and what the caller
binds. A key of custody encrypts some hundred times in its life, far from the bound of 2^32 messages under
random IVs (NIST SP 800-38D, 8.3).
"""

from dataclasses import dataclass

from services.chassis.secret import SecretBytes
from services.kms.ports import CustodyError, WrapKind

VERSION = 2
KEY_SIZE = 32
KEY_ID_SIZE = 16
IV_SIZE = 12
TAG_SIZE = 16
MAX_MATERIAL = 64

_HEADER_SIZE = 6 + KEY_ID_SIZE
_KINDS = {WrapKind.ROOT: 1, WrapKind.SHRED: 2}


@dataclass(frozen=True, slots=True)
class Wrapped:
    """Wrapped material, taken apart."""

    kind: WrapKind
    generation: int
    key_id: bytes
    iv: bytes
    sealed: bytes
    """Encrypted material and tag."""

    @classmethod
    def parse(cls, wrapped: bytes, kind: WrapKind, generation: int) -> "Wrapped":
        """Take apart what says that it was wrapped by this key. Raises CustodyError."""
        key_id = wrapped[6:_HEADER_SIZE]
        if not _HEADER_SIZE + IV_SIZE + TAG_SIZE <= len(wrapped) <= _largest():
            raise CustodyError("wrapped key material has an unknown format")
        if wrapped[:_HEADER_SIZE] != _header(kind, generation, key_id):
            raise does_not_open()
        iv_end = _HEADER_SIZE + IV_SIZE
        return cls(kind, generation, key_id, wrapped[_HEADER_SIZE:iv_end], wrapped[iv_end:])

    def encode(self) -> bytes:
        """Return the bytes."""
        return _header(self.kind, self.generation, self.key_id) + self.iv + self.sealed


def authenticated(kind: WrapKind, generation: int, key_id: bytes, store_id: str, associated: bytes) -> bytes:
    """Return the additional authenticated data."""
    return _header(kind, generation, key_id) + store_id.encode() + associated


def check_material(material: SecretBytes) -> None:
    """Raise ValueError for more than custody wraps."""
    if len(material) > MAX_MATERIAL:
        raise ValueError(f"custody wraps at most {MAX_MATERIAL} bytes")


def does_not_open() -> CustodyError:
    """What was wrapped was altered, or is shown in another place than it was made for."""
    return CustodyError("wrapped key material does not open: it was altered or moved")


def no_such_generation(kind: WrapKind, generation: int) -> CustodyError:
    """The key was destroyed, or custody was put back to an earlier state."""
    return CustodyError(f"generation {generation} of the {kind.value} key is not in custody")


def _header(kind: WrapKind, generation: int, key_id: bytes) -> bytes:
    return bytes([VERSION, _KINDS[kind]]) + generation.to_bytes(4, "big") + key_id


def _largest() -> int:
    return _HEADER_SIZE + IV_SIZE + MAX_MATERIAL + TAG_SIZE
