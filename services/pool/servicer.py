"""The pool's RPC: domain to protobuf."""

from typing import Any

from craton.pool.v1 import pool_service_pb2, pool_service_pb2_grpc

from services.pool.operations.keeper import Keeper


class PoolServicer(pool_service_pb2_grpc.PoolServiceServicer):
    """Says which model instances run."""

    def __init__(self, keeper: Keeper) -> None:
        """Answer for `keeper`."""
        self._keeper = keeper

    async def ListModelInstances(
        self, _request: Any, _context: Any
    ) -> pool_service_pb2.ListModelInstancesResponse:
        """List the instances whose process has announced itself."""
        return pool_service_pb2.ListModelInstancesResponse(
            generation=self._keeper.generation,
            instances=[
                pool_service_pb2.ModelInstance(
                    model_id=model.instance.model_id,
                    server_model_name=model.instance.server_model,
                    instance_id=model.instance.instance_id,
                    public_key=model.instance.public_key,
                    ready=model.ready,
                )
                for model in self._keeper.models
                if model.instance is not None
            ],
        )
