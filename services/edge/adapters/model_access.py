"""The model-access operations of bedrock, answered by auth."""

from collections.abc import Awaitable, Mapping
from typing import Any

from craton.auth.v1 import model_access_service_pb2 as pb
from craton.auth.v1 import model_access_service_pb2_grpc as rpc

from services.chassis.channels import Channel
from services.chassis.errors import DomainError
from services.edge.adapters.upstream import ask, camel_case, in_members
from services.edge.ports import Caller


class ModelAccess:
    """Agreements, availability, and the use-case form."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which leads to auth."""
        self._stub = rpc.ModelAccessServiceStub(channel)

    async def list_offers(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """List what the model's provider asks an account to accept."""
        request = pb.ListFoundationModelAgreementOffersRequest(model_id=values["modelId"])
        response = await _ask(
            self._stub.ListFoundationModelAgreementOffers(request, metadata=caller.metadata)
        )
        return {
            "modelId": response.model_id,
            "offers": [
                {
                    "offerId": offer.offer_id,
                    "offerToken": offer.offer_token,
                    # Nothing is sold here, so that the terms are the licence alone.
                    "termDetails": {
                        "usageBasedPricingTerm": {"rateCard": []},
                        "legalTerm": {"url": offer.eula_url},
                        "supportTerm": {},
                    },
                }
                for offer in response.offers
            ],
        }

    async def create_agreement(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Accept an offer."""
        request = pb.CreateFoundationModelAgreementRequest(
            model_id=values["modelId"], offer_token=values["offerToken"]
        )
        response = await _ask(self._stub.CreateFoundationModelAgreement(request, metadata=caller.metadata))
        return {"modelId": response.model_id}

    async def delete_agreement(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """End the account's agreement."""
        request = pb.DeleteFoundationModelAgreementRequest(model_id=values["modelId"])
        await _ask(self._stub.DeleteFoundationModelAgreement(request, metadata=caller.metadata))
        return {}

    async def get_availability(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Say whether the account may use the model, and if not, why."""
        request = pb.GetFoundationModelAvailabilityRequest(model_id=values["modelId"])
        response = await _ask(self._stub.GetFoundationModelAvailability(request, metadata=caller.metadata))
        return {
            "modelId": response.model_id,
            "agreementAvailability": {"status": _available(response.agreement_accepted)},
            "authorizationStatus": "AUTHORIZED" if response.authorized else "NOT_AUTHORIZED",
            "entitlementAvailability": _available(response.entitled),
            "regionAvailability": _available(response.region_available),
        }

    async def get_use_case(self, _values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Return the account's use-case form."""
        request = pb.GetUseCaseForModelAccessRequest()
        response = await _ask(self._stub.GetUseCaseForModelAccess(request, metadata=caller.metadata))
        return {"formData": response.form_data}

    async def put_use_case(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Store the account's use-case form."""
        request = pb.PutUseCaseForModelAccessRequest(form_data=values["formData"])
        await _ask(self._stub.PutUseCaseForModelAccess(request, metadata=caller.metadata))
        return {}


async def _ask(call: Awaitable[Any]) -> Any:
    try:
        return await ask(call)
    except DomainError as error:
        raise in_members(error, _member_of) from error


def _member_of(field: str) -> str:
    name = camel_case(field)
    return name[:1].lower() + name[1:]


def _available(yes: bool) -> str:
    return "AVAILABLE" if yes else "NOT_AVAILABLE"
