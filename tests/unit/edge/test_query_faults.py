"""The query protocol's error table: complete over all reasons, and equal to AWS's service models."""

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.edge.domain import query_faults
from services.edge.domain.model import QUERY_SERVICES, ServiceModel
from services.edge.domain.query_faults import (
    QUERY_CODES_OF,
    QUERY_COMMON,
    QUERY_STATUS_OF,
    query_fault_of,
)

MODELS = {name: ServiceModel.load(name) for name in QUERY_SERVICES}
REASONS = [value.number for value in ErrorReason.DESCRIPTOR.values]
IAM = MODELS["iam"].operations
R = ErrorReason


def test_every_reason_has_a_code_and_every_code_a_status() -> None:
    assert set(QUERY_CODES_OF) == set(REASONS)
    assert {code for codes in QUERY_CODES_OF.values() for code in codes} | QUERY_COMMON <= set(
        QUERY_STATUS_OF
    )


def test_statuses_are_those_of_the_service_models() -> None:
    checked = set()
    for model in MODELS.values():
        for name, shape in model.shapes.items():
            status = model.error_status(name)
            if shape.get("exception") and model.error_code(name) in QUERY_STATUS_OF and status:
                assert QUERY_STATUS_OF[model.error_code(name)] == status, name
                checked.add(model.error_code(name))
    assert {"NoSuchEntity", "EntityAlreadyExists", "DeleteConflict", "LimitExceeded"} < checked


@pytest.mark.parametrize("reason", REASONS)
def test_every_operation_gets_an_error_it_may_answer(reason: int) -> None:
    for model in MODELS.values():
        for operation in model.operations.values():
            fault = query_fault_of(reason, "text", operation)
            assert fault.code in operation.errors | QUERY_COMMON
            assert fault.status == QUERY_STATUS_OF[fault.code]
            assert fault.reason == R.Name(reason).removeprefix("ERROR_REASON_")


@pytest.mark.parametrize(
    ("reason", "operation", "code", "status"),
    [
        (R.ERROR_REASON_RESOURCE_NOT_FOUND, "GetUser", "NoSuchEntity", 404),
        (R.ERROR_REASON_RESOURCE_EXISTS, "CreateUser", "EntityAlreadyExists", 409),
        (R.ERROR_REASON_RESOURCE_STATE, "DeleteUser", "DeleteConflict", 409),
        (R.ERROR_REASON_RESOURCE_STATE, "CreateAccessKey", "NoSuchEntity", 404),
        (R.ERROR_REASON_QUOTA_EXCEEDED, "CreateAccessKey", "LimitExceeded", 409),
        (R.ERROR_REASON_QUOTA_EXCEEDED, "ListUsers", "Throttling", 400),
        (R.ERROR_REASON_UNSUPPORTED_POLICY, "PutUserPolicy", "MalformedPolicyDocument", 400),
        (R.ERROR_REASON_INVALID_FIELD, "CreateUser", "InvalidInput", 400),
        (R.ERROR_REASON_INVALID_FIELD, "GetUser", "ValidationError", 400),
        (R.ERROR_REASON_ACCESS_DENIED, "GetUser", "AccessDenied", 403),
        (R.ERROR_REASON_INTERNAL, "GetUser", "ServiceFailure", 500),
        (R.ERROR_REASON_AUDIT_UNAVAILABLE, "GetUser", "ServiceUnavailable", 503),
    ],
)
def test_awss_codes(reason: int, operation: str, code: str, status: int) -> None:
    fault = query_fault_of(reason, "text", IAM[operation])
    assert (fault.code, fault.status) == (code, status)


def test_before_an_operation_is_known() -> None:
    fault = query_fault_of(R.ERROR_REASON_SIGNATURE_MISMATCH, "text")
    assert (fault.code, fault.status, fault.message) == ("SignatureDoesNotMatch", 403, "text")
    fault = query_fault_of(R.ERROR_REASON_INTERNAL, "secret detail")
    assert (fault.code, fault.status) == ("InternalFailure", 500)
    assert "secret detail" not in fault.message


def test_a_reason_of_the_future_is_an_internal_error() -> None:
    fault = query_fault_of(9999, "secret detail", IAM["GetUser"])
    assert (fault.code, fault.status) == ("ServiceFailure", 500)
    assert "secret detail" not in fault.message


def test_faults_of_the_codec() -> None:
    fault = query_faults.unsupported_action(MODELS["sts"].operations["AssumeRole"])
    assert (fault.code, fault.status) == ("InvalidAction", 400)
    assert fault.message == "This installation does not support AssumeRole."
    assert query_faults.request_too_large().status == 413
    assert query_faults.missing_action().status == 400
