"""Keys that encrypt: plaintexts, data keys and key pairs, for whoever is admitted.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/symmetric-encryption.html
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import EllipsisType

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.domain import asymmetric_encryption, envelope
from services.kms.domain.ciphertext import Ciphertext
from services.kms.domain.keys import Key, KeyVersion
from services.kms.domain.material import generate, load_public_key
from services.kms.domain.names import KeyClass, KeyName
from services.kms.domain.request_facts import RequestFacts
from services.kms.domain.specs import Algorithm, KeySpec, KeyUsage
from services.kms.domain.usage import permitted_algorithm, require_algorithm, require_usage
from services.kms.errors import (
    foreign_ciphertext,
    incorrect_key,
    invalid_ciphertext,
    invalid_field,
    key_not_found,
)
from services.kms.operations.access import Access
from services.kms.operations.key_records import KeyRecords
from services.kms.operations.keys import Keys, end_dry_run, require_enabled
from services.kms.operations.managed_keys import ManagedKeys
from services.kms.operations.material_store import MaterialStore

DATA_KEY_SIZE = 32
_SYMMETRIC = Algorithm.SYMMETRIC_DEFAULT.value
_OPENING = ("Decrypt", "ReEncryptFrom")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request to encrypt or decrypt says besides its bytes."""

    key: str
    """Resource name of a key or an alias; may be empty where a ciphertext names its key."""
    context: Mapping[str, str]
    algorithm: str = ""
    """By AWS's name; empty for SYMMETRIC_DEFAULT."""
    grant_tokens: Sequence[str] = ()
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Used:
    """Which key and material were used, and how."""

    key: Key
    algorithm: str
    material_id: str


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key in both of its forms."""

    plaintext: SecretBytes
    ciphertext: bytes
    used: Used


@dataclass(frozen=True, slots=True)
class DataKeyPair:
    """A key pair, its private key in both forms."""

    private_key: SecretBytes
    """PKCS#8 in DER."""
    ciphertext: bytes
    public_key: bytes
    """SubjectPublicKeyInfo in DER."""
    used: Used


@dataclass(frozen=True, slots=True)
class _Opening:
    """What opens a ciphertext, for a caller that may."""

    key: Key
    version: KeyVersion
    algorithm: str
    sealed: Ciphertext | bytes
    """Parsed, of a symmetric key; as it came, of an asymmetric one."""
    context: Mapping[str, str] = field(default_factory=dict)


class Encryption:
    """Encrypts and decrypts. A key's state is read for every operation, and its material unwrapped for it.

    A dry run does all that can fail, and gives nothing of it away.
    """

    def __init__(
        self,
        records: KeyRecords,
        material: MaterialStore,
        access: Access,
        managed: ManagedKeys,
        randomness: Randomness,
    ) -> None:
        """Use the keys of `records` as `access` permits."""
        self._keys = Keys(records, access)
        self._material = material
        self._access = access
        self._managed = managed
        self._randomness = randomness

    async def encrypt(self, call: CallContext, asked: Asked, plaintext: SecretBytes) -> tuple[bytes, Used]:
        """Encrypt (kms:Encrypt)."""
        key = await self._admit(call, asked, "Encrypt")
        encrypted = await self._encrypt(key, asked, plaintext)
        end_dry_run(asked)
        return encrypted

    async def decrypt(self, call: CallContext, blob: bytes, asked: Asked) -> tuple[SecretBytes, Used]:
        """Decrypt (kms:Decrypt).

        Raises DomainError(INVALID_CIPHERTEXT), INCORRECT_KEY when the ciphertext names another key than the
        request; keys that the caller cannot know of look like unknown ones.
        """
        opening = await self._opening(call, blob, asked, "Decrypt")
        decrypted = await self._decrypt(opening)
        end_dry_run(asked)
        return decrypted

    async def re_encrypt(
        self, call: CallContext, blob: bytes, source: Asked, destination: Asked
    ) -> tuple[bytes, Used, Used]:
        """Decrypt and encrypt again (kms:ReEncryptFrom on one key, kms:ReEncryptTo on the other)."""
        # What is meant is only compared: nobody is told whether it is there before being admitted to it.
        meant = await self._keys.meant(destination.key)
        opening = await self._opening(call, blob, source, "ReEncryptFrom", meant)
        new_key = await self._admit(call, destination, "ReEncryptTo", same_key=meant == opening.key.name)
        plaintext, used = await self._decrypt(opening)
        ciphertext, used_again = await self._encrypt(new_key, destination, plaintext)
        end_dry_run(destination)
        return ciphertext, used, used_again

    async def generate_data_key(
        self, call: CallContext, asked: Asked, size: int, *, with_plaintext: bool = True
    ) -> DataKey:
        """Make a data key (kms:GenerateDataKey, or kms:GenerateDataKeyWithoutPlaintext)."""
        operation = "GenerateDataKey" if with_plaintext else "GenerateDataKeyWithoutPlaintext"
        key = await self._admit_symmetric(call, asked, operation)
        plaintext = SecretBytes(self._randomness.token_bytes(size or DATA_KEY_SIZE))
        ciphertext, used = await self._encrypt(key, asked, plaintext)
        end_dry_run(asked)
        return DataKey(plaintext, ciphertext, used)

    async def generate_data_key_pair(
        self, call: CallContext, asked: Asked, spec: KeySpec, *, with_plaintext: bool = True
    ) -> DataKeyPair:
        """Make a key pair (kms:GenerateDataKeyPair, or kms:GenerateDataKeyPairWithoutPlaintext)."""
        if not spec.data_key_pair:
            raise invalid_field("pair_spec", f"{spec.value} is no key pair")
        operation = "GenerateDataKeyPair" if with_plaintext else "GenerateDataKeyPairWithoutPlaintext"
        key = await self._admit_symmetric(call, asked, operation, pair_spec=spec)
        pair = await asyncio.to_thread(generate, spec, self._randomness)
        ciphertext, used = await self._encrypt(key, asked, pair.secret)
        end_dry_run(asked)
        return DataKeyPair(pair.secret, ciphertext, pair.public_key, used)

    async def random(self, call: CallContext, size: int) -> SecretBytes:
        """Return random bytes (kms:GenerateRandom)."""
        await self._access.admit_to_nothing(call, "kms:GenerateRandom")
        return SecretBytes(self._randomness.token_bytes(size))

    async def _admit_symmetric(
        self, call: CallContext, asked: Asked, operation: str, pair_spec: KeySpec | None = None
    ) -> Key:
        key = await self._admit(call, asked, operation, pair_spec=pair_spec)
        require_algorithm(key.spec, key.usage, Algorithm.SYMMETRIC_DEFAULT)
        return key

    async def _admit(
        self,
        call: CallContext,
        asked: Asked,
        operation: str,
        *,
        same_key: bool | None = None,
        pair_spec: KeySpec | None = None,
    ) -> Key:
        if len({name.lower() for name in asked.context}) != len(asked.context):
            # Condition keys have no case: what two such names mean would hang on the policy of the day.
            raise invalid_field("encryption_context", "two of its names differ in upper and lower case alone")
        facts = RequestFacts(
            encryption_context=asked.context,
            encryption_algorithm=asked.algorithm or _SYMMETRIC,
            same_key=same_key,
            pair_spec="" if pair_spec is None else pair_spec.value,
        )
        if operation not in _OPENING:
            # What is opened was sealed before: a key that is made now is of nothing.
            await self._managed.prepare(call, asked.key)
        key = await self._keys.admit(call, asked.key, f"kms:{operation}", facts, asked.grant_tokens)
        _require_customers(key)
        require_enabled(key)
        require_usage(key.name, key.usage, KeyUsage.ENCRYPT_DECRYPT, operation)
        permitted_algorithm(key.spec, key.usage, facts.encryption_algorithm, "encryption_algorithm")
        if facts.encryption_algorithm != _SYMMETRIC and asked.context:
            raise invalid_field("encryption_context", "asymmetric algorithms take none")
        return key

    async def _opening(
        self,
        call: CallContext,
        blob: bytes,
        asked: Asked,
        operation: str,
        destination: KeyName | EllipsisType | None = ...,
    ) -> "_Opening":
        """Return the key and version that open a ciphertext, for a caller that may open it."""
        if asked.algorithm and asked.algorithm != _SYMMETRIC:
            if not asked.key:
                raise invalid_field("key_name", "ciphertexts of asymmetric algorithms do not name their key")
            same_key = await self._stays(destination, asked.key)
            key = await self._admit(call, asked, operation, same_key=same_key)
            return _Opening(key, await self._keys.primary(key), asked.algorithm, blob)
        ciphertext = Ciphertext.parse(blob)
        name = named_key(ciphertext)
        if asked.key:
            # By the name that was asked for: policies can hang on an alias, and nobody learns what one means.
            same_key = await self._stays(destination, asked.key)
            try:
                key = await self._admit(call, asked, operation, same_key=same_key)
                if key.name != name:
                    raise incorrect_key()
            except DomainError:
                if asked.key != str(name):
                    _forget(call, name)
                raise
        else:
            same_key = await self._stays(destination, str(name))
            key = await self._admit_named(call, asked, name, operation, same_key)
        version = await self._keys.version(key, ciphertext.header.key_version)
        if version is None:
            raise invalid_ciphertext()
        return _Opening(key, version, _SYMMETRIC, ciphertext, asked.context)

    async def _admit_named(
        self, call: CallContext, asked: Asked, name: KeyName, operation: str, same_key: bool | None
    ) -> Key:
        """Admit to a key that the ciphertext alone names."""
        named = Asked(str(name), asked.context, asked.algorithm, asked.grant_tokens, asked.dry_run)
        try:
            return await self._admit(call, named, operation, same_key=same_key)
        except DomainError as error:
            unknown = error.reason == ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND
            denied = error.reason == ErrorReason.ERROR_REASON_ACCESS_DENIED
            if unknown or (denied and not _own(call, name)):
                _forget(call, name)
            if unknown:
                raise foreign_ciphertext() from None
            raise

    async def _stays(self, destination: KeyName | EllipsisType | None, source: str) -> bool | None:
        """Say whether a ciphertext stays under its key; None where none is made anew."""
        return (
            None if isinstance(destination, EllipsisType) else destination == await self._keys.meant(source)
        )

    async def _encrypt(self, key: Key, asked: Asked, plaintext: SecretBytes) -> tuple[bytes, Used]:
        version = await self._keys.primary(key)
        used = Used(key, asked.algorithm or _SYMMETRIC, version.material_id)
        if key.spec.asymmetric:
            public_key = load_public_key(key.spec, version.public_key)
            algorithm = Algorithm(used.algorithm)
            return asymmetric_encryption.encrypt(key.spec, public_key, algorithm, plaintext), used
        return await encrypted(self._material, key, version, plaintext, asked.context, self._randomness), used

    async def _decrypt(self, opening: "_Opening") -> tuple[SecretBytes, Used]:
        key, sealed = opening.key, opening.sealed
        used = Used(key, opening.algorithm, opening.version.material_id)
        if isinstance(sealed, Ciphertext):
            material = await self._material.unwrap(key, opening.version)
            return envelope.decrypt(material, sealed, opening.context), used
        private_key = await self._material.private_key(key, opening.version)
        # RSA takes milliseconds: not on the event loop.
        decrypt, algorithm = asymmetric_encryption.decrypt, Algorithm(opening.algorithm)
        return await asyncio.to_thread(decrypt, key.spec, private_key, algorithm, sealed), used


async def encrypted(
    material: MaterialStore,
    key: Key,
    version: KeyVersion,
    plaintext: SecretBytes,
    context: Mapping[str, str],
    randomness: Randomness,
) -> bytes:
    """Encrypt under a version of a symmetric key."""
    secret = await material.unwrap(key, version)
    return envelope.encrypt(secret, str(key.name), version.number, plaintext, context, randomness)


def named_key(ciphertext: Ciphertext) -> KeyName:
    """Return the key that a ciphertext names. Raises DomainError(INVALID_CIPHERTEXT)."""
    try:
        return KeyName.parse(ciphertext.header.key_name)
    except ValueError:
        raise invalid_ciphertext() from None


def _own(call: CallContext, name: KeyName) -> bool:
    return call.principal is not None and call.principal.account_id == name.parent.owner


def _forget(call: CallContext, name: KeyName) -> None:
    """Leave out of the outcome's event which key a ciphertext claims: nobody who may know said so."""
    if name.displayed in call.resources:
        call.resources.remove(name.displayed)


def _require_customers(key: Key) -> None:
    if key.name.parent.key_class is not KeyClass.CUSTOMER:
        # Keys of providers and services are used by calls of their own.
        raise key_not_found(key.name.displayed)
