"""TrailKeyService: data keys of trails' log files, by the certificate of the service that delivers them."""

from typing import Any

from craton.kms.v1 import trail_key_service_pb2 as pb
from craton.kms.v1 import trail_key_service_pb2_grpc

from services.chassis.context import current_call
from services.kms.operations.trail_keys import TrailFile, TrailKeys


class TrailKeyServicer(trail_key_service_pb2_grpc.TrailKeyServiceServicer):
    """See the contract."""

    def __init__(self, keys: TrailKeys) -> None:
        """Serve `keys`."""
        self._keys = keys

    async def ResolveTrailKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        name = await self._keys.resolve(current_call(), _file(request), request.key_name)
        return pb.ResolveTrailKeyResponse(key_name=str(name))

    async def GenerateTrailDataKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        made = await self._keys.generate(current_call(), _file(request), request.key_name)
        return pb.GenerateTrailDataKeyResponse(
            plaintext=made.forms.plaintext.reveal(),
            ciphertext=made.forms.ciphertext,
            key_name=str(made.key_name),
            encryption_context=made.context,
        )


def _file(request: Any) -> TrailFile:
    return TrailFile(request.trail, request.place)
