"""Keys that workloads use by their certificates: those of services, and of the weights of providers."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.chassis.clock import Clock
from services.chassis.randomness import Randomness
from services.chassis.secret import SecretBytes
from services.kms.domain import envelope
from services.kms.domain.ciphertext import Ciphertext
from services.kms.domain.keys import Key, KeyState, KeyVersion
from services.kms.domain.names import KeyName
from services.kms.domain.specs import KeySpec, KeyUsage
from services.kms.errors import invalid_ciphertext, key_not_found, key_state
from services.kms.operations.encryption import DATA_KEY_SIZE, encrypted
from services.kms.operations.key_making import make_key
from services.kms.operations.key_records import KeyRecords
from services.kms.operations.keys import require_enabled
from services.kms.operations.material_store import MaterialStore


@dataclass(frozen=True, slots=True)
class WorkloadDataKey:
    """A data key in both of its forms."""

    plaintext: SecretBytes
    ciphertext: bytes


class WorkloadKeys:
    """Uses symmetric keys for whoever has been admitted. Who may is decided by its callers."""

    def __init__(
        self, records: KeyRecords, material: MaterialStore, clock: Clock, randomness: Randomness
    ) -> None:
        """Use the keys of `records`."""
        self._records = records
        self._material = material
        self._clock = clock
        self._randomness = randomness

    async def ensure(
        self,
        name: KeyName,
        description: str,
        spec: KeySpec = KeySpec.SYMMETRIC_DEFAULT,
        usage: KeyUsage = KeyUsage.ENCRYPT_DECRYPT,
    ) -> None:
        """Create a key unless there is one of this name."""
        if await self._records.key(name) is None:
            now = self._clock.now()
            key = Key(name, "", KeyState.ENABLED, description, now, primary_version=1, spec=spec, usage=usage)
            await make_key(self._records, self._material, key, self._randomness)

    async def primary(self, name: KeyName) -> tuple[Key, KeyVersion]:
        """Return a key and its present version. Raises RESOURCE_NOT_FOUND and KEY_DISABLED."""
        key = await self._records.key(name)
        if key is None:
            raise key_not_found(str(name))
        require_enabled(key)
        version = await self._records.version(name, key.primary_version)
        if version is None:
            raise key_state(str(name), "without material")
        return key, version

    async def encrypt(self, name: KeyName, plaintext: SecretBytes, context: Mapping[str, str]) -> bytes:
        """Encrypt under a key's present material. Raises as `primary`."""
        key, version = await self.primary(name)
        return await encrypted(self._material, key, version, plaintext, context, self._randomness)

    async def generate_data_key(self, name: KeyName, context: Mapping[str, str]) -> WorkloadDataKey:
        """Make a random data key and encrypt it under the key. Raises as `encrypt`."""
        plaintext = SecretBytes(self._randomness.token_bytes(DATA_KEY_SIZE))
        return WorkloadDataKey(plaintext, await self.encrypt(name, plaintext, context))

    async def decrypt(self, ciphertext: Ciphertext, name: KeyName, context: Mapping[str, str]) -> SecretBytes:
        """Open a ciphertext of the key `name`. Raises INVALID_CIPHERTEXT and KEY_DISABLED."""
        key = await self._records.key(name)
        if key is None:
            raise invalid_ciphertext()
        require_enabled(key)
        version = await self._records.version(name, ciphertext.header.key_version)
        if version is None:
            raise invalid_ciphertext()
        return envelope.decrypt(await self._material.unwrap(key, version), ciphertext, context)
