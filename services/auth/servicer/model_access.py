"""Model access."""

from typing import Any

from craton.auth.v1 import model_access_service_pb2, model_access_service_pb2_grpc, resources_pb2

from services.auth.operations.model_access import ModelAccess
from services.chassis.context import current_call
from services.chassis.secret import SecretBytes


class ModelAccessServicer(model_access_service_pb2_grpc.ModelAccessServiceServicer):
    """ModelAccessService."""

    def __init__(self, access: ModelAccess) -> None:
        """Serve `access`."""
        self._access = access

    async def ListFoundationModelAgreementOffers(self, request: Any, context: Any) -> Any:
        """See the contract."""
        manifest, token = await self._access.offer(current_call(), request.model_id)
        return model_access_service_pb2.ListFoundationModelAgreementOffersResponse(
            model_id=manifest.model_id,
            offers=[
                resources_pb2.Offer(
                    offer_id=manifest.offer.offer_id,
                    offer_token=token,
                    eula_url=manifest.offer.eula_url,
                    eula_sha256=manifest.offer.eula_sha256,
                    eula_text=manifest.offer.eula_text,
                )
            ],
        )

    async def CreateFoundationModelAgreement(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._access.accept(current_call(), request.model_id, request.offer_token)
        return model_access_service_pb2.CreateFoundationModelAgreementResponse(model_id=request.model_id)

    async def DeleteFoundationModelAgreement(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._access.end(current_call(), request.model_id)
        return model_access_service_pb2.DeleteFoundationModelAgreementResponse()

    async def GetFoundationModelAvailability(self, request: Any, context: Any) -> Any:
        """See the contract."""
        found = await self._access.availability(current_call(), request.model_id)
        return model_access_service_pb2.GetFoundationModelAvailabilityResponse(
            model_id=request.model_id,
            agreement_accepted=found.agreement_accepted,
            authorized=found.authorized,
            entitled=found.entitled,
            region_available=found.region_available,
        )

    async def GetUseCaseForModelAccess(self, request: Any, context: Any) -> Any:
        """See the contract."""
        form = await self._access.use_case(current_call())
        return model_access_service_pb2.GetUseCaseForModelAccessResponse(form_data=form.reveal())

    async def PutUseCaseForModelAccess(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._access.put_use_case(current_call(), SecretBytes(request.form_data))
        return model_access_service_pb2.PutUseCaseForModelAccessResponse()
