"""CustodyService: protobuf to operations and back."""

from typing import Any

from craton.kms.v1 import custody_service_pb2, custody_service_pb2_grpc

from services.chassis.secret import SecretBytes
from services.kms.operations.custody import Seal
from services.kms.ports import KeyRevocations


class CustodyServicer(custody_service_pb2_grpc.CustodyServiceServicer):
    """For operators, by their certificate alone: see callers.toml."""

    def __init__(self, seal: Seal, revocations: KeyRevocations) -> None:
        """Serve the seal of the process; `revocations` ends what was opened before it was closed."""
        self._seal = seal
        self._revocations = revocations

    async def GetCustodyStatus(self, request: Any, context: Any) -> Any:
        """See the contract."""
        status = await self._seal.status()
        return custody_service_pb2.GetCustodyStatusResponse(
            sealed=status.sealed,
            kind=status.kind,
            store_id=status.store_id,
            root_generation=status.root_generation,
            shred_generation=status.shred_generation,
            epoch=status.epoch,
            anchored_epoch=status.anchored_epoch,
        )

    async def Unseal(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._seal.unseal(SecretBytes(request.passphrase))
        return custody_service_pb2.UnsealResponse()

    async def Seal(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._seal.seal()
        await self._revocations.revoke_all()
        return custody_service_pb2.SealResponse()

    async def RotateRootKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        generation = await self._seal.rotate_root()
        return custody_service_pb2.RotateRootKeyResponse(root_generation=generation)

    async def ChangePassphrase(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._seal.change_passphrase(
            SecretBytes(request.passphrase), SecretBytes(request.new_passphrase)
        )
        return custody_service_pb2.ChangePassphraseResponse()
