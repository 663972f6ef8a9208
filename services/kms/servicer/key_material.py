"""KeyMaterialService: renewing and importing material."""

from typing import Any

from craton.kms.v1 import key_material_service_pb2 as pb
from craton.kms.v1 import key_material_service_pb2_grpc

from services.chassis.context import current_call
from services.kms.operations.imports import Imports
from services.kms.operations.keys import parse_key_name
from services.kms.operations.rotation import Rotation
from services.kms.servicer.messages import key_message, moment_of, rotation_message, spec_of


class KeyMaterialServicer(key_material_service_pb2_grpc.KeyMaterialServiceServicer):
    """See the contract."""

    def __init__(self, rotation: Rotation, imports: Imports) -> None:
        """Serve both."""
        self._rotation = rotation
        self._imports = imports

    async def EnableKeyRotation(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._rotation.enable(current_call(), parse_key_name(request.name), request.period_days)
        return pb.EnableKeyRotationResponse()

    async def DisableKeyRotation(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._rotation.disable(current_call(), parse_key_name(request.name))
        return pb.DisableKeyRotationResponse()

    async def GetKeyRotationStatus(self, request: Any, context: Any) -> Any:
        """See the contract."""
        status = await self._rotation.status(current_call(), parse_key_name(request.name))
        message = pb.GetKeyRotationStatusResponse(enabled=status.days > 0, period_days=status.days)
        if status.next is not None:
            message.next_rotate_time.FromDatetime(status.next)
        return message

    async def RotateKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        key = await self._rotation.rotate(current_call(), parse_key_name(request.name))
        return pb.RotateKeyResponse(key=key_message(key))

    async def ListKeyRotations(self, request: Any, context: Any) -> Any:
        """See the contract."""
        page, key = await self._rotation.list(
            current_call(),
            parse_key_name(request.name),
            request.page_size,
            request.page_token,
            include_first=request.include_first,
        )
        return pb.ListKeyRotationsResponse(
            rotations=[rotation_message(version, key) for version in page.items],
            next_page_token=page.next_token,
        )

    async def GetParametersForImport(self, request: Any, context: Any) -> Any:
        """See the contract."""
        made = await self._imports.parameters(
            current_call(),
            parse_key_name(request.name),
            request.wrapping_algorithm,
            spec_of(request.wrapping_key_spec),
        )
        message = pb.GetParametersForImportResponse(import_token=made.token, public_key=made.public_key)
        message.expire_time.FromDatetime(made.expires)
        return message

    async def ImportKeyMaterial(self, request: Any, context: Any) -> Any:
        """See the contract."""
        identity = await self._imports.import_material(
            current_call(),
            parse_key_name(request.name),
            request.import_token,
            request.encrypted_material,
            moment_of(request, "expire_time"),
        )
        return pb.ImportKeyMaterialResponse(material_id=identity)

    async def DeleteImportedKeyMaterial(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._imports.delete(current_call(), parse_key_name(request.name))
        return pb.DeleteImportedKeyMaterialResponse()
