"""The envelope of kms: nothing but the original opens, and no salt and IV come twice, whoever forks."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from unittest.mock import patch

from services.chassis.errors import DomainError
from services.chassis.randomness import Randomness, SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.domain import envelope
from services.kms.domain.ciphertext import IV_SIZE, SALT_SIZE, Ciphertext
from tests.campaigns.campaign import Campaign, Finding
from tests.fakes.forks import SharedStateRandomness, in_forks

_FORKS = 4
_ENCRYPTIONS = 250
"""In each forked process of a case."""
_CONTROL = 2
_PAIR = SALT_SIZE + IV_SIZE
_NAME = "accounts/123456789012/regions/us-east-1/keys/1b9c6ef0-0000-4000-8000-00000000000"
_WORDS = ("", "purpose", "tenant", "a", "é", "中")


class KmsEnvelopeCampaign(Campaign):
    """One case is one ciphertext and everything that is done to it, and a thousand encryptions in forks."""

    name = "kms-envelope"
    summary = (
        "A ciphertext a case opens to its plaintext; with any bit flipped, cut anywhere, joined anywhere "
        "with another of the same key, with a field of that one, under another context or other material it "
        f"is refused. {_FORKS} forked processes encrypt {_ENCRYPTIONS} times each: no salt and IV come "
        "twice, over all cases of a run. As a control every case also forks with a generator whose state is "
        "shared, and must see it repeat itself."
    )
    fault = "a decryption that skips the encryption context."
    sources = (
        "services/kms/domain/ciphertext.py",
        "services/kms/domain/envelope.py",
        "services/chassis/randomness.py",
        "tests/campaigns/kms_envelope.py",
        "tests/fakes/forks.py",
    )
    units = (_FORKS * _ENCRYPTIONS, "encryptions in forked processes")

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def case(self, seed: int, index: int) -> None:
        """Encrypt, change, decrypt, fork."""
        random = self.random(seed, index)
        _Forgery(random).attempt()
        material = SecretBytes(random.randbytes(32))
        if not _repeated(_pairs(material, SharedStateRandomness(index), _CONTROL), set()):
            raise Finding("forks that share a generator's state were not noticed")
        if _repeated(_pairs(material, SystemRandomness(), _ENCRYPTIONS), self._seen):
            raise Finding("a salt and IV came twice")

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Authenticate the header alone, in both directions: what is sealed still opens."""
        with patch.object(envelope, "canonical_context", lambda _context: b""):
            yield

    @contextmanager
    def running(self) -> Iterator[None]:
        """Begin without any pair: those of another run are another run's."""
        self._seen.clear()
        yield

    def measured(self) -> tuple[str, ...]:
        """Say how many pairs were compared with each other."""
        return (f"{len(self._seen)} pairs of salt and IV, all different",)


class _Forgery:
    """A ciphertext, its key, its context, and another ciphertext of the same key."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._material = SecretBytes(random.randbytes(32))
        self._name, self._version = _NAME + str(random.randrange(10)), random.choice((1, 1, 2, 300))
        self._context = {each: random.choice(_WORDS) for each in random.sample(_WORDS, random.randrange(4))}
        self._plain = random.randbytes(random.choice((1, 16, 32, 32, random.randrange(1, 200))))
        self._blob = self._seal(self._plain)

    def attempt(self) -> None:
        if self._open(self._blob) != self._plain:
            raise Finding("a ciphertext did not open to what was encrypted")
        for bit in range(len(self._blob) * 8):
            changed = bytearray(self._blob)
            changed[bit // 8] ^= 1 << bit % 8
            self._refused(f"bit {bit} flipped", bytes(changed))
        for length in range(len(self._blob)):
            self._refused(f"cut to {length} bytes", self._blob[:length])
            self._refused(f"its first {length + 1} bytes cut off", self._blob[length + 1 :])
        self._refused("a byte more", self._blob + self._random.randbytes(1))
        self._swaps(self._seal(self._random.randbytes(len(self._plain))))
        self._elsewhere()

    def _swaps(self, other: bytes) -> None:
        header = len(self._blob) - len(self._plain) - 16
        salt, iv = header - _PAIR, header - IV_SIZE
        for start, end in ((salt, iv), (iv, header), (salt, header), (header, -16), (-16, len(other))):
            self._refused(
                f"bytes {start} to {end} of another", self._blob[:start] + other[start:end] + self._blob[end:]
            )
        for at in range(1, len(other)):
            for mixed in (self._blob[:at] + other[at:], other[:at] + self._blob[at:]):
                # Headers begin alike: one of the mixtures is the other ciphertext, which is a right one.
                if mixed != other:
                    self._refused(f"the other one joined to it at byte {at}", mixed)

    def _elsewhere(self) -> None:
        pair = {self._random.choice(_WORDS): self._random.choice(_WORDS) + "x"}
        for context in ({**self._context, **pair}, {**self._context, "more": ""}, {}):
            if context != self._context:
                self._refused("another context", self._blob, context)
        self._material = SecretBytes(self._random.randbytes(32))
        self._refused("other material", self._blob)

    def _seal(self, plain: bytes) -> bytes:
        return envelope.encrypt(
            self._material, self._name, self._version, SecretBytes(plain), self._context, SystemRandomness()
        )

    def _open(self, blob: bytes, context: dict[str, str] | None = None) -> bytes:
        chosen = self._context if context is None else context
        return envelope.decrypt(self._material, Ciphertext.parse(blob), chosen).reveal()

    def _refused(self, what: str, blob: bytes, context: dict[str, str] | None = None) -> None:
        if blob == self._blob and context is None and not what.startswith("other material"):
            return  # Ciphertexts of one byte may have the same one in one place.
        try:
            self._open(blob, context)
        except DomainError:
            return
        raise Finding(f"a ciphertext of {len(self._plain)} bytes opened with {what}")


def _pairs(material: SecretBytes, randomness: Randomness, count: int) -> list[bytes]:
    def encrypt() -> bytes:
        return b"".join(_pair(material, randomness) for _ in range(count))

    joined = b"".join(in_forks(_FORKS, encrypt))
    return [joined[at : at + _PAIR] for at in range(0, len(joined), _PAIR)]


def _pair(material: SecretBytes, randomness: Randomness) -> bytes:
    blob = envelope.encrypt(material, f"{_NAME}0", 1, SecretBytes(b"x"), {}, randomness)
    header = Ciphertext.parse(blob).header
    return header.salt + header.iv


def _repeated(pairs: list[bytes], seen: set[bytes]) -> bool:
    """Say whether one of the pairs came before, and remember them all."""
    before = len(seen)
    seen.update(pairs)
    return len(seen) != before + len(pairs)
