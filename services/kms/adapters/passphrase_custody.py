"""Root custody in a file that is sealed under a passphrase: kms starts sealed.

Whoever reads the file must guess the passphrase, at the cost of one Argon2id (RFC 9106) a guess. The
passphrase itself is forgotten as soon as the key that derives from it is there; that key stays in memory
until kms is sealed, because every use reads the file and every deletion writes it.

The lines after the header are

    argon2id memory_kib=262144 iterations=3 lanes=4 salt=<32 hex digits>
    sealed <IV, 24 hex digits> <keys under AES-256-GCM, in hex>

where the additional authenticated data are everything before "sealed".
"""

import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from services.chassis.randomness import Randomness, random_uuid
from services.chassis.secret import SecretBytes
from services.kms.adapters.custody_keys import CustodyKeys, damaged
from services.kms.adapters.file_custody import FileCustody, header, read_header
from services.kms.adapters.first_boot import mark_first_boot
from services.kms.adapters.private_file import PrivateFile
from services.kms.adapters.wrapped import IV_SIZE, KEY_SIZE
from services.kms.ports import CustodyError, CustodySealedError, PassphraseError

MIN_PASSPHRASE = 15
"""Bytes; NIST SP 800-63B-4, 3.1.1.2, for a secret that is the only factor."""
MAX_PASSPHRASE = 1024

_MAGIC = "craton-kms-custody-v2-passphrase"
_SALT_SIZE = 16
_BODY = re.compile(
    rb"(argon2id memory_kib=(\d{1,9}) iterations=(\d{1,3}) lanes=(\d{1,3}) salt=([0-9a-f]{32})\n)"
    rb"sealed ([0-9a-f]{24}) ([0-9a-f]+)\n"
)


@dataclass(frozen=True, slots=True)
class Argon2Costs:
    """What one guess costs."""

    memory_kib: int = 256 * 1024
    """Four times RFC 9106's second recommendation (64 MiB): once a start, that and a second are cheap."""
    iterations: int = 3
    lanes: int = 4

    def __post_init__(self) -> None:
        """Refuse costs that could not have been meant, in a file that somebody has edited."""
        if not (
            8 * self.lanes <= self.memory_kib <= 4 * 1024 * 1024
            and 1 <= self.iterations <= 100
            and 1 <= self.lanes <= 64
        ):
            raise CustodyError("the custody file asks for costs of Argon2id that cannot be met")


@dataclass(frozen=True, slots=True)
class _Derivation:
    costs: Argon2Costs
    salt: bytes

    def line(self) -> bytes:
        costs = self.costs
        return (
            f"argon2id memory_kib={costs.memory_kib} iterations={costs.iterations} lanes={costs.lanes} "
            f"salt={self.salt.hex()}\n"
        ).encode()

    def key(self, passphrase: SecretBytes) -> SecretBytes:
        costs = self.costs
        argon2 = Argon2id(
            salt=self.salt,
            length=KEY_SIZE,
            iterations=costs.iterations,
            lanes=costs.lanes,
            memory_cost=costs.memory_kib,
        )
        return SecretBytes(argon2.derive(passphrase.reveal()))


class PassphraseCustody(FileCustody):
    """See the port. Several processes may use one file."""

    def __init__(self, custody_file: Path, randomness: Randomness) -> None:
        """Use a custody file that `mark_passphrase_boot` made. Raises CustodyError."""
        self._derived: tuple[_Derivation, SecretBytes] | None = None
        super().__init__(custody_file, randomness)

    @property
    def kind(self) -> str:
        """What holds the keys."""
        return "passphrase"

    @property
    def sealed(self) -> bool:
        """True until the passphrase was given."""
        return self._derived is None

    def unseal(self, passphrase: SecretBytes) -> None:
        """Open the file. Raises PassphraseError when the passphrase is wrong."""
        with self._file.locked():
            contents = self._file.read()
        # Without the lock: it takes a second.
        _, derivation, _, _ = _parsed(contents)
        derived = derivation, derivation.key(passphrase)
        _opened(contents, derived)
        self._derived = derived

    def change_passphrase(self, passphrase: SecretBytes, new: SecretBytes) -> None:
        """Put the keys of the file under a new salt and passphrase, at the costs of now.

        Other processes that use the file must be sealed and unsealed afterwards.
        """
        _check(new)
        with self._file.locked():
            _, present, _, _ = _parsed(self._file.read())
        derivation = _Derivation(Argon2Costs(), self._randomness.token_bytes(_SALT_SIZE))
        # Without the lock: each takes a second.
        before, derived = (present, present.key(passphrase)), (derivation, derivation.key(new))
        with self._file.locked():
            keys = _opened(self._file.read(), before)
            self._file.replace(_encoded(keys, derived, self._randomness))
        if self._derived is not None:
            self._derived = derived

    def seal(self) -> None:
        """Forget the key that derives from the passphrase."""
        self._derived = None

    def _make(self) -> None:
        raise CustodyError(
            "there is no custody file yet: mark the first boot again, which asks for its passphrase"
        )

    def _identified(self, contents: bytes) -> str:
        return _parsed(contents)[0]

    def _encoded(self, keys: CustodyKeys) -> bytes:
        if self._derived is None:
            raise CustodySealedError("custody is sealed: unseal it first")
        return _encoded(keys, self._derived, self._randomness)

    def _decoded(self, contents: bytes) -> CustodyKeys:
        if self._derived is None:
            raise CustodySealedError("custody is sealed: unseal it first")
        return _opened(contents, self._derived)


def mark_passphrase_boot(
    custody_file: Path, passphrase: SecretBytes, randomness: Randomness, costs: Argon2Costs | None = None
) -> None:
    """Mark the first boot and make the custody file at once, so that no typing error becomes its passphrase.

    Raises CustodyError when custody exists already, or the passphrase is too short or too long.
    """
    _check(passphrase)
    mark_first_boot(custody_file)
    keys = CustodyKeys.first(random_uuid(randomness), randomness)
    adopt_under_passphrase(custody_file, keys, passphrase, randomness, costs)


def adopt_under_passphrase(
    custody_file: Path,
    keys: CustodyKeys,
    passphrase: SecretBytes,
    randomness: Randomness,
    costs: Argon2Costs | None = None,
) -> None:
    """Make a custody file of keys that exist. Raises CustodyError when there is a file already."""
    _check(passphrase)
    file = PrivateFile(custody_file, "custody file")
    derivation = _Derivation(costs or Argon2Costs(), randomness.token_bytes(_SALT_SIZE))
    contents = _encoded(keys, (derivation, derivation.key(passphrase)), randomness)
    with file.locked():
        if file.exists():
            raise CustodyError("the custody file exists: nothing is adopted over it")
        file.replace(contents)


def _check(passphrase: SecretBytes) -> None:
    if not MIN_PASSPHRASE <= len(passphrase) <= MAX_PASSPHRASE:
        raise CustodyError(f"a passphrase has {MIN_PASSPHRASE} to {MAX_PASSPHRASE} bytes")


def _encoded(keys: CustodyKeys, derived: tuple[_Derivation, SecretBytes], randomness: Randomness) -> bytes:
    derivation, key = derived
    bound = header(_MAGIC, keys.store_id) + derivation.line()
    iv = randomness.token_bytes(IV_SIZE)
    sealed = AESGCM(key.reveal()).encrypt(iv, keys.encode(), bound)
    return bound + f"sealed {iv.hex()} {sealed.hex()}\n".encode()


def _opened(contents: bytes, derived: tuple[_Derivation, SecretBytes]) -> CustodyKeys:
    store_id, derivation, iv, sealed = _parsed(contents)
    if derivation != derived[0]:
        raise CustodyError("the passphrase of the custody file was changed: seal and unseal kms")
    bound = header(_MAGIC, store_id) + derivation.line()
    try:
        keys = AESGCM(derived[1].reveal()).decrypt(iv, sealed, bound)
    except InvalidTag:
        raise PassphraseError("the passphrase is wrong, or the custody file is damaged") from None
    return CustodyKeys.decode(store_id, keys)


def _parsed(contents: bytes) -> tuple[str, _Derivation, bytes, bytes]:
    store_id, rest = read_header(_MAGIC, contents)
    match = _BODY.fullmatch(rest)
    if match is None or len(match[7]) % 2:
        raise damaged()
    memory_kib, iterations, lanes = (int(match[number]) for number in (2, 3, 4))
    costs = Argon2Costs(memory_kib, iterations, lanes)
    derivation = _Derivation(costs, bytes.fromhex(match[5].decode()))
    if derivation.line() != match[1]:
        raise damaged()
    return store_id, derivation, bytes.fromhex(match[6].decode()), bytes.fromhex(match[7].decode())
