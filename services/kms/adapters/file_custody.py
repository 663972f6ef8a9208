"""Root custody in a file: development custody, because whoever reads the file owns every key.

The file is one line, "craton-kms-root-v1 <store id> <root key in base64>", mode 0600, owned by kms's own
uid, in a folder that nobody else can write, outside the folder of kms's state: a thief of the database or
of its backups gets no root key.
"""

import base64
import binascii
import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.chassis.randomness import Randomness, random_uuid
from services.chassis.secret import SecretBytes
from services.kms.ports import CustodyError

_MAGIC = "craton-kms-root-v1"
_ROOT_KEY_SIZE = 32
_MAX_FILE_SIZE = 256

_WRAP_VERSION = b"\x01"
_WRAP_INFO = b"craton-kms wrap under root v1"
_SALT_SIZE = 32
_IV_SIZE = 12
_TAG_SIZE = 16


def first_boot_mark(key_file: Path) -> Path:
    """Where the mark of the first boot lies: beside the custody file."""
    return key_file.with_name(f"{key_file.name}.first-boot")


def mark_first_boot(key_file: Path) -> None:
    """Permit the next start to create the root key: for whoever sets up a new installation.

    Raises CustodyError when custody exists already, because a second root key would orphan every key.
    """
    if key_file.exists():
        raise CustodyError(f"{key_file} exists: this installation has had its first boot")
    key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = first_boot_mark(key_file)
    os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    _sync_folder(mark.parent)


class FileCustody:
    """A root key that was read from a file at start and wraps in this process's memory."""

    def __init__(self, key_file: Path, randomness: Randomness) -> None:
        """Read the root key, creating it only when the first boot is marked. Raises CustodyError."""
        self._key_file = key_file
        self._randomness = randomness
        self._mark = first_boot_mark(key_file)
        _require_private_folder(key_file.parent)
        self._first_boot = self._mark.exists()
        if self._first_boot and not key_file.exists():
            self._create()
        self._store_id, self._root_key = _read(key_file)

    @property
    def store_id(self) -> str:
        """Id of the store that belongs to this root key."""
        return self._store_id

    @property
    def first_boot(self) -> bool:
        """True while the mark of the first boot stands."""
        return self._first_boot

    def complete_first_boot(self) -> None:
        """Remove the mark durably."""
        self._mark.unlink(missing_ok=True)
        _sync_folder(self._mark.parent)
        self._first_boot = False

    def wrap(self, material: SecretBytes, associated: bytes) -> bytes:
        """Encrypt under a key derived from the root key: version, salt, IV, ciphertext and tag."""
        salt = self._randomness.token_bytes(_SALT_SIZE)
        iv = self._randomness.token_bytes(_IV_SIZE)
        return _WRAP_VERSION + salt + iv + self._cipher(salt).encrypt(iv, material.reveal(), associated)

    def unwrap(self, wrapped: bytes, associated: bytes) -> SecretBytes:
        """Decrypt what `wrap` made. Raises CustodyError."""
        salt_end = len(_WRAP_VERSION) + _SALT_SIZE
        iv_end = salt_end + _IV_SIZE
        if wrapped[:1] != _WRAP_VERSION or len(wrapped) < iv_end + _TAG_SIZE:
            raise CustodyError("wrapped key material has an unknown format")
        cipher = self._cipher(wrapped[1:salt_end])
        try:
            return SecretBytes(cipher.decrypt(wrapped[salt_end:iv_end], wrapped[iv_end:], associated))
        except InvalidTag:
            raise CustodyError("wrapped key material does not open: it was altered or moved") from None

    def _cipher(self, salt: bytes) -> AESGCM:
        derivation = HKDF(algorithm=SHA256(), length=_ROOT_KEY_SIZE, salt=salt, info=_WRAP_INFO)
        return AESGCM(derivation.derive(self._root_key.reveal()))

    def _create(self) -> None:
        key = base64.b64encode(self._randomness.token_bytes(_ROOT_KEY_SIZE)).decode()
        line = f"{_MAGIC} {random_uuid(self._randomness)} {key}\n"
        # A rename makes the file appear as a whole or not at all; what a crash leaves is written over.
        draft = self._key_file.with_name(f"{self._key_file.name}.new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(self._key_file)
        _sync_folder(self._key_file.parent)


def _read(key_file: Path) -> tuple[str, SecretBytes]:
    try:
        descriptor = os.open(key_file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise CustodyError(
            f"{key_file} is missing and no first boot is marked: restore the root key from its backup, or "
            "mark the first boot of a new installation with --mark-first-boot"
        ) from None
    except OSError as error:
        raise CustodyError(f"{key_file} cannot be opened: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise CustodyError(f"{key_file} must be a regular file with one name")
        if status.st_uid != os.geteuid():
            raise CustodyError(f"{key_file} must be owned by the uid that kms runs as, {os.geteuid()}")
        if stat.S_IMODE(status.st_mode) not in (0o600, 0o400):
            raise CustodyError(f"{key_file} must have mode 0600, not {stat.S_IMODE(status.st_mode):04o}")
        line = stream.read(_MAX_FILE_SIZE)
    fields = line.decode("ascii", "replace").split()
    try:
        magic, store_id, encoded = fields
        key = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise CustodyError(f"{key_file} is damaged") from None
    if magic != _MAGIC or len(key) != _ROOT_KEY_SIZE:
        raise CustodyError(f"{key_file} is damaged or of another version")
    return store_id, SecretBytes(key)


def _require_private_folder(folder: Path) -> None:
    try:
        status = folder.stat()
    except OSError as error:
        raise CustodyError(f"{folder} cannot be used for root custody: {error.strerror}") from None
    if status.st_uid not in (os.geteuid(), 0) or status.st_mode & 0o022:
        raise CustodyError(f"{folder} must be owned by kms's uid or root, and writable by nobody else")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
