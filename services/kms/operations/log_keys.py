"""Keys of logs: each signs the checkpoints of one service's log, and can sign nothing else."""

from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.chassis.identity import WorkloadId
from services.kms.domain import signing
from services.kms.domain.material import load_public_key
from services.kms.domain.names import KeyClass, KeyName, KeyParent
from services.kms.domain.signing import MessageType
from services.kms.domain.specs import Algorithm, KeySpec, KeyUsage
from services.kms.errors import caller_refused, invalid_field, superseded_checkpoint
from services.kms.operations.material_store import MaterialStore
from services.kms.operations.workload_keys import WorkloadKeys
from tlog.checkpoint import Checkpoint
from tlog.errors import TlogError

_KEY_ID = "log"
"""A service has one log. A fixed id makes creation on first use idempotent, whoever comes first."""
_SPEC = KeySpec.ECC_NIST_EDWARDS25519


def log_key_name(caller: WorkloadId | None) -> KeyName:
    """Name the key of the calling service's log. Raises DomainError(ACCESS_DENIED) for other workloads."""
    if caller is None or caller.kind != "service":
        raise caller_refused("Logs are of services: this workload has none.")
    return KeyParent(KeyClass.SERVICE, caller.name).key(_KEY_ID)


class LogKeys:
    """Signs for the calling service. The caller never names a key, so it cannot name another's."""

    def __init__(self, keys: WorkloadKeys, material: MaterialStore) -> None:
        """Use these keys."""
        self._keys = keys
        self._material = material
        self._last: dict[KeyName, Checkpoint] = {}
        """What was signed last, since the start: kept in memory, because a record of it would be an event of
        the very log, and that another checkpoint."""

    async def sign(self, caller: WorkloadId | None, checkpoint: str) -> bytes:
        """Sign the text of a checkpoint (64 bytes).

        Raises DomainError: INVALID_FIELD for any other text, RESOURCE_STATE for a smaller tree than was
        signed before, or another one of its size.
        """
        try:
            asked = Checkpoint.parse(checkpoint)
        except TlogError as error:
            raise invalid_field("checkpoint", "origin, size and root are expected, a line each") from error
        name = await self._ensure(caller)
        last = self._last.get(name)
        if last is not None and (asked.size < last.size or (asked.size == last.size and asked != last)):
            raise superseded_checkpoint(last.size)
        self._last[name] = asked
        key, version = await self._keys.primary(name)
        private_key = await self._material.private_key(key, version)
        return signing.sign(
            _SPEC, private_key, Algorithm.ED25519_SHA_512, checkpoint.encode(), MessageType.RAW
        )

    async def public_key(self, caller: WorkloadId | None) -> bytes:
        """Return the public key of the caller's log (32 bytes)."""
        name = await self._ensure(caller)
        _, version = await self._keys.primary(name)
        return cast("Ed25519PublicKey", load_public_key(_SPEC, version.public_key)).public_bytes_raw()

    async def _ensure(self, caller: WorkloadId | None) -> KeyName:
        name = log_key_name(caller)
        description = f"Signs the checkpoints of the log of {name.parent.owner}"
        await self._keys.ensure(name, description, _SPEC, KeyUsage.SIGN_VERIFY)
        return name
