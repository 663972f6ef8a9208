"""The error table: complete over all reasons, and equal to AWS's service models."""

import json

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import STATUS_OF_REASON
from services.edge.domain.faults import EXCEPTIONS_OF, STATUS_OF, fault_of, unknown_operation
from services.edge.domain.model import SERVICES, ServiceModel
from services.edge.domain.rest_json import encode_fault

MODELS = {name: ServiceModel.load(name) for name in SERVICES}
REASONS = [value.number for value in ErrorReason.DESCRIPTOR.values]


def test_every_reason_has_an_exception_and_a_status() -> None:
    assert set(EXCEPTIONS_OF) == set(REASONS) == set(STATUS_OF_REASON)
    assert {code for codes in EXCEPTIONS_OF.values() for code in codes} <= set(STATUS_OF)


def test_statuses_are_those_of_the_service_models() -> None:
    checked = 0
    for code, status in STATUS_OF.items():
        for model in MODELS.values():
            declared = model.error_status(code)
            if declared is not None:
                assert declared == status, code
                checked += 1
    assert checked > 15


def test_every_exception_of_the_models_is_known() -> None:
    for model in MODELS.values():
        for operation in model.operations.values():
            assert operation.errors <= set(STATUS_OF), operation.name


@pytest.mark.parametrize("reason", REASONS)
def test_every_operation_gets_an_exception_it_may_answer(reason: int) -> None:
    front = {
        "InvalidSignatureException",
        "IncompleteSignatureException",
        "UnrecognizedClientException",
        "MissingAuthenticationTokenException",
        "ExpiredTokenException",
        "AccessDeniedException",
        "ServiceUnavailableException",
        "ThrottlingException",
        "ValidationException",
        "InternalServerException",
    }
    for model in MODELS.values():
        for operation in model.operations.values():
            fault = fault_of(reason, "text", operation)
            assert fault.code in operation.errors | front
            assert fault.status == STATUS_OF[fault.code]
            assert fault.reason == ErrorReason.Name(reason).removeprefix("ERROR_REASON_")


def test_unknown_models() -> None:
    missing = ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND
    invoke = fault_of(missing, "x", MODELS["bedrock-runtime"].operations["InvokeModel"])
    assert (invoke.code, invoke.status) == ("ValidationException", 400)
    assert invoke.message == "The provided model identifier is invalid."
    get = fault_of(missing, "x", MODELS["bedrock"].operations["GetFoundationModel"])
    assert (get.code, get.status) == ("ResourceNotFoundException", 404)


def test_an_unknown_operation_is_told_so() -> None:
    response = encode_fault(unknown_operation())
    assert response.status == 404
    assert dict(response.headers)[b"x-amzn-errortype"] == b"UnknownOperationException"
    assert json.loads(response.body) == {
        "message": "The requested operation is not known, or is not supported by this endpoint."
    }


def test_a_reason_of_the_future_is_an_internal_error() -> None:
    fault = fault_of(9999, "secret detail")
    assert (fault.code, fault.status) == ("InternalServerException", 500)
    assert "secret detail" not in fault.message
