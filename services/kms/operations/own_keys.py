"""Keys that a service has by its certificate: it never names one, so it cannot name another's."""

import asyncio
from dataclasses import dataclass

from services.chassis.identity import WorkloadId
from services.kms.domain import signing
from services.kms.domain.keys import KeyVersion
from services.kms.domain.names import KeyClass, KeyName, KeyParent
from services.kms.domain.signing import MessageType
from services.kms.domain.specs import Algorithm, KeySpec, KeyUsage
from services.kms.errors import caller_refused
from services.kms.operations.material_store import MaterialStore
from services.kms.operations.workload_keys import WorkloadKeys


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A key that every service has one of. A fixed id makes creation on first use idempotent."""

    key_id: str
    refusal: str
    """What other workloads are told."""

    def name(self, caller: WorkloadId | None) -> KeyName:
        """Name the calling service's. Raises DomainError(ACCESS_DENIED) for other workloads."""
        if caller is None or caller.kind != "service":
            raise caller_refused(self.refusal)
        return KeyParent(KeyClass.SERVICE, caller.name).key(self.key_id)


class OwnSigner:
    """Signs with the own keys of services, by one algorithm. What may be signed is decided by its callers."""

    def __init__(
        self,
        keys: WorkloadKeys,
        material: MaterialStore,
        spec: KeySpec,
        algorithm: Algorithm,
        description: str,
    ) -> None:
        """Use these keys, made with this description and the name of their service."""
        self._keys = keys
        self._material = material
        self._spec = spec
        self._algorithm = algorithm
        self._description = description

    async def sign(self, name: KeyName, message: bytes) -> bytes:
        """Sign a message. Raises as WorkloadKeys.primary."""
        await self._ensure(name)
        key, version = await self._keys.primary(name)
        private_key = await self._material.private_key(key, version)
        asked_for = self._spec, private_key, self._algorithm, message, MessageType.RAW
        if self._spec.rsa_bits:
            # RSA takes milliseconds: not on the event loop.
            return await asyncio.to_thread(signing.sign, *asked_for)
        return signing.sign(*asked_for)

    async def version(self, name: KeyName) -> KeyVersion:
        """Return what signs: its public half, and since when. Raises as `sign`."""
        await self._ensure(name)
        _, version = await self._keys.primary(name)
        return version

    async def _ensure(self, name: KeyName) -> None:
        description = f"{self._description} {name.parent.owner}"
        await self._keys.ensure(name, description, self._spec, KeyUsage.SIGN_VERIFY)
