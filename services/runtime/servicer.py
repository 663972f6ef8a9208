"""Runtime's RPCs: protobuf to domain and back."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
from craton.auth.v1 import token_service_pb2, token_service_pb2_grpc
from craton.common.v1 import principal_pb2
from craton.runtime.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    inference_service_pb2,
    inference_service_pb2_grpc,
    receipt_service_pb2,
    receipt_service_pb2_grpc,
    resources_pb2,
)

from services.chassis.arn import foundation_model_arn
from services.chassis.context import current_call
from services.chassis.manifest import ModelManifest
from services.chassis.pages import Page
from services.chassis.peer import address_of, user_agent
from services.chassis.pipeline import require_principal
from services.chassis.rich_status import from_rpc_error
from services.chassis.tls import TLS_VERSION
from services.runtime.domain.catalogue import ModelFilter, model_id_of
from services.runtime.domain.receipts import SignedReceipt
from services.runtime.operations.invocation import Invocations
from services.runtime.operations.receipts import Receipts
from services.runtime.ports import CatalogueSource, ModelAccess

_JSON = "application/json"


class InferenceServicer(inference_service_pb2_grpc.InferenceServiceServicer):
    """InvokeModel, whole and streamed."""

    def __init__(self, invocations: Invocations) -> None:
        """Serve `invocations`."""
        self._invocations = invocations

    async def InvokeModel(self, request: Any, context: Any) -> inference_service_pb2.InvokeModelResponse:
        """Invoke a model and return the whole answer."""
        answer = await self._invocations.invoke(current_call(), request)
        return inference_service_pb2.InvokeModelResponse(
            body=answer.body,
            content_type=_JSON,
            usage=resources_pb2.Usage(input_tokens=answer.input_tokens, output_tokens=answer.output_tokens),
            latency_ms=answer.latency_ms,
            receipt=_receipt(answer.receipt),
        )

    async def InvokeModelWithResponseStream(
        self, request: Any, context: Any
    ) -> AsyncIterator[inference_service_pb2.InvokeModelWithResponseStreamResponse]:
        """Invoke a model and stream the answer."""
        async for chunks, piece, receipt in self._invocations.invoke_streaming(current_call(), request):
            usage = None
            if piece.finish is not None:
                usage = resources_pb2.Usage(
                    input_tokens=piece.input_tokens, output_tokens=piece.output_tokens
                )
            yield inference_service_pb2.InvokeModelWithResponseStreamResponse(
                chunks=chunks, usage=usage, receipt=_receipt(receipt)
            )


class ReceiptServicer(receipt_service_pb2_grpc.ReceiptServiceServicer):
    """Receipts of the last minutes, once more."""

    def __init__(self, receipts: Receipts) -> None:
        """Serve `receipts`."""
        self._receipts = receipts

    async def GetReceipt(self, request: Any, context: Any) -> receipt_service_pb2.GetReceiptResponse:
        """Return the receipt of one of the principal's own requests."""
        found = await self._receipts.find(current_call(), request.request_id)
        return receipt_service_pb2.GetReceiptResponse(receipt=_receipt(found))


class CatalogServicer(catalog_service_pb2_grpc.CatalogServiceServicer):
    """The catalogue of foundation models."""

    def __init__(self, catalogue: CatalogueSource, access: ModelAccess) -> None:
        """Serve `catalogue` to whom `access` permits."""
        self._catalogue = catalogue
        self._access = access

    async def ListFoundationModels(
        self, request: Any, context: Any
    ) -> catalog_service_pb2.ListFoundationModelsResponse:
        """List the models of the token's region."""
        call = current_call()
        region = require_principal(call).region
        await self._access.authorize(call, "bedrock:ListFoundationModels", "*")
        wanted = ModelFilter(
            provider=request.by_provider,
            customization_type=request.by_customization_type,
            output_modality=_modality_name(request.by_output_modality),
            inference_type=request.by_inference_type,
        )
        models = self._catalogue.current().list(region, wanted)
        page = Page.cut(
            models, lambda model: model.model_id, request.page_size or len(models), request.page_token
        )
        return catalog_service_pb2.ListFoundationModelsResponse(
            models=[_model(each, region) for each in page.items], next_page_token=page.next_token
        )

    async def GetFoundationModel(
        self, request: Any, context: Any
    ) -> catalog_service_pb2.GetFoundationModelResponse:
        """Return one model."""
        call = current_call()
        region = require_principal(call).region
        arn = foundation_model_arn(region, model_id_of(request.model_id, region))
        await self._access.authorize(call, "bedrock:GetFoundationModel", arn)
        model = self._catalogue.current().find(request.model_id, region)
        return catalog_service_pb2.GetFoundationModelResponse(model=_model(model, region))


class PublicTokenServicer(token_service_pb2_grpc.TokenServiceServicer):
    """Passes GetToken of native clients on to auth, so that the public listener is one port."""

    def __init__(self, auth_channel: Any) -> None:
        """Forward over `auth_channel`."""
        self._stub = token_service_pb2_grpc.TokenServiceStub(auth_channel)

    async def GetToken(self, request: Any, context: Any) -> token_service_pb2.GetTokenResponse:
        """Exchange a SigV4 signature for a principal token.

        Who the client is comes from its connection: its address decides what its policies allow, so that
        neither its message nor a header may name another.
        """
        request.audit_context.CopyFrom(
            principal_pb2.AuditContext(
                source_ip=address_of(current_call().peer),
                user_agent=user_agent(context),
                tls_version=TLS_VERSION,
            )
        )
        try:
            response: token_service_pb2.GetTokenResponse = await self._stub.GetToken(request)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "auth") from error
        return response


def _receipt(signed: SignedReceipt | None) -> resources_pb2.Receipt | None:
    if signed is None:
        return None
    return resources_pb2.Receipt(receipt=signed.receipt, certificate=signed.certificate)


def _model(model: ModelManifest, region: str) -> resources_pb2.FoundationModel:
    return resources_pb2.FoundationModel(
        name=f"regions/{region}/foundationModels/{model.model_id}",
        model_id=model.model_id,
        model_name=model.model_name,
        provider_name=model.provider_name,
        input_modalities=_modalities(model.input_modalities),
        output_modalities=_modalities(model.output_modalities),
        response_streaming_supported=model.response_streaming,
        customizations_supported=model.customizations,
        inference_types_supported=model.inference_types,
        lifecycle_status=model.lifecycle,
    )


def _modalities(names: Iterable[str]) -> list[str]:
    return [f"MODALITY_{name}" for name in names]


def _modality_name(value: int) -> str:
    return "" if value == 0 else resources_pb2.Modality.Name(value).removeprefix("MODALITY_")
