"""Root custody in a file: development custody, because whoever reads the file owns every key.

The file has mode 0600, belongs to kms's own uid, and lies in a folder that nobody else can write, outside the
folder of kms's state: a thief of the database or of its backups gets no root key. It is read again for every
use, so that between two of them no key of custody is in the process's memory by intent.
"""

from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.chassis.randomness import Randomness, random_uuid
from services.chassis.secret import SecretBytes
from services.kms.adapters.custody_keys import CustodyKey, CustodyKeys, damaged
from services.kms.adapters.first_boot import FirstBoot
from services.kms.adapters.private_file import PrivateFile
from services.kms.adapters.wrapped import (
    IV_SIZE,
    Wrapped,
    authenticated,
    check_material,
    does_not_open,
    no_such_generation,
)
from services.kms.ports import CustodyError, CustodySealedError, WrapKind

_MAGIC = "craton-kms-custody-v2"


class FileCustody:
    """See the port. Several processes may use one file."""

    def __init__(self, custody_file: Path, randomness: Randomness) -> None:
        """Use a custody file, made here only when the first boot is marked. Raises CustodyError."""
        self._randomness = randomness
        self._file = PrivateFile(custody_file, "custody file")
        self._first_boot = FirstBoot(custody_file)
        self._sealed = False
        with self._file.locked():
            if not self._file.exists():
                if not self._first_boot.marked:
                    raise missing()
                self._make()
            self._store_id = self._identified(self._file.read())

    @property
    def kind(self) -> str:
        """What holds the keys."""
        return "file"

    @property
    def store_id(self) -> str:
        """Id of the store that hangs on these keys."""
        return self._store_id

    @property
    def sealed(self) -> bool:
        """True between `seal` and `unseal`."""
        return self._sealed

    def unseal(self, passphrase: SecretBytes) -> None:  # noqa: ARG002 (there is none)
        """Use the file again. An operator needs nothing for it: the file is protected by its owner alone."""
        self._sealed = False

    def change_passphrase(self, passphrase: SecretBytes, new: SecretBytes) -> None:  # noqa: ARG002 (none)
        """Raise CustodyError: the file is protected by its owner alone."""
        raise CustodyError("custody of kind file has no passphrase")

    def seal(self) -> None:
        """Use the file no more. It stays readable for kms's uid."""
        self._sealed = True

    @property
    def first_boot(self) -> bool:
        """True while the mark of the first boot stands."""
        return self._first_boot.marked

    def complete_first_boot(self) -> None:
        """Remove the mark durably."""
        self._require_unsealed()
        self._first_boot.complete()

    def generations(self, kind: WrapKind) -> list[int]:
        """Return the generations that exist."""
        return list(self._keys().generations(kind))

    def add_generation(self, kind: WrapKind) -> int:
        """Make the next key of a kind and return its generation."""
        with self._file.locked():
            keys, generation = self._current().added(kind, self._randomness)
            self._file.replace(self._encoded(keys))
        return generation

    def destroy_before(self, kind: WrapKind, generation: int) -> None:
        """Replace the file by one without the older keys, and overwrite the former one."""
        with self._file.locked():
            keys = self._current()
            left = keys.without(kind, generation)
            if len(left.keys) < len(keys.keys):
                self._file.replace(self._encoded(left))

    def wrap(self, kind: WrapKind, generation: int, material: SecretBytes, associated: bytes) -> bytes:
        """Encrypt under a key in custody, with a random IV."""
        check_material(material)
        key = self._key(kind, generation)
        iv = self._randomness.token_bytes(IV_SIZE)
        bound = authenticated(kind, generation, key.key_id, self._store_id, associated)
        sealed = AESGCM(key.key.reveal()).encrypt(iv, material.reveal(), bound)
        return Wrapped(kind, generation, key.key_id, iv, sealed).encode()

    def unwrap(self, kind: WrapKind, generation: int, wrapped: bytes, associated: bytes) -> SecretBytes:
        """Decrypt what `wrap` made. Raises CustodyError."""
        parsed = Wrapped.parse(wrapped, kind, generation)
        key = self._key(kind, generation)
        if key.key_id != parsed.key_id:
            raise does_not_open()
        bound = authenticated(kind, generation, key.key_id, self._store_id, associated)
        try:
            return SecretBytes(AESGCM(key.key.reveal()).decrypt(parsed.iv, parsed.sealed, bound))
        except InvalidTag:
            raise does_not_open() from None

    def _make(self) -> None:
        store_id = random_uuid(self._randomness)
        self._file.replace(self._encoded(CustodyKeys.first(store_id, self._randomness)))

    def _key(self, kind: WrapKind, generation: int) -> CustodyKey:
        key = self._keys().key(kind, generation)
        if key is None:
            raise no_such_generation(kind, generation)
        return key

    def _keys(self) -> CustodyKeys:
        with self._file.locked():
            return self._current()

    def _current(self) -> CustodyKeys:
        """Read the file, under its lock."""
        self._require_unsealed()
        keys = self._decoded(self._file.read())
        if keys.store_id != self._store_id:
            raise CustodyError("the custody file was exchanged for that of another store")
        return keys

    def _require_unsealed(self) -> None:
        if self.sealed:
            raise CustodySealedError("custody is sealed: unseal it first")

    def _identified(self, contents: bytes) -> str:
        """Return the store's id that the file names."""
        return self._decoded(contents).store_id

    def _encoded(self, keys: CustodyKeys) -> bytes:
        return header(_MAGIC, keys.store_id) + keys.encode()

    def _decoded(self, contents: bytes) -> CustodyKeys:
        store_id, lines = read_header(_MAGIC, contents)
        return CustodyKeys.decode(store_id, lines)


def read_keys(custody_file: Path) -> CustodyKeys:
    """Return the keys of a custody of this kind, for another custody to adopt. Raises CustodyError."""
    file = PrivateFile(custody_file, "custody file")
    with file.locked():
        store_id, lines = read_header(_MAGIC, file.read())
    return CustodyKeys.decode(store_id, lines)


def header(magic: str, store_id: str) -> bytes:
    """Return the first two lines of a custody file."""
    return f"{magic}\nstore {store_id}\n".encode()


def read_header(magic: str, contents: bytes) -> tuple[str, bytes]:
    """Return the store's id and everything after the header. Raises CustodyError."""
    first, _, rest = contents.partition(b"\n")
    if first != magic.encode():
        raise CustodyError(f"the custody file is damaged or of another kind: expected is {magic}")
    second, _, rest = rest.partition(b"\n")
    word, _, store_id = second.decode("ascii", "replace").partition(" ")
    if word != "store" or len(store_id) != 36 or header(magic, store_id) + rest != contents:
        raise damaged()
    return store_id, rest


def missing() -> CustodyError:
    """There is no custody file, and nobody said that there need not be one."""
    return CustodyError(
        "the custody file is missing and no first boot is marked: restore it from its backup, or mark the "
        "first boot of a new installation with --mark-first-boot"
    )
