"""Model keys: a provider seals its weights, the pool of the same provider opens them."""

from dataclasses import dataclass

from services.chassis.identity import WorkloadId
from services.chassis.manifest import weights_context
from services.chassis.secret import SecretBytes
from services.kms.domain.ciphertext import Ciphertext
from services.kms.domain.names import KeyClass, KeyName, KeyParent
from services.kms.errors import caller_refused, invalid_ciphertext
from services.kms.operations.encryption import named_key
from services.kms.operations.workload_keys import WorkloadDataKey, WorkloadKeys


@dataclass(frozen=True, slots=True)
class ModelContext:
    """The weights that a data key opens."""

    provider: str
    artifact: str
    artifact_sha256: str

    def encryption_context(self) -> dict[str, str]:
        """The pairs that the encrypted data key is bound to."""
        return weights_context(self.provider, self.artifact, self.artifact_sha256)


class ModelKeys:
    """Hands out data keys of weights to the two workloads of their provider, each in its own direction."""

    def __init__(self, keys: WorkloadKeys) -> None:
        """Use these keys."""
        self._keys = keys

    async def generate(
        self, caller: WorkloadId | None, name: KeyName, context: ModelContext
    ) -> WorkloadDataKey:
        """Make a data key for the weights of the calling provider under one of its keys."""
        parent = _own_parent(caller, "provider", context)
        if name.parent != parent:
            raise caller_refused("A provider seals under its own keys only.")
        return await self._keys.generate_data_key(name, context.encryption_context())

    async def open(
        self, caller: WorkloadId | None, blob: bytes, context: ModelContext
    ) -> tuple[KeyName, SecretBytes]:
        """Open the data key of weights for the calling pool, and say under which key it was.

        Raises KEY_DISABLED, INVALID_CIPHERTEXT.
        """
        parent = _own_parent(caller, "pool", context)
        ciphertext = Ciphertext.parse(blob)
        name = named_key(ciphertext)
        if name.parent != parent:
            raise invalid_ciphertext()
        return name, await self._keys.decrypt(ciphertext, name, context.encryption_context())


def _own_parent(caller: WorkloadId | None, kind: str, context: ModelContext) -> KeyParent:
    if caller is None or caller.kind != kind:
        raise caller_refused(f"Only a {kind} may do this.")
    if context.provider != caller.name:
        raise caller_refused(f"A {kind} handles the weights of its own provider only.")
    return KeyParent(KeyClass.PROVIDER, caller.name)
