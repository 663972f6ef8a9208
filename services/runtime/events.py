"""How runtime's methods appear in the audit log."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.chassis.arn import foundation_model_arn
from services.chassis.audit.parameters import model_parameters
from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.context import CallContext
from services.runtime.domain.catalogue import model_id_of

_BEDROCK = "bedrock.amazonaws.com"


def _model(request: Any, call: CallContext) -> Sequence[str]:
    if call.principal is None:
        return ()
    region = call.principal.region
    return (foundation_model_arn(region, model_id_of(request.model_id, region)),)


def _named(request: Any, _call: CallContext) -> str:
    return model_parameters(request.model_id)


EVENTS: Mapping[str, AuditedMethod] = {
    "/craton.runtime.v1.InferenceService/InvokeModel": AuditedMethod(
        _BEDROCK, "InvokeModel", Recording.GATED, _model, _named
    ),
    "/craton.runtime.v1.InferenceService/InvokeModelWithResponseStream": AuditedMethod(
        _BEDROCK, "InvokeModelWithResponseStream", Recording.GATED, _model, _named
    ),
    "/craton.runtime.v1.CatalogService/ListFoundationModels": AuditedMethod(
        _BEDROCK, "ListFoundationModels", Recording.READ
    ),
    "/craton.runtime.v1.CatalogService/GetFoundationModel": AuditedMethod(
        _BEDROCK, "GetFoundationModel", Recording.READ, _model
    ),
    # AWS has no such operation. Whose receipt it is says which model's: recorded with the outcome.
    "/craton.runtime.v1.ReceiptService/GetReceipt": AuditedMethod(
        "runtime.craton", "GetReceipt", Recording.READ
    ),
    # Strangers on the public listener ask for tokens: counted, not listed.
    "/craton.auth.v1.TokenService/GetToken": AuditedMethod("auth.craton", "GetToken", Recording.SUMMARY),
}
