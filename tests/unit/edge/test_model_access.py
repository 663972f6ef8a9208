"""What auth refuses of model access reaches a client in AWS's words."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.channels import Channel
from services.chassis.errors import DomainError
from services.edge.adapters.model_access import ModelAccess
from services.edge.domain.faults import Fault
from services.edge.ports import Caller

_CALLER = cast("Caller", SimpleNamespace(metadata=()))
_VALUES = {"modelId": "craton.tiny-text-v1", "offerToken": "x"}


def _refusing(error: DomainError) -> ModelAccess:
    async def refuse(_request: Any, metadata: Any) -> None:
        raise error

    return ModelAccess(cast("Channel", SimpleNamespace(unary_unary=lambda *_, **__: refuse)))


@pytest.mark.parametrize(("field", "member"), [("offer_token", "offerToken"), ("model_id", "modelId")])
async def test_a_field_is_called_by_its_member(field: str, member: str) -> None:
    refused = DomainError(
        ErrorReason.ERROR_REASON_INVALID_FIELD, f"{field}: is not what was offered", field=field
    )
    with pytest.raises(Fault) as caught:
        await _refusing(refused).create_agreement(_VALUES, _CALLER)
    assert (caught.value.code, caught.value.message) == (
        "ValidationException",
        f"{member}: is not what was offered",
    )


async def test_another_refusal_stays_what_it_is() -> None:
    refused = DomainError(ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, "offer_token: nowhere")
    with pytest.raises(DomainError) as caught:
        await _refusing(refused).create_agreement(_VALUES, _CALLER)
    assert caught.value is refused
