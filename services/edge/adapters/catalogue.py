"""The catalogue operations of bedrock, answered by runtime."""

from collections.abc import Mapping
from typing import Any

import grpc
from craton.runtime.v1 import catalog_service_pb2 as pb
from craton.runtime.v1 import catalog_service_pb2_grpc as rpc
from craton.runtime.v1 import resources_pb2 as resources

from services.chassis.arn import arn_of
from services.chassis.channels import Channel
from services.chassis.rich_status import from_rpc_error
from services.edge.ports import Caller

_MODALITY = "MODALITY_"


class Catalogue:
    """ListFoundationModels and GetFoundationModel."""

    def __init__(self, channel: Channel, partition: str) -> None:
        """Use `channel`, which leads to runtime; ARNs are of `partition`."""
        self._stub = rpc.CatalogServiceStub(channel)
        self._partition = partition

    async def list_foundation_models(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List the models that match the filters."""
        modality = values.get("byOutputModality")
        request = pb.ListFoundationModelsRequest(
            by_provider=values.get("byProvider", ""),
            by_customization_type=values.get("byCustomizationType", ""),
            by_output_modality=_MODALITY + modality if modality else None,
            by_inference_type=values.get("byInferenceType", ""),
        )
        try:
            response = await self._stub.ListFoundationModels(request, metadata=caller.metadata)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "runtime") from error
        return {"modelSummaries": [self._model(model) for model in response.models]}

    async def get_foundation_model(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Describe one model."""
        request = pb.GetFoundationModelRequest(model_id=values["modelIdentifier"])
        try:
            response = await self._stub.GetFoundationModel(request, metadata=caller.metadata)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "runtime") from error
        return {"modelDetails": self._model(response.model)}

    def _model(self, model: resources.FoundationModel) -> Mapping[str, Any]:
        return {
            "modelArn": arn_of(model.name, self._partition),
            "modelId": model.model_id,
            "modelName": model.model_name,
            "providerName": model.provider_name,
            "inputModalities": [_modality(each) for each in model.input_modalities],
            "outputModalities": [_modality(each) for each in model.output_modalities],
            "responseStreamingSupported": model.response_streaming_supported,
            "customizationsSupported": list(model.customizations_supported),
            "inferenceTypesSupported": list(model.inference_types_supported),
            "modelLifecycle": {"status": model.lifecycle_status},
        }


def _modality(value: resources.Modality) -> str:
    return resources.Modality.Name(value).removeprefix(_MODALITY)
