"""What edge records of requests, answers and errors, through an unmodified boto3 client."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from craton.common.v1.error_reason_pb2 import ErrorReason
from craton.kms.v1 import crypto_service_pb2, grant_service_pb2, key_admin_service_pb2

from services.chassis.errors import DomainError
from tests.fakes.edge_upstreams import ACCOUNT
from tests.integration.edge.kms_requests import ARN, ID, NAME, PARENT, a_key, call, refusal
from tests.integration.edge.test_unsigned import ROLE, ask, form

CANARY = "canary-5f1e"
MODEL = "craton.tiny-text-v1"


def recorded(stack: Any) -> tuple[Any, Any]:
    """Return what the last call's event says of request and answer."""
    last = stack.recorder.calls[-1]
    return tuple(
        json.loads(text) if text else None for text in (last.request_parameters, last.response_elements)
    )


def everything(stack: Any) -> str:
    """Return all that recorders could read of all calls."""
    return repr(
        [
            (each.request_parameters, each.response_elements, each.resources, each.error_message, each.issued)
            for each in stack.recorder.calls
        ]
    )


async def test_a_use_of_a_key(stack: Any) -> None:
    stack.kms.answers["Encrypt"] = crypto_service_pb2.EncryptResponse(
        ciphertext=CANARY.encode(), key_name=NAME, encryption_algorithm="SYMMETRIC_DEFAULT"
    )
    await call(
        stack,
        "encrypt",
        KeyId=ID,
        Plaintext=CANARY.encode(),
        EncryptionContext={"tenant": "blue"},
        GrantTokens=[CANARY],
    )
    # CloudTrail calls it read-only, and has no answer of what is.
    assert recorded(stack) == ({"keyId": ID, "encryptionContext": {"tenant": "blue"}}, None)
    stack.kms.answers["Decrypt"] = DomainError(ErrorReason.ERROR_REASON_INVALID_CIPHERTEXT, "not so")
    await refusal(stack, "decrypt", CiphertextBlob=CANARY.encode(), EncryptionContext={"tenant": "red"})
    assert recorded(stack) == ({"encryptionContext": {"tenant": "red"}}, None)
    last = stack.recorder.calls[-1]
    assert (last.error_code, last.resources) == ("InvalidCiphertextException", [])
    assert CANARY not in everything(stack)


async def test_what_changes_something_has_its_answer(stack: Any) -> None:
    stack.kms.answers["CreateKey"] = key_admin_service_pb2.CreateKeyResponse(key=a_key())
    await call(stack, "create_key", Description="mine", Tags=[{"TagKey": "team", "TagValue": "red"}])
    asked, answered = recorded(stack)
    assert asked == {"description": "mine", "tags": [{"tagKey": "team", "tagValue": "red"}]}
    assert (answered["keyMetadata"]["arn"], answered["keyMetadata"]["keyId"]) == (ARN, ID)
    assert answered["keyMetadata"]["creationDate"] == "2026-01-02T12:00:00Z"
    stack.kms.answers["GetKey"] = key_admin_service_pb2.GetKeyResponse(key=a_key())
    await call(stack, "describe_key", KeyId=ID)
    assert recorded(stack) == ({"keyId": ID}, None)


async def test_a_grant_without_its_token(stack: Any) -> None:
    stack.kms.answers["CreateGrant"] = grant_service_pb2.CreateGrantResponse(
        name=f"{NAME}/grants/{'0' * 64}", grant_token=CANARY
    )
    user = f"arn:aws:iam::{ACCOUNT}:user/alice"
    await call(stack, "create_grant", KeyId=ID, GranteePrincipal=user, Operations=["Encrypt"])
    asked, answered = recorded(stack)
    assert asked == {"keyId": ID, "granteePrincipal": user, "operations": ["Encrypt"]}
    assert answered == {"grantId": "0" * 64}
    assert PARENT not in everything(stack)
    assert CANARY not in everything(stack)


@pytest.mark.parametrize("operation", ["invoke_model", "invoke_model_with_response_stream"])
async def test_of_an_invocation_the_model(stack: Any, operation: str) -> None:
    client = stack.client("bedrock-runtime")
    answer = await stack.call(client, operation, modelId=MODEL, body=json.dumps({"inputText": CANARY}))
    await stack.call(answer["body"], "close")
    assert recorded(stack) == ({"modelId": MODEL}, None)
    assert CANARY not in everything(stack)


@pytest.mark.parametrize(
    ("reason", "code", "told"),
    [
        (ErrorReason.ERROR_REASON_ACCESS_DENIED, "AccessDeniedException", "what we say"),
        (ErrorReason.ERROR_REASON_THROTTLED, "ThrottlingException", "what we say"),
        # A model process wrote these, or could have.
        (ErrorReason.ERROR_REASON_INVALID_MODEL_BODY, "ValidationException", ""),
        (ErrorReason.ERROR_REASON_MODEL_ERROR, "ModelErrorException", ""),
        (ErrorReason.ERROR_REASON_MODEL_STREAM_ERROR, "ModelErrorException", ""),
    ],
)
async def test_errors_as_the_client_got_them(stack: Any, reason: int, code: str, told: str) -> None:
    stack.runtime.fail = DomainError(reason, "what we say")
    with pytest.raises(ClientError) as caught:
        await stack.call(stack.client("bedrock-runtime"), "invoke_model", modelId=MODEL, body=b"{}")
    assert caught.value.response["Error"]["Code"] == code
    last = stack.recorder.calls[-1]
    assert (last.error_code, last.error_message) == (code, told)


async def test_the_error_that_ends_a_stream(stack: Any) -> None:
    stack.runtime.fail = DomainError(ErrorReason.ERROR_REASON_THROTTLED, "slowly")

    async def one_part(_request: Any) -> AsyncIterator[list[bytes]]:
        yield [b"{}"]

    stack.runtime.script = one_part
    client = stack.client("bedrock-runtime")
    answer = await stack.call(client, "invoke_model_with_response_stream", modelId=MODEL, body=b"{}")
    with pytest.raises(ClientError) as caught:
        await stack.call(_Read(answer["body"]), "all")
    assert caught.value.response["Error"]["Code"] == "throttlingException"
    last = stack.recorder.calls[-1]
    assert (last.error_code, last.error_message) == ("ThrottlingException", "slowly")


class _Read:
    def __init__(self, body: Any) -> None:
        self._body = body

    def all(self) -> list[Any]:
        try:
            return list(self._body)
        finally:
            self._body.close()


async def test_what_is_refused_before_it_is_understood(stack: Any) -> None:
    code, message = await refusal(stack, "create_key", Description="x" * 8193)
    assert code == "ValidationException"
    last = stack.recorder.calls[-1]
    assert (last.error_code, last.error_message, recorded(stack)) == (code, message, (None, None))
    assert "xxx" not in message


async def test_a_session_without_its_secrets(stack: Any) -> None:
    assert await ask(stack, form()) == (200, "")
    asked, answered = recorded(stack)
    assert asked == {"roleArn": ROLE, "roleSessionName": "today"}
    assert set(answered["credentials"]) == {"accessKeyId", "expiration"}
    assert set(answered["assumedRoleUser"]) == {"arn", "assumedRoleId"}
    last = stack.recorder.calls[-1]
    assert last.issued.access_key_id == answered["credentials"]["accessKeyId"]
    assert last.issued.principal_arn == answered["assumedRoleUser"]["arn"]
