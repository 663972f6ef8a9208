"""Service keys: each of Craton's services uses its own key, against its certificate alone."""

from collections.abc import Mapping

from services.chassis.identity import WorkloadId
from services.chassis.secret import SecretBytes
from services.kms.domain.ciphertext import Ciphertext
from services.kms.domain.names import KeyName
from services.kms.errors import invalid_ciphertext
from services.kms.operations.encryption import named_key
from services.kms.operations.own_keys import OwnKey
from services.kms.operations.workload_keys import WorkloadDataKey, WorkloadKeys

SERVICE_KEY = OwnKey("default", "Service keys are for services: this workload has none.")
"""A service has one to encrypt with."""


class ServiceKeys:
    """Encrypts for the calling service. The caller never names a key, so it cannot name another's."""

    def __init__(self, keys: WorkloadKeys) -> None:
        """Use these keys."""
        self._keys = keys
        self._known: set[KeyName] = set()

    async def encrypt(
        self, caller: WorkloadId | None, plaintext: SecretBytes, context: Mapping[str, str]
    ) -> bytes:
        """Encrypt under the caller's key."""
        name = await self._ensure(caller)
        return await self._keys.encrypt(name, plaintext, context)

    async def generate_data_key(
        self, caller: WorkloadId | None, context: Mapping[str, str]
    ) -> WorkloadDataKey:
        """Make a data key under the caller's key."""
        name = await self._ensure(caller)
        return await self._keys.generate_data_key(name, context)

    async def decrypt(
        self, caller: WorkloadId | None, blob: bytes, context: Mapping[str, str]
    ) -> SecretBytes:
        """Open what was encrypted under the caller's key. Raises DomainError(INVALID_CIPHERTEXT)."""
        name = SERVICE_KEY.name(caller)
        ciphertext = Ciphertext.parse(blob)
        if named_key(ciphertext) != name:
            raise invalid_ciphertext()
        return await self._keys.decrypt(ciphertext, name, context)

    async def _ensure(self, caller: WorkloadId | None) -> KeyName:
        name = SERVICE_KEY.name(caller)
        if name not in self._known:
            # Creating is idempotent; remembering only saves a write for every later call.
            await self._keys.ensure(name, f"Service key of {name.parent.owner}")
            self._known.add(name)
        return name
