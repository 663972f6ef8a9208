"""What a running edge takes for credentials: signatures of both signers, API keys, and nothing else."""

import asyncio
import io
from typing import Any

import pytest
from awscrt.auth import (
    AwsCredentialsProvider,
    AwsSignatureType,
    AwsSigningAlgorithm,
    AwsSigningConfig,
    aws_sign_request,
)
from awscrt.http import HttpHeaders, HttpRequest

from services.chassis.api_keys import long_term
from services.chassis.principal import BearerTokenType
from services.chassis.secret import SecretBytes
from tests.fakes.edge_upstreams import API_KEY, KEY_ID, SECRET

INVOKE = "/model/craton.tiny-text-v1/invoke"


@pytest.mark.parametrize(
    ("path", "headers", "words"),
    [
        ("/foundation-models?X-Amz-Signature=0&X-Amz-Algorithm=AWS4-HMAC-SHA256", {}, "Presigned"),
        ("/foundation-models?X-Amz-Security-Token=t", {}, "query string"),
        ("/foundation-models", {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}, "UNSIGNED-PAYLOAD"),
        ("/foundation-models", {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, "chunked"),
        ("/foundation-models", {"content-encoding": "aws-chunked"}, "aws-chunked"),
    ],
)
async def test_other_forms_of_sigv4_are_refused_in_words(
    raw: Any, stack: Any, path: str, headers: dict[str, str], words: str
) -> None:
    response = await raw.request("GET", path, headers=headers)
    assert (response.code, response.status) == ("IncompleteSignatureException", 400)
    assert words in response.message
    assert not stack.auth.requests
    # Also when nothing else authenticates it, as with a presigned URL.
    bare = f"GET {path} HTTP/1.1\r\nhost: x\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items())
    assert (await raw.send((bare + "\r\n").encode())).code == "IncompleteSignatureException"


async def test_a_running_edge_takes_what_awscrt_signs(raw: Any, stack: Any) -> None:
    request = HttpRequest(
        "POST", INVOKE, HttpHeaders([("Host", f"127.0.0.1:{raw.port}")]), io.BytesIO(b'{"n":1}')
    )
    config = AwsSigningConfig(
        algorithm=AwsSigningAlgorithm.V4,
        signature_type=AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=AwsCredentialsProvider.new_static(KEY_ID, SECRET),
        region="us-east-1",
        service="bedrock",
    )
    await asyncio.to_thread(lambda: aws_sign_request(request, config).result(10))
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers)
    start = f"POST {INVOKE} HTTP/1.1\r\n"
    accepted = await raw.send(f"{start}{head}content-length: 7\r\n\r\n".encode() + b'{"n":1}')
    assert (accepted.status, accepted.body) == (200, b'{"n":1}')
    changed = await raw.send(f"{start}{head}content-length: 7\r\n\r\n".encode() + b'{"n":2}')
    assert (changed.code, changed.status) == ("InvalidSignatureException", 403)
    added = await raw.send(f"{start}{head}x-amz-x: 1\r\ncontent-length: 7\r\n\r\n".encode() + b'{"n":1}')
    assert (added.code, added.status) == ("InvalidSignatureException", 403)


async def test_an_api_key_authenticates_an_unmodified_boto3(
    stack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", API_KEY)
    no_keys = {"aws_access_key_id": None, "aws_secret_access_key": None}
    bedrock, runtime = stack.client("bedrock", **no_keys), stack.client("bedrock-runtime", **no_keys)
    for _ in range(3):
        answer = await stack.call(
            runtime, "invoke_model", modelId="craton.tiny-text-v1", body=b"{}", accept="text/plain"
        )
        assert answer["body"].read() == b"{}"
    assert stack.runtime.requests[-1][0].accept == "text/plain", "what the holder of a key says is believed"
    assert await stack.call(bedrock, "list_foundation_models")
    asked = [request for request in stack.auth.requests if request.bearer_token]
    # One for each audience and client; both services of this one are runtime's.
    assert {(each.audience, each.region, each.bearer_token) for each in asked} == {
        ("runtime", "us-east-1", API_KEY)
    }
    assert len(asked) <= 2
    assert ("outcome", "InvokeModel", "OK", "") in stack.recorder.events
    claims = next(call.principal for call in stack.recorder.calls if call.principal is not None)
    assert (claims.bearer, claims.access_key_id) == (BearerTokenType.LONG_TERM, "ACCAEDGE")
    assert API_KEY not in repr(stack.recorder.calls)


async def test_a_strangers_api_key_is_refused_before_its_body_is_read(raw: Any, stack: Any) -> None:
    start = f"POST {INVOKE} HTTP/1.1\r\nhost: x\r\ncontent-length: 25000000\r\n"
    other = long_term("mallory-at-123456789012", SecretBytes(b"m" * 44)).reveal().decode()
    for bearer, questions in ((other, 1), (other, 1), ("nonsense", 1), ("ABSK", 1)):
        refused = await raw.send(f"{start}authorization: Bearer {bearer}\r\n\r\n".encode())
        assert (refused.code, refused.status) == ("AccessDeniedException", 403)
        assert refused.message == "Authentication failed: Please make sure your API Key is valid."
        assert refused.headers["connection"] == "close"
        assert len(stack.auth.requests) == questions
        assert stack.recorder.events[-1][0] == "summary", "a stranger's calls are counted, not recorded"
    assert not stack.runtime.requests
