"""Root custody in a device that speaks PKCS#11: the keys are made in it and never leave it.

Keys are AES-256, sensitive and not extractable, labelled "craton-kms/<store id>/<kind>/<generation>".
Wrapping and unwrapping are C_Encrypt and C_Decrypt with CKM_AES_GCM (PKCS#11 Current Mechanisms v2.40, 2.12),
a random IV of the kernel's and a tag of 128 bits. A wrapped blob names its key by CKA_ID, so that two keys
with one label, which the standard permits and two processes may make at the same moment, do no harm.

The custody file, beside which the first boot is marked, holds the store's id and no secret.
"""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass, exceptions
from pkcs11.types import Session

from services.chassis.randomness import Randomness, random_uuid
from services.chassis.secret import SecretBytes
from services.kms.adapters.custody_keys import CustodyKeys
from services.kms.adapters.file_custody import header, missing, read_header
from services.kms.adapters.first_boot import FirstBoot
from services.kms.adapters.private_file import PrivateFile
from services.kms.adapters.wrapped import (
    IV_SIZE,
    KEY_ID_SIZE,
    TAG_SIZE,
    Wrapped,
    authenticated,
    check_material,
    does_not_open,
    no_such_generation,
)
from services.kms.ports import (
    CustodyError,
    CustodySealedError,
    CustodyUnavailableError,
    PassphraseError,
    WrapKind,
)

T = TypeVar("T")

_MAGIC = "craton-kms-custody-v2-pkcs11"
_KEY_BITS = 256

_WRONG_PIN = (exceptions.PinIncorrect, exceptions.PinInvalid, exceptions.PinLenRange)
_CLOSED_PIN = (exceptions.PinLocked, exceptions.PinExpired, exceptions.UserPinNotInitialized)
_REFUSED_DATA = (
    exceptions.EncryptedDataInvalid,
    exceptions.EncryptedDataLenRange,
    exceptions.DataInvalid,
    exceptions.DataLenRange,
    # What devices answer to a wrong tag that know nothing better; the second time it is no broken session.
    exceptions.GeneralError,
    exceptions.FunctionFailed,
)

_TEMPLATE = {
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.PRIVATE: True,
    Attribute.MODIFIABLE: False,
    Attribute.ENCRYPT: True,
    Attribute.DECRYPT: True,
    Attribute.WRAP: False,
    Attribute.UNWRAP: False,
    Attribute.SIGN: False,
    Attribute.VERIFY: False,
    Attribute.DERIVE: False,
}


@dataclass(frozen=True, slots=True)
class Device:
    """Where the token is."""

    module: Path
    """The PKCS#11 library of the device's maker."""
    token_label: str
    pin_file: Path | None = None
    """The user's PIN: 0600, of kms's own uid. Without it kms starts sealed and is unsealed with the PIN."""


class Pkcs11Custody:
    """See the port. Several processes, on several machines, may use one token."""

    def __init__(
        self, custody_file: Path, device: Device, randomness: Randomness, *, wait: bool = False
    ) -> None:
        """Use the keys of the store that the custody file names. Raises CustodyError.

        With a PIN file the session is opened here, unless it is to `wait`; without one it waits for `unseal`.
        """
        self._device = device
        self._randomness = randomness
        self._first_boot = FirstBoot(custody_file)
        self._file = PrivateFile(custody_file, "custody file")
        self._store_id = self._identified()
        # A session does one operation at a time.
        self._one = threading.RLock()
        self._pin: SecretBytes | None = None
        self._session: Session | None = None
        if device.pin_file is not None and not wait:
            self.unseal(SecretBytes(b""))

    @property
    def kind(self) -> str:
        """What holds the keys."""
        return "pkcs11"

    @property
    def store_id(self) -> str:
        """Id of the store that hangs on these keys."""
        return self._store_id

    @property
    def sealed(self) -> bool:
        """True until the PIN is known, and after `seal`."""
        return self._pin is None

    def unseal(self, passphrase: SecretBytes) -> None:
        """Log in with the given PIN, or that of the PIN file. Raises PassphraseError when it is wrong."""
        with self._one:
            pin = passphrase if len(passphrase) else self._pin_of_file()
            if self._pin is not None:
                if not self._pin.equals(pin):
                    raise PassphraseError("the device's PIN is another one")
                return
            self._pin = pin
            try:
                with self._file.locked():
                    self._connect()
                self._make_first_keys()
            except BaseException:
                self.seal()
                raise

    def change_passphrase(self, passphrase: SecretBytes, new: SecretBytes) -> None:  # noqa: ARG002 (device's)
        """Raise CustodyError: the PIN is the device's, and changed by its own tools."""
        raise CustodyError("a device's PIN is changed by the device's own tools: seal kms, then unseal it")

    def seal(self) -> None:
        """Log out and forget the PIN."""
        with self._one:
            self._disconnect()
            self._pin = None

    @property
    def first_boot(self) -> bool:
        """True while the mark of the first boot stands."""
        return self._first_boot.marked

    def complete_first_boot(self) -> None:
        """Remove the mark durably."""
        if self.sealed:
            raise CustodySealedError("custody is sealed: unseal it first")
        self._first_boot.complete()

    def generations(self, kind: WrapKind) -> list[int]:
        """Return the generations of which the device holds a key."""
        return self._with_session(lambda session: self._generations(session, kind))

    def add_generation(self, kind: WrapKind) -> int:
        """Have the device generate the next key of a kind; return its generation."""

        def add(session: Session) -> int:
            generation = self._generations(session, kind)[-1] + 1
            self._generate(session, kind, generation)
            return generation

        return self._with_session(add)

    def destroy_before(self, kind: WrapKind, generation: int) -> None:
        """Have the device destroy the older keys of a kind (C_DestroyObject)."""

        def destroy(session: Session) -> None:
            existing = self._generations(session, kind)
            if not any(each >= generation for each in existing):
                raise CustodyError(
                    f"the last {kind.value} key is not destroyed: make the next generation first"
                )
            for each in existing:
                if each < generation:
                    for key in _secret_keys(session, self._label(kind, str(each))):
                        # Another process may have been faster.
                        with contextlib.suppress(exceptions.ObjectHandleInvalid):
                            key.destroy()
            if self._generations(session, kind)[0] < generation:
                raise CustodyError(f"the device still holds {kind.value} keys that it was to destroy")

        self._with_session(destroy)

    def wrap(self, kind: WrapKind, generation: int, material: SecretBytes, associated: bytes) -> bytes:
        """Encrypt in the device."""
        check_material(material)

        def encrypt(session: Session) -> bytes:
            keys = self._found(session, kind, generation)
            if not keys:
                raise no_such_generation(kind, generation)
            key, key_id = keys[0], bytes(keys[0].id)
            iv = self._randomness.token_bytes(IV_SIZE)
            parameters = self._parameters(kind, generation, key_id, iv, associated)
            sealed = key.encrypt(material.reveal(), mechanism=Mechanism.AES_GCM, mechanism_param=parameters)
            return Wrapped(kind, generation, key_id, iv, bytes(sealed)).encode()

        return self._with_session(encrypt)

    def unwrap(self, kind: WrapKind, generation: int, wrapped: bytes, associated: bytes) -> SecretBytes:
        """Decrypt in the device. Raises CustodyError."""
        parsed = Wrapped.parse(wrapped, kind, generation)

        def decrypt(session: Session) -> SecretBytes:
            keys = self._found(session, kind, generation)
            if not keys:
                raise no_such_generation(kind, generation)
            key = next((each for each in keys if bytes(each.id) == parsed.key_id), None)
            if key is None:
                raise does_not_open()
            parameters = self._parameters(kind, generation, parsed.key_id, parsed.iv, associated)
            opened = key.decrypt(parsed.sealed, mechanism=Mechanism.AES_GCM, mechanism_param=parameters)
            return SecretBytes(bytes(opened))

        try:
            return self._with_session(decrypt)
        except _DataRefusedError:
            raise does_not_open() from None

    def adopt(self, keys: CustodyKeys, pin: SecretBytes) -> None:
        """Import keys that were made elsewhere, not extractable from now on; those that are there are left.

        A copy of them exists outside the device: change the root key, and have the next deletion change the
        shred key, and nothing hangs on them any more. Raises CustodyError.
        """

        def create(session: Session) -> None:
            for key in keys.keys:
                label = self._label(key.kind, str(key.generation))
                if not any(bytes(each.id) == key.key_id for each in _secret_keys(session, label)):
                    session.create_object(
                        _TEMPLATE
                        | {
                            Attribute.CLASS: ObjectClass.SECRET_KEY,
                            Attribute.KEY_TYPE: KeyType.AES,
                            Attribute.TOKEN: True,
                            Attribute.LABEL: label,
                            Attribute.ID: key.key_id,
                            Attribute.VALUE: key.key.reveal(),
                        }
                    )

        with self._one:
            self._pin = pin if len(pin) else self._pin_of_file()
            try:
                self._with_session(create)
            finally:
                self.seal()

    def _parameters(
        self, kind: WrapKind, generation: int, key_id: bytes, iv: bytes, associated: bytes
    ) -> GCMParams:
        bound = authenticated(kind, generation, key_id, self._store_id, associated)
        return GCMParams(iv, bound, 8 * TAG_SIZE)

    def _generations(self, session: Session, kind: WrapKind) -> list[int]:
        start = self._label(kind, "")
        labels = (str(each.label) for each in _secret_keys(session))
        numbers = {label.removeprefix(start) for label in labels if label.startswith(start)}
        found = sorted(int(number) for number in numbers if number.isascii() and number.isdecimal())
        if not found:
            raise CustodyError(f"the device holds no {kind.value} key of this store")
        return found

    def _found(self, session: Session, kind: WrapKind, generation: int) -> list[Any]:
        """Return the keys of a generation: one, or more when processes added it at the same moment."""
        label = self._label(kind, str(generation))
        keys = _secret_keys(session, label)
        for key in keys:
            if key[Attribute.EXTRACTABLE] or not key[Attribute.SENSITIVE]:
                raise CustodyError(f"the device would give away its key {label}: it was not made by kms")
        return sorted(keys, key=lambda key: bytes(key.id))

    def _generate(self, session: Session, kind: WrapKind, generation: int) -> None:
        session.generate_key(
            KeyType.AES,
            _KEY_BITS,
            label=self._label(kind, str(generation)),
            id=self._randomness.token_bytes(KEY_ID_SIZE),
            store=True,
            template=_TEMPLATE,
        )

    def _make_first_keys(self) -> None:
        """On the marked first boot, make what a crash left unmade; else see that the keys are there."""

        def make(session: Session) -> None:
            for kind in WrapKind:
                if self.first_boot and not any(
                    str(each.label).startswith(self._label(kind, "")) for each in _secret_keys(session)
                ):
                    self._generate(session, kind, 1)
                self._generations(session, kind)

        self._with_session(make)

    def _label(self, kind: WrapKind, generation: str) -> str:
        return f"craton-kms/{self._store_id}/{kind.value}/{generation}"

    def _identified(self) -> str:
        with self._file.locked():
            if not self._file.exists():
                if not self._first_boot.marked:
                    raise missing()
                self._file.replace(header(_MAGIC, random_uuid(self._randomness)))
            store_id, rest = read_header(_MAGIC, self._file.read())
        if rest:
            raise CustodyError("the custody file is damaged: restore it from its backup")
        return store_id

    def _pin_of_file(self) -> SecretBytes:
        if self._device.pin_file is None:
            raise PassphraseError("the device's PIN is needed")
        return SecretBytes(PrivateFile(self._device.pin_file, "PIN file").read().rstrip(b"\r\n"))

    def _with_session(self, work: Callable[[Session], T]) -> T:
        """Run `work`; after an error of the device once more, in a new session.

        Processes of one machine take turns: a library that keeps its token in files, as SoftHSM does, loses
        sight of keys, and of the token, while another process writes there.
        """
        with self._one, self._file.locked():
            if self._pin is None:
                raise CustodySealedError("custody is sealed: unseal it first")
            try:
                return work(self._session or self._connect())
            except exceptions.PKCS11Error:
                self._disconnect()
            try:
                return work(self._connect())
            except _REFUSED_DATA:
                raise _DataRefusedError("the device refuses to work on what it was given") from None
            except exceptions.PKCS11Error as error:
                self._disconnect()
                raise CustodyUnavailableError(f"the device failed: {type(error).__name__}") from None

    def _connect(self) -> Session:
        assert self._pin is not None  # noqa: S101 (callers look)
        try:
            session = self._open_session(self._pin.reveal().decode())
        except (*_WRONG_PIN, UnicodeDecodeError):
            raise PassphraseError("the device refuses the PIN") from None
        except _CLOSED_PIN as error:
            raise CustodyError(
                f"the device refuses every PIN ({type(error).__name__}): its security officer must set one"
            ) from None
        except (exceptions.NoSuchToken, exceptions.MultipleTokensReturned):
            raise CustodyUnavailableError(
                f"there must be exactly one token labelled {self._device.token_label!r}"
            ) from None
        except exceptions.PKCS11Error as error:
            raise CustodyUnavailableError(f"the device cannot be used: {type(error).__name__}") from None
        self._session = session
        return session

    def _open_session(self, pin: str) -> Session:
        library = pkcs11.lib(str(self._device.module))
        token = library.get_token(token_label=self._device.token_label)
        try:
            return token.open(rw=True, user_pin=pin)
        except exceptions.UserAlreadyLoggedIn:
            # Left over from a session that broke: a PIN that is not verified here is not believed.
            library.reinitialize()
            token = library.get_token(token_label=self._device.token_label)
            return token.open(rw=True, user_pin=pin)

    def _disconnect(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(exceptions.PKCS11Error):
                session.close()


class _DataRefusedError(CustodyUnavailableError):
    """The device refused twice what it was given: for what was to be unwrapped, the tag is wrong."""


def adopt_into_device(
    custody_file: Path, device: Device, keys: CustodyKeys, pin: SecretBytes, randomness: Randomness
) -> None:
    """Bring the keys of a custody in a file into a device. May be repeated after a crash.

    Raises CustodyError when the custody file is another store's.
    """
    file = PrivateFile(custody_file, "custody file")
    with file.locked():
        if not file.exists():
            file.replace(header(_MAGIC, keys.store_id))
    custody = Pkcs11Custody(custody_file, device, randomness, wait=True)
    if custody.store_id != keys.store_id:
        raise CustodyError("the custody file exists, and is another store's: nothing is adopted")
    custody.adopt(keys, pin)


def _secret_keys(session: Session, label: str | None = None) -> list[Any]:
    template: dict[Attribute, Any] = {
        Attribute.CLASS: ObjectClass.SECRET_KEY,
        Attribute.KEY_TYPE: KeyType.AES,
    }
    if label is not None:
        template[Attribute.LABEL] = label
    return list(session.get_objects(template))
