"""Keys of logs: each signs the checkpoints of one service's log, and can sign nothing else."""

from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.chassis.identity import WorkloadId
from services.kms.domain.material import load_public_key
from services.kms.domain.names import KeyName
from services.kms.domain.specs import Algorithm, KeySpec
from services.kms.errors import invalid_field, superseded_checkpoint
from services.kms.operations.material_store import MaterialStore
from services.kms.operations.own_keys import OwnKey, OwnSigner
from services.kms.operations.workload_keys import WorkloadKeys
from tlog.checkpoint import Checkpoint
from tlog.errors import TlogError

LOG_KEY = OwnKey("log", "Logs are of services: this workload has none.")
"""A service has one log."""
_SPEC = KeySpec.ECC_NIST_EDWARDS25519


class LogKeys:
    """Signs for the calling service."""

    def __init__(self, keys: WorkloadKeys, material: MaterialStore) -> None:
        """Use these keys."""
        self._signer = OwnSigner(
            keys, material, _SPEC, Algorithm.ED25519_SHA_512, "Signs the checkpoints of the log of"
        )
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
        name = LOG_KEY.name(caller)
        last = self._last.get(name)
        if last is not None and (asked.size < last.size or (asked.size == last.size and asked != last)):
            raise superseded_checkpoint(last.size)
        self._last[name] = asked
        return await self._signer.sign(name, checkpoint.encode())

    async def public_key(self, caller: WorkloadId | None) -> bytes:
        """Return the public key of the caller's log (32 bytes)."""
        version = await self._signer.version(LOG_KEY.name(caller))
        return cast("Ed25519PublicKey", load_public_key(_SPEC, version.public_key)).public_bytes_raw()
