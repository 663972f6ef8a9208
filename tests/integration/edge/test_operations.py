"""Every served operation through an unmodified boto3 client."""

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError

MODEL = "craton.tiny-text-v1"
ARN = f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"


async def test_invoke_model(stack: Any) -> None:
    client = stack.client("bedrock-runtime")
    body = json.dumps({"inputText": "Grüße"}).encode()
    answer = await stack.call(client, "invoke_model", modelId=MODEL, body=body)
    assert answer["body"].read() == body
    assert answer["contentType"] == "application/json"
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-input-token-count"] == "3"
    assert headers["x-amzn-bedrock-output-token-count"] == "5"
    assert headers["x-amzn-bedrock-invocation-latency"] == "7"
    assert answer["ResponseMetadata"]["RequestId"] == stack.recorder.calls[0].request_id
    assert stack.recorder.events == [("intent", "InvokeModel", "", ""), ("outcome", "InvokeModel", "OK", "")]
    call = stack.recorder.calls[-1]
    assert call.resources == [ARN]
    assert (call.input_tokens, call.output_tokens) == (3, 5)
    assert call.principal.arn == "arn:aws:iam::123456789012:user/alice"
    request, metadata = stack.runtime.requests[0]
    assert request.model_id == MODEL
    assert metadata["authorization"] == "Bearer token-runtime-1"
    assert metadata["x-request-id"] == call.request_id
    context = stack.auth.requests[0].audit_context
    assert context.source_ip == "127.0.0.1"
    assert context.tls_version == "TLSv1.3"
    assert context.tls_cipher
    assert "Boto3" in context.user_agent
    assert context.endpoint == f"127.0.0.1:{stack.server.port}"
    assert context.region == "us-east-1"


async def test_a_receipt_comes_in_headers_and_once_more(stack: Any) -> None:
    client, salt = stack.client("bedrock-runtime"), bytes(range(32))

    def ask(params: Any, **_: Any) -> None:
        params["headers"]["x-craton-receipt"] = base64.b64encode(salt).decode()

    client.meta.events.register("before-call.bedrock-runtime", ask)
    answer = await stack.call(client, "invoke_model", modelId=MODEL, body=b"{}")
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    receipt, certificate = "a receipt\n\n— key x\n", "a certificate\n"
    assert base64.b64decode(headers["x-craton-receipt"]).decode() == receipt
    assert base64.b64decode(headers["x-craton-receipt-certificate"]).decode() == certificate
    stream = await stack.call(client, "invoke_model_with_response_stream", modelId=MODEL, body=b"{}")
    await stack.call(_List(stream["body"]), "read")
    assert [request.receipt_salt for request, _ in stack.runtime.requests] == [salt, salt]
    request_id = stream["ResponseMetadata"]["RequestId"]
    own = stack.client("craton-runtime")
    found = await stack.call(own, "get_receipt", requestId=request_id)
    assert (found["receipt"], found["certificate"]) == (receipt, certificate)
    asked, metadata = stack.runtime.requests[-1]
    assert asked.request_id == request_id
    assert metadata["authorization"].startswith("Bearer token-runtime-")
    assert stack.recorder.events[-1] == ("outcome", "GetReceipt", "OK", "")
    stack.runtime.fail = DomainError(ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, "none is kept")
    with pytest.raises(ClientError) as caught:
        await stack.call(own, "get_receipt", requestId=request_id)
    error = caught.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == (
        "ResourceNotFoundException",
        404,
    )


async def test_arn_as_identifier(stack: Any) -> None:
    client = stack.client("bedrock-runtime")
    await stack.call(client, "invoke_model", modelId=ARN, body=b"{}")
    assert stack.runtime.requests[0][0].model_id == ARN
    assert stack.recorder.calls[-1].resources == [ARN]


async def test_invoke_model_with_response_stream(stack: Any) -> None:
    client = stack.client("bedrock-runtime")
    answer = await stack.call(
        client, "invoke_model_with_response_stream", modelId=MODEL, body=b"{}", accept="application/json"
    )
    events = await stack.call(_List(answer["body"]), "read")
    assert [json.loads(event["chunk"]["bytes"]) for event in events] == [
        {"index": 0},
        {"index": 1},
        {"index": 2},
        {"last": True},
    ]
    assert answer["contentType"] == "application/json"
    assert stack.recorder.events[-1] == ("outcome", "InvokeModelWithResponseStream", "OK", "")
    assert stack.recorder.calls[-1].output_tokens == 5


class _List:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self) -> list[Any]:
        return list(self._stream)


async def test_catalogue(stack: Any) -> None:
    client = stack.client("bedrock")
    answer = await stack.call(
        client,
        "list_foundation_models",
        byProvider="Craton",
        byOutputModality="TEXT",
        byInferenceType="ON_DEMAND",
        byCustomizationType="FINE_TUNING",
    )
    [summary] = answer["modelSummaries"]
    assert summary == {
        "modelArn": ARN,
        "modelId": MODEL,
        "modelName": "Tiny Text",
        "providerName": "Craton",
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }
    request = stack.runtime.requests[0]
    assert (request.by_provider, request.by_output_modality) == ("Craton", 1)
    assert (request.by_inference_type, request.by_customization_type) == ("ON_DEMAND", "FINE_TUNING")
    details = await stack.call(client, "get_foundation_model", modelIdentifier=MODEL)
    assert details["modelDetails"]["modelArn"] == ARN
    assert stack.recorder.events == [
        ("outcome", "ListFoundationModels", "OK", ""),
        ("outcome", "GetFoundationModel", "OK", ""),
    ]


async def test_model_access(stack: Any) -> None:
    client = stack.client("bedrock")
    offers = await stack.call(client, "list_foundation_model_agreement_offers", modelId=MODEL)
    [offer] = offers["offers"]
    assert offer["termDetails"]["legalTerm"] == {"url": "https://e/"}
    created = await stack.call(
        client, "create_foundation_model_agreement", modelId=MODEL, offerToken=offer["offerToken"]
    )
    assert created["modelId"] == MODEL
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 202
    availability = await stack.call(client, "get_foundation_model_availability", modelId=MODEL)
    assert availability["agreementAvailability"] == {"status": "AVAILABLE"}
    assert availability["authorizationStatus"] == "NOT_AUTHORIZED"
    assert availability["entitlementAvailability"] == "NOT_AVAILABLE"
    assert availability["regionAvailability"] == "AVAILABLE"
    with pytest.raises(ClientError) as caught:
        await stack.call(client, "delete_foundation_model_agreement", modelId=MODEL)
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    with pytest.raises(ClientError) as caught:
        await stack.call(client, "get_use_case_for_model_access")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    form = b"a form of many words"
    stored = await stack.call(client, "put_use_case_for_model_access", formData=form)
    assert stored["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (await stack.call(client, "get_use_case_for_model_access"))["formData"] == form
    assert {request.audience for request in stack.auth.requests} == {"auth"}
    phases = [(phase, name) for phase, name, _, _ in stack.recorder.events]
    assert ("intent", "CreateFoundationModelAgreement") in phases
    assert ("intent", "GetFoundationModelAvailability") not in phases


async def test_customization_jobs(stack: Any) -> None:
    client = stack.client("bedrock")
    answer = await stack.call(client, "list_model_customization_jobs", nameContains="x", maxResults=5)
    [job] = answer["modelCustomizationJobSummaries"]
    assert job["jobName"] == "jobx"
    assert job["jobArn"].endswith(":123456789012:model-customization-job/craton.tiny-text-v1/abcdefghijkl")
    assert job["baseModelArn"] == ARN
    assert job["creationTime"].timestamp() == 1_700_000_000
    assert answer["nextToken"] == "more"


async def test_operations_that_are_not_served(stack: Any) -> None:
    client = stack.client("bedrock")
    with pytest.raises(ClientError) as caught:
        await stack.call(client, "list_guardrails")
    assert caught.value.response["Error"] == {
        "Code": "UnknownOperationException",
        "Message": "The requested operation is not known, or is not supported by this endpoint.",
    }
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert stack.recorder.events == [("outcome", "ListGuardrails", "NOT_FOUND", "RESOURCE_NOT_FOUND")]
    assert stack.recorder.calls[0].principal is not None
