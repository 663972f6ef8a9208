"""The keys of a custody in a file, as its text says them.

One line names the store, one line each a key: its kind, generation, id and value.

    store 6f1c…
    root 1 <id, 32 hex digits> <key, 64 hex digits>
    shred 1 …
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.adapters.wrapped import KEY_ID_SIZE, KEY_SIZE
from services.kms.ports import CustodyError, WrapKind


@dataclass(frozen=True, slots=True)
class CustodyKey:
    """One key."""

    kind: WrapKind
    generation: int
    key_id: bytes
    key: SecretBytes

    @classmethod
    def generate(cls, kind: WrapKind, generation: int, randomness: Randomness) -> "CustodyKey":
        """Make a key."""
        key_id = randomness.token_bytes(KEY_ID_SIZE)
        return cls(kind, generation, key_id, SecretBytes(randomness.token_bytes(KEY_SIZE)))


@dataclass(frozen=True, slots=True)
class CustodyKeys:
    """All keys of a custody, and the store that hangs on them."""

    store_id: str
    keys: tuple[CustodyKey, ...] = field(default=())

    @classmethod
    def first(cls, store_id: str, randomness: Randomness) -> "CustodyKeys":
        """Make the first generation of each kind."""
        return cls(store_id, tuple(CustodyKey.generate(kind, 1, randomness) for kind in WrapKind))

    def generations(self, kind: WrapKind) -> Sequence[int]:
        """Return the generations of a kind, in their order."""
        return sorted(each.generation for each in self.keys if each.kind is kind)

    def key(self, kind: WrapKind, generation: int) -> CustodyKey | None:
        """Return a key."""
        return next((each for each in self.keys if (each.kind, each.generation) == (kind, generation)), None)

    def added(self, kind: WrapKind, randomness: Randomness) -> tuple["CustodyKeys", int]:
        """Return these with the next generation of a kind, and its number."""
        generation = self.generations(kind)[-1] + 1
        made = CustodyKey.generate(kind, generation, randomness)
        return replace(self, keys=(*self.keys, made)), generation

    def without(self, kind: WrapKind, before: int) -> "CustodyKeys":
        """Return these without older generations of a kind. Raises CustodyError when none would be left."""
        if not any(each >= before for each in self.generations(kind)):
            raise CustodyError(f"the last {kind.value} key is not destroyed: make the next generation first")
        left = (each for each in self.keys if each.kind is not kind or each.generation >= before)
        return replace(self, keys=tuple(left))

    def encode(self) -> bytes:
        """Return the lines of the keys. They are secret."""
        return "".join(
            f"{each.kind.value} {each.generation} {each.key_id.hex()} {each.key.reveal().hex()}\n"
            for each in self.keys
        ).encode()

    @classmethod
    def decode(cls, store_id: str, lines: bytes) -> "CustodyKeys":
        """Parse what `encode` returned. Raises CustodyError."""
        try:
            keys = tuple(_parse(line) for line in lines.decode("ascii").splitlines())
        except ValueError:
            # Without the cause: its text would quote the line.
            raise damaged() from None
        decoded = cls(store_id, keys)
        if decoded.encode() != lines or not all(decoded.generations(kind) for kind in WrapKind):
            raise damaged()
        return decoded


def damaged() -> CustodyError:
    """The custody file is not what was written."""
    return CustodyError("the custody file is damaged: restore it from its backup")


def _parse(line: str) -> CustodyKey:
    kind, generation, key_id, key = line.split(" ")
    parsed = CustodyKey(
        WrapKind(kind), int(generation), bytes.fromhex(key_id), SecretBytes(bytes.fromhex(key))
    )
    if len(parsed.key_id) != KEY_ID_SIZE or len(parsed.key) != KEY_SIZE or parsed.generation < 1:
        raise ValueError("wrong length")
    return parsed
