"""The error tables of AWS JSON 1.1: complete over all reasons, and equal to AWS's service models."""

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.edge.domain import json_faults, kms_faults
from services.edge.domain.json_faults import JSON_COMMON, JSON_STATUS_OF
from services.edge.domain.json_services import JSON_FAULTS
from services.edge.domain.model import JSON_SERVICES, ServiceModel
from services.edge.events import SERVED

MODELS = {name: ServiceModel.load(name) for name in JSON_SERVICES}
KMS = MODELS["kms"]
json_fault_of = JSON_FAULTS["kms"].fault_of
REASONS = [value.number for value in ErrorReason.DESCRIPTOR.values]
R = ErrorReason
OTHER_STORES = ("CloudHsm", "CustomKeyStore", "Xks")
"""How exceptions of key stores that this installation does not have begin."""


def _sent(service: str) -> set[str]:
    faults = JSON_FAULTS[service]
    return {code for codes in faults.codes_of.values() for code in codes} | {faults.internal}


def test_the_services_are_those_that_are_served() -> None:
    assert set(JSON_FAULTS) == set(JSON_SERVICES)


@pytest.mark.parametrize("service", JSON_SERVICES)
def test_every_reason_has_an_exception_and_every_exception_a_status(service: str) -> None:
    assert set(JSON_FAULTS[service].codes_of) == set(REASONS)
    assert _sent(service) | set(JSON_FAULTS[service].members.values()) | JSON_COMMON <= set(JSON_STATUS_OF)


def test_statuses_are_those_of_the_service_models() -> None:
    checked = set()
    for code, status in JSON_STATUS_OF.items():
        for model in MODELS.values():
            declared = model.error_status(code)
            if declared is not None:
                assert declared == status, code
                checked.add(code)
    assert len(checked) > 25


def test_every_exception_of_served_operations_is_known_and_sent() -> None:
    sent = _sent("kms")
    made_here = {"InvalidArnException", "InvalidMarkerException"}
    for service, name in SERVED:
        if service == "kms":
            declared = {each for each in KMS.operations[name].errors if not each.startswith(OTHER_STORES)}
            assert declared <= sent | made_here, name


@pytest.mark.parametrize("service", JSON_SERVICES)
@pytest.mark.parametrize("reason", REASONS)
def test_every_operation_gets_an_exception_it_may_answer(reason: int, service: str) -> None:
    faults = JSON_FAULTS[service]
    for operation in MODELS[service].operations.values():
        fault = faults.fault_of(reason, "text", operation)
        assert fault.code in operation.errors | JSON_COMMON | {faults.internal}
        assert fault.status == JSON_STATUS_OF[fault.code]
        assert fault.reason == R.Name(reason).removeprefix("ERROR_REASON_")


@pytest.mark.parametrize(
    ("reason", "operation", "code", "status"),
    [
        (R.ERROR_REASON_RESOURCE_NOT_FOUND, "DescribeKey", "NotFoundException", 400),
        (R.ERROR_REASON_RESOURCE_EXISTS, "CreateAlias", "AlreadyExistsException", 400),
        (R.ERROR_REASON_RESOURCE_STATE, "Encrypt", "KMSInvalidStateException", 400),
        (R.ERROR_REASON_KEY_DISABLED, "Encrypt", "DisabledException", 400),
        (R.ERROR_REASON_KEY_DISABLED, "ImportKeyMaterial", "KMSInvalidStateException", 400),
        (R.ERROR_REASON_INVALID_KEY_USAGE, "Sign", "InvalidKeyUsageException", 400),
        (R.ERROR_REASON_INVALID_KEY_USAGE, "EnableKeyRotation", "UnsupportedOperationException", 400),
        (R.ERROR_REASON_INVALID_CIPHERTEXT, "Decrypt", "InvalidCiphertextException", 400),
        (R.ERROR_REASON_INVALID_CIPHERTEXT, "ImportKeyMaterial", "InvalidCiphertextException", 400),
        (R.ERROR_REASON_INCORRECT_KEY, "Decrypt", "IncorrectKeyException", 400),
        (R.ERROR_REASON_INVALID_SIGNATURE, "Verify", "KMSInvalidSignatureException", 400),
        (R.ERROR_REASON_INVALID_MAC, "VerifyMac", "KMSInvalidMacException", 400),
        (R.ERROR_REASON_INVALID_GRANT_TOKEN, "Decrypt", "InvalidGrantTokenException", 400),
        (R.ERROR_REASON_INVALID_GRANT_ID, "RevokeGrant", "InvalidGrantIdException", 400),
        (R.ERROR_REASON_INVALID_ALIAS_NAME, "CreateAlias", "InvalidAliasNameException", 400),
        (R.ERROR_REASON_INVALID_ALIAS_NAME, "DeleteAlias", "ValidationException", 400),
        (R.ERROR_REASON_INVALID_TAG, "TagResource", "TagException", 400),
        (R.ERROR_REASON_UNSUPPORTED_POLICY, "PutKeyPolicy", "MalformedPolicyDocumentException", 400),
        (R.ERROR_REASON_INVALID_IMPORT_TOKEN, "ImportKeyMaterial", "InvalidImportTokenException", 400),
        (R.ERROR_REASON_EXPIRED_IMPORT_TOKEN, "ImportKeyMaterial", "ExpiredImportTokenException", 400),
        (R.ERROR_REASON_INCORRECT_KEY_MATERIAL, "ImportKeyMaterial", "IncorrectKeyMaterialException", 400),
        (R.ERROR_REASON_CONFLICT, "RotateKeyOnDemand", "ConflictException", 400),
        (R.ERROR_REASON_DRY_RUN, "Encrypt", "DryRunOperationException", 400),
        (R.ERROR_REASON_QUOTA_EXCEEDED, "CreateGrant", "LimitExceededException", 400),
        (R.ERROR_REASON_UNSUPPORTED_OPERATION, "Encapsulate", "UnsupportedOperationException", 400),
        (R.ERROR_REASON_SEALED, "Encrypt", "KeyUnavailableException", 500),
        (R.ERROR_REASON_SEALED, "CreateKey", "DependencyTimeoutException", 500),
        (R.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "Decrypt", "DependencyTimeoutException", 500),
        (R.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "TagResource", "KMSInternalException", 500),
        (R.ERROR_REASON_ACCESS_DENIED, "Decrypt", "AccessDeniedException", 400),
        (R.ERROR_REASON_THROTTLED, "Decrypt", "ThrottlingException", 400),
        (R.ERROR_REASON_INTERNAL, "Decrypt", "KMSInternalException", 500),
        (R.ERROR_REASON_INVALID_FIELD, "Decrypt", "ValidationException", 400),
    ],
)
def test_awss_exceptions(reason: int, operation: str, code: str, status: int) -> None:
    fault = json_fault_of(reason, "text", KMS.operations[operation])
    assert (fault.code, fault.status) == (code, status)


def test_before_an_operation_is_known() -> None:
    fault = json_fault_of(R.ERROR_REASON_SIGNATURE_MISMATCH, "text")
    assert (fault.code, fault.status, fault.message) == ("InvalidSignatureException", 400, "text")
    fault = json_fault_of(9999, "secret detail")
    assert (fault.code, fault.status) == ("KMSInternalException", 500)
    assert "secret detail" not in fault.message


def test_faults_of_the_edge_itself() -> None:
    decrypt, describe = KMS.operations["Decrypt"], KMS.operations["DescribeKey"]
    assert kms_faults.invalid_arn("Invalid arn", describe).code == "InvalidArnException"
    assert kms_faults.invalid_arn("Invalid arn", decrypt).code == "NotFoundException"
    fault = json_faults.unsupported_operation(KMS.operations["ReplicateKey"])
    assert (fault.code, fault.status) == ("UnsupportedOperationException", 400)
    assert fault.message == "This installation does not support ReplicateKey."
    assert json_faults.request_entity_too_large().status == 413
    assert json_faults.unknown_target().code == "UnknownOperationException"
    assert kms_faults.invalid_marker().code == "InvalidMarkerException"
