"""Signed notes: text with signatures below it (https://c2sp.org/signed-note), by Ed25519 alone."""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tlog.errors import TlogError

MAX_BYTES = 64 * 1024
MAX_SIGNATURES = 64
_KEY_BYTES = 32
_ID_BYTES = 4
_TIME_BYTES = 8
_SIGNATURE_BYTES = 64
_NAME = re.compile(r"[^\s+]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_LINE = re.compile(r"— (\S+) (\S+)")


class SignatureType(IntEnum):
    """What a key signs: assigned by C2SP."""

    NOTE = 1
    """The text of a note."""
    COSIGNATURE = 4
    """A checkpoint, and when it was seen (https://c2sp.org/tlog-cosignature)."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name of its owner; `parse` and `str` have C2SP's form."""

    name: str
    type: SignatureType
    public_key: bytes
    """32 bytes, RFC 8032."""

    def __post_init__(self) -> None:
        """Raise TlogError for a name or a key that no note can have."""
        if not _NAME.fullmatch(self.name) or _CONTROL.search(self.name):
            raise TlogError("a key's name is empty, or has a space or a plus sign")
        if len(self.public_key) != _KEY_BYTES:
            raise TlogError(f"a public key has {_KEY_BYTES} bytes")

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell this key from others of its name."""
        return sha256(f"{self.name}\n".encode() + bytes((self.type,)) + self.public_key).digest()[:_ID_BYTES]

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read `name+id+key`. Raises TlogError."""
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        key = decode_base64(encoded)
        if not key or key[0] not in {kind.value for kind in SignatureType}:
            raise TlogError("not a verifier key of a known type")
        parsed = cls(name, SignatureType(key[0]), key[1:])
        if parsed.key_id.hex() != key_id:
            raise TlogError("a verifier key has the id of another")
        return parsed

    def __str__(self) -> str:
        """Return C2SP's form, for configurations and documents."""
        key = base64.b64encode(bytes((self.type,)) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One line below a note."""

    name: str
    key_id: bytes
    value: bytes

    def __str__(self) -> str:
        """Return the line, without its newline."""
        return f"— {self.name} {base64.b64encode(self.key_id + self.value).decode()}"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, and who is said to have signed it. Nothing of it may be believed before `verify`."""

    text: str
    """With its final newline."""
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, content: bytes) -> "Note":
        """Read a note. Raises TlogError."""
        if len(content) > MAX_BYTES:
            raise TlogError(f"a note has more than {MAX_BYTES} bytes")
        try:
            decoded = content.decode()
        except UnicodeDecodeError as error:
            raise TlogError("a note is not UTF-8") from error
        text, blank, below = decoded.rpartition("\n\n")
        if _CONTROL.search(decoded) or not blank or not below.endswith("\n"):
            raise TlogError("not a signed note")
        lines = below[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise TlogError(f"a note has more than {MAX_SIGNATURES} signatures")
        return cls(f"{text}\n", tuple(map(parse_signature, lines)))

    def __bytes__(self) -> bytes:
        """Return the note as it is kept and sent."""
        return "".join((self.text, "\n", *(f"{each}\n" for each in self.signatures))).encode()

    def signed(self, *signatures: Signature) -> "Note":
        """Return the note with further signatures; a newer one by a key takes the place of its older one."""
        added = {(each.name, each.key_id) for each in signatures}
        kept = (each for each in self.signatures if (each.name, each.key_id) not in added)
        return Note(self.text, (*kept, *signatures))

    def verify(self, keys: Iterable[VerifierKey]) -> "dict[VerifierKey, int | None]":
        """Return which of these keys have signed, and when if they say so (seconds since 1970).

        Signatures of other keys are ignored. Raises TlogError for a false signature by one of these, and
        for two by one key.
        """
        known = {(key.name, key.key_id): key for key in keys}
        found: dict[VerifierKey, int | None] = {}
        for signature in self.signatures:
            key = known.get((signature.name, signature.key_id))
            if key is None:
                continue
            if key in found:
                raise TlogError("a note has two signatures of one key")
            found[key] = _verify(self.text, signature.value, key)
        return found


def parse_signature(line: str) -> Signature:
    """Read a signature line. Raises TlogError."""
    found = _LINE.fullmatch(line)
    if found is None or not _NAME.fullmatch(found[1]):
        raise TlogError("not a signature line")
    decoded = decode_base64(found[2])
    if len(decoded) <= _ID_BYTES:
        raise TlogError("a signature is too short")
    return Signature(found[1], decoded[:_ID_BYTES], decoded[_ID_BYTES:])


def cosigned_message(text: str, time_s: int) -> bytes:
    """Return what a cosignature of a checkpoint signs."""
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def note_signature(key: VerifierKey, signature: bytes) -> Signature:
    """Return the line for a signature over a note's text."""
    return Signature(key.name, key.key_id, signature)


def cosignature(key: VerifierKey, time_s: int, signature: bytes) -> Signature:
    """Return the line for a signature over `cosigned_message`."""
    return Signature(key.name, key.key_id, time_s.to_bytes(_TIME_BYTES, "big") + signature)


def decode_base64(text: str) -> bytes:
    """Decode base64 in its one canonical form. Raises TlogError."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise TlogError("not base64") from error
    # The bits that pad the last character could be anything, and one text would have several forms.
    if base64.b64encode(decoded).decode() != text:
        raise TlogError("not base64 in its canonical form")
    return decoded


def encode_hashes(hashes: Sequence[bytes]) -> str:
    """Return one line of base64 for each hash."""
    return "".join(f"{base64.b64encode(each).decode()}\n" for each in hashes)


def _verify(text: str, value: bytes, key: VerifierKey) -> int | None:
    time_s = None
    message = text.encode()
    if key.type is SignatureType.COSIGNATURE:
        time_s, value = int.from_bytes(value[:_TIME_BYTES], "big"), value[_TIME_BYTES:]
        message = cosigned_message(text, time_s)
        if time_s >= 2**63:
            raise TlogError("a cosignature is of no time")
    if len(value) != _SIGNATURE_BYTES:
        raise TlogError(f"a signature of Ed25519 has {_SIGNATURE_BYTES} bytes")
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(value, message)
    except (InvalidSignature, ValueError) as error:
        raise TlogError(f"a signature is not by the key of {key.name}") from error
    return time_s
