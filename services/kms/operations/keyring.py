"""Keys in use: the one place where material is unwrapped, and only for the length of one operation."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.chassis.clock import Clock
from services.chassis.pages import decode_page_token, encode_page_token
from services.chassis.randomness import Randomness, random_uuid
from services.chassis.secret import SecretBytes
from services.kms.domain.ciphertext import Ciphertext
from services.kms.domain.envelope import decrypt, encrypt
from services.kms.domain.keys import (
    MATERIAL_SIZE,
    Key,
    KeyName,
    KeyParent,
    KeyState,
    KeyVersion,
    wrapping_context,
)
from services.kms.errors import invalid_ciphertext, invalid_field, key_disabled, key_not_found
from services.kms.ports import KeyStore, RootCustody

DATA_KEY_SIZE = 32
_DEFAULT_PAGE = 100


@dataclass(frozen=True, slots=True)
class KeyPage:
    """One page of keys, in the order of their ids."""

    keys: tuple[Key, ...]
    next_page_token: str
    """Empty on the last page."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key in both of its forms."""

    plaintext: SecretBytes
    ciphertext: bytes


class Keyring:
    """Creates and uses keys for whoever has been admitted. Who may is decided by its callers.

    The state of a key is read from the store for every operation, and its material is unwrapped for that
    one: a disabled key is refused by the next operation, and no key material waits in memory.
    """

    def __init__(self, store: KeyStore, custody: RootCustody, clock: Clock, randomness: Randomness) -> None:
        """Serve the keys of `store`, which hang on the root key in `custody`."""
        self._store = store
        self._custody = custody
        self._clock = clock
        self._randomness = randomness

    async def create(
        self, parent: KeyParent, incarnation: str, description: str, request_id: str = "", key_id: str = ""
    ) -> Key:
        """Create a key, or return the one that the same request id or key id has created before."""
        now = self._clock.now()
        name = parent.key(key_id or random_uuid(self._randomness))
        key = Key(name, incarnation, KeyState.ENABLED, description, now, primary_version=1)
        material = SecretBytes(self._randomness.token_bytes(MATERIAL_SIZE))
        wrapped = self._custody.wrap(material, wrapping_context(key, 1))
        stored, _version = await self._store.create(key, KeyVersion(1, wrapped, now), request_id)
        if request_id and stored.description != description:
            raise invalid_field("request_id", "it was used before with other parameters")
        return stored

    async def get(self, name: KeyName) -> Key:
        """Return a key's record. Raises DomainError(RESOURCE_NOT_FOUND)."""
        key = await self._store.get(name)
        if key is None:
            raise key_not_found(str(name))
        return key

    async def list(self, parent: KeyParent, incarnation: str, page_size: int, page_token: str) -> KeyPage:
        """Return one page. Raises DomainError(INVALID_FIELD) for a token that is not ours."""
        size = page_size or _DEFAULT_PAGE
        keys = await self._store.list(parent, incarnation, decode_page_token(page_token), size + 1)
        more = len(keys) > size
        return KeyPage(tuple(keys[:size]), encode_page_token(keys[size - 1].name.key_id) if more else "")

    async def set_state(self, name: KeyName, state: KeyState) -> Key:
        """Enable or disable a key. Raises DomainError(RESOURCE_NOT_FOUND)."""
        key = await self._store.set_state(name, state)
        if key is None:
            raise key_not_found(str(name))
        return key

    async def encrypt(
        self, name: KeyName, incarnation: str, plaintext: SecretBytes, context: Mapping[str, str]
    ) -> bytes:
        """Encrypt under the key's primary version. Raises RESOURCE_NOT_FOUND and KEY_DISABLED."""
        found = await self._store.find(name, None)
        if found is None or found[0].incarnation != incarnation:
            raise key_not_found(str(name))
        key, version = found
        material = self._material(key, version)
        return encrypt(material, str(name), version.number, plaintext, context, self._randomness)

    async def generate_data_key(self, name: KeyName, incarnation: str, context: Mapping[str, str]) -> DataKey:
        """Make a random data key and encrypt it under the key. Raises as `encrypt`."""
        plaintext = SecretBytes(self._randomness.token_bytes(DATA_KEY_SIZE))
        return DataKey(plaintext, await self.encrypt(name, incarnation, plaintext, context))

    async def decrypt(
        self, ciphertext: Ciphertext, name: KeyName, incarnation: str, context: Mapping[str, str]
    ) -> SecretBytes:
        """Open a ciphertext of the key `name`. Raises INVALID_CIPHERTEXT and KEY_DISABLED."""
        found = await self._store.find(name, ciphertext.header.key_version)
        if found is None or found[0].incarnation != incarnation:
            raise invalid_ciphertext()
        return decrypt(self._material(*found), ciphertext, context)

    def _material(self, key: Key, version: KeyVersion) -> SecretBytes:
        if key.state is not KeyState.ENABLED:
            raise key_disabled(str(key.name))
        return self._custody.unwrap(version.wrapped, wrapping_context(key, version.number))


def named_key(ciphertext: Ciphertext) -> KeyName:
    """Return the key that a ciphertext names. Raises DomainError(INVALID_CIPHERTEXT)."""
    try:
        return KeyName.parse(ciphertext.header.key_name)
    except ValueError:
        raise invalid_ciphertext() from None
