"""A native gRPC client on the public listener: no certificate, a token for a SigV4 signature."""

import ipaddress
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from craton.auth.v1.user_service_pb2 import ListUsersRequest
from craton.auth.v1.user_service_pb2_grpc import UserServiceStub
from craton.runtime.v1 import inference_service_pb2 as inference
from craton.runtime.v1.inference_service_pb2_grpc import InferenceServiceStub

from tests.stack_callers import principal_token

TEXT = "craton.tiny-text-v1"
BODY = json.dumps({"inputText": "Once upon a time", "textGenerationConfig": {"maxTokenCount": 20}}).encode()


@pytest.fixture
def channel(stack: Any) -> Iterator[grpc.Channel]:
    roots = (stack.home / "pki/ca.pem").read_bytes()
    with grpc.secure_channel(f"{stack.address}:9443", grpc.ssl_channel_credentials(roots)) as opened:
        yield opened


@pytest.fixture
def metadata(stack: Any, channel: grpc.Channel) -> tuple[tuple[str, str], ...]:
    return principal_token(channel, f"{stack.address}:9443", "runtime", stack.credentials())


def test_unary(channel: grpc.Channel, metadata: Any) -> None:
    request = inference.InvokeModelRequest(model_id=TEXT, body=BODY, content_type="application/json")
    answer = InferenceServiceStub(channel).InvokeModel(request, metadata=metadata, timeout=30)
    assert json.loads(answer.body)["results"][0]["outputText"].strip()


def test_the_record_says_where_the_client_was(stack: Any, channel: grpc.Channel, metadata: Any) -> None:
    request_id = str(uuid.uuid4())
    request = inference.InvokeModelRequest(model_id=TEXT, body=BODY, content_type="application/json")
    named = (*metadata, ("x-request-id", request_id), ("x-forwarded-for", "192.0.2.66"))
    InferenceServiceStub(channel).InvokeModel(request, metadata=named, timeout=30)
    deadline = time.monotonic() + 30
    events: list[dict[str, Any]] = []
    while len(events) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
        events = stack.craton_json("audit", "lookup", "--request-id", request_id)
    assert {event["phase"] for event in events} == {"EVENT_PHASE_INTENT", "EVENT_PHASE_OUTCOME"}
    for event in events:
        seen = event["audit_context"]
        assert ipaddress.ip_address(seen["source_ip"]).is_loopback
        assert seen["tls_version"] == "TLSv1.3"
        assert seen["user_agent"].startswith("grpc-python/")
        assert seen["endpoint"] == f"{stack.address}:9443"


def test_stream(channel: grpc.Channel, metadata: Any) -> None:
    request = inference.InvokeModelWithResponseStreamRequest(
        model_id=TEXT, body=BODY, content_type="application/json"
    )
    stub = InferenceServiceStub(channel)
    chunks = list(stub.InvokeModelWithResponseStream(request, metadata=metadata, timeout=30))
    assert len(chunks) > 1


def test_no_token_is_refused(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        InferenceServiceStub(channel).InvokeModel(
            inference.InvokeModelRequest(model_id=TEXT, body=BODY), timeout=10
        )
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_administration_is_not_on_the_public_listener(channel: grpc.Channel, metadata: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        UserServiceStub(channel).ListUsers(ListUsersRequest(), metadata=metadata, timeout=10)
    assert caught.value.code() in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.PERMISSION_DENIED)
