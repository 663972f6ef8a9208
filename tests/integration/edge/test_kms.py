"""What KMS refuses an unmodified boto3 client."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from tests.integration.edge.kms_requests import ACCOUNT, ARN, ID, refusal


async def test_names_that_are_refused_here(stack: Any) -> None:
    code, message = await refusal(stack, "describe_key", KeyId="fake-key-id")
    assert (code, message) == ("NotFoundException", "Invalid keyId 'fake-key-id'")
    foreign = ARN.replace("us-east-1", "eu-west-1")
    assert await refusal(stack, "encrypt", KeyId=foreign, Plaintext=b"x") == (
        "NotFoundException",
        "Invalid arn eu-west-1",
    )
    assert (await refusal(stack, "describe_key", KeyId="arn:aws:kms:x"))[0] == "InvalidArnException"
    assert (await refusal(stack, "encrypt", KeyId="arn:aws:kms:x", Plaintext=b"x"))[0] == "NotFoundException"
    alias = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/a"
    assert (await refusal(stack, "enable_key", KeyId=alias))[0] == "InvalidArnException"
    assert stack.kms.requests == []
    # Refused after the intent was durable, and recorded so.
    assert stack.recorder.events[-2:] == [
        ("intent", "EnableKey", "", ""),
        ("outcome", "EnableKey", "INVALID_ARGUMENT", "INVALID_FIELD"),
    ]


@pytest.mark.parametrize(
    ("reason", "code", "status"),
    [
        (ErrorReason.ERROR_REASON_KEY_DISABLED, "DisabledException", 400),
        (ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT, "InvalidCiphertextException", 400),
        (ErrorReason.ERROR_REASON_DRY_RUN, "DryRunOperationException", 400),
        (ErrorReason.ERROR_REASON_SEALED, "KeyUnavailableException", 500),
        (ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "DependencyTimeoutException", 500),
        (ErrorReason.ERROR_REASON_ACCESS_DENIED, "AccessDeniedException", 400),
    ],
)
async def test_refusals_of_kms(stack: Any, reason: int, code: str, status: int) -> None:
    stack.kms.answers["Decrypt"] = DomainError(reason, "the text of kms")
    client = stack.client("kms")
    with pytest.raises(ClientError) as caught:
        await stack.call(client, "decrypt", CiphertextBlob=b"c")
    response = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["content-type"], headers["x-amzn-errortype"]) == ("application/x-amz-json-1.1", code)
    assert response["ResponseMetadata"]["RequestId"] == stack.recorder.calls[-1].request_id


@pytest.mark.parametrize("operation", ["replicate_key", "encapsulate", "get_key_last_usage"])
async def test_operations_that_are_not_served(stack: Any, operation: str) -> None:
    arguments: dict[str, Any] = {
        "replicate_key": {"ReplicaRegion": "eu-west-1"},
        "encapsulate": {"EncapsulationAlgorithm": "ML_KEM"},
        "get_key_last_usage": {},
    }[operation]
    code, message = await refusal(stack, operation, KeyId=ID, **arguments)
    assert code == "UnsupportedOperationException"
    assert message.startswith("This installation does not support ")


async def test_strangers(stack: Any) -> None:
    client = stack.client("kms", aws_access_key_id="AKIASTRANGERSTRANGER")
    with pytest.raises(ClientError) as caught:
        await stack.call(client, "list_keys")
    assert caught.value.response["Error"]["Code"] == "UnrecognizedClientException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert stack.kms.requests == []
