"""Every refusal has AWS's own code and status, and leaves nothing behind."""

import datetime
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import urllib3
from botocore.exceptions import ClientError

TEXT = "craton.tiny-text-v1"
BODY = json.dumps({"inputText": "Once", "textGenerationConfig": {"maxTokenCount": 5}})


def refusal(client: Any, model: str = TEXT, body: Any = BODY) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        client.invoke_model(modelId=model, body=body)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_wrong_secret(stack: Any) -> None:
    client = stack.client("bedrock-runtime", aws_secret_access_key="x" * 40)
    assert refusal(client) == ("InvalidSignatureException", 403)


def test_unknown_key(stack: Any) -> None:
    client = stack.client("bedrock-runtime", aws_access_key_id="AKIAIOSFODNN7EXAMPLE")
    assert refusal(client) == ("UnrecognizedClientException", 403)


def test_unknown_model(stack: Any) -> None:
    client = stack.client("bedrock-runtime")
    # What Bedrock answers to an InvokeModel of a model that it does not know.
    assert refusal(client, "craton.no-such-model-v1") == ("ValidationException", 400)


def test_malformed_body(stack: Any) -> None:
    client = stack.client("bedrock-runtime")
    assert refusal(client, body="{") == ("ValidationException", 400)
    assert refusal(client, body=json.dumps({"inputText": 7})) == ("ValidationException", 400)


def test_body_of_26_megabytes(stack: Any) -> None:
    code, status = refusal(stack.client("bedrock-runtime"), body=b"x" * 26_000_000)
    assert (code, status) in {("ValidationException", 400), ("RequestEntityTooLargeException", 413)}


def test_unknown_region(stack: Any) -> None:
    code, status = refusal(stack.client("bedrock-runtime", region_name="mars-north-1"))
    assert status == 403
    assert code in {"InvalidSignatureException", "UnrecognizedClientException"}


def test_user_without_policy_is_denied_and_may_after_one(stack: Any) -> None:
    name = f"reader-{time.time_ns()}"
    stack.craton("users", "create", name)
    key = stack.craton_json("keys", "create", name)
    credentials = {
        "aws_access_key_id": key["access_key_id"],
        "aws_secret_access_key": key["secret_access_key"],
    }
    client = stack.client("bedrock-runtime", **credentials)
    assert refusal(client) == ("AccessDeniedException", 403)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "bedrock:InvokeModel",
                "Resource": f"arn:aws:bedrock:*::foundation-model/{TEXT}",
            }
        ],
    }
    _put_policy(stack, name, policy)
    deadline = time.monotonic() + 10
    while True:
        try:
            client.invoke_model(modelId=TEXT, body=BODY)
            break
        except ClientError:
            # Leases of at most five seconds: a permit needs no faster way than a revocation.
            assert time.monotonic() < deadline
            time.sleep(0.25)
    assert refusal(client, "craton.tiny-chat-v1") == ("AccessDeniedException", 403)


def _put_policy(stack: Any, user: str, policy: dict[str, Any]) -> None:
    path = stack.home / "policy.json"
    path.write_text(json.dumps(policy))
    stack.craton("policies", "put", user, "invoke", str(path))


def test_model_without_accepted_eula(stack: Any) -> None:
    # The agreement was made in us-east-1 only.
    client = stack.client("bedrock-runtime", region_name="eu-west-1")
    assert refusal(client) == ("AccessDeniedException", 403)


def test_expired_date(stack: Any) -> None:
    status, code = _send(stack, datetime.timedelta(minutes=-20))
    assert (status, code) == (403, "InvalidSignatureException")


def test_the_same_bytes_later_are_a_replay(stack: Any) -> None:
    request = _signed(stack, datetime.timedelta(0))
    assert _transmit(stack, request)[0] == 200
    assert _transmit(stack, request)[0] == 200  # a client's own retry, at once
    time.sleep(3)
    assert _transmit(stack, request) == (403, "InvalidSignatureException")


def test_sixty_equal_calls_in_a_second_pass(stack: Any) -> None:
    """SigV4 dates have seconds: equal calls of one second are equal bytes, and no replay."""
    client = stack.client("bedrock")
    signatures: list[str] = []
    client.meta.events.register(
        "before-send.bedrock.*",
        lambda request, **_: signatures.append(_text(request.headers["Authorization"])),
    )
    started = time.monotonic()
    with ThreadPoolExecutor(4) as executor:
        answers = list(executor.map(lambda _: client.list_foundation_models(), range(60)))
    assert all(each["modelSummaries"] for each in answers)
    assert len(signatures) == 60
    assert len(set(signatures)) <= 2 + time.monotonic() - started


def _send(stack: Any, shift: datetime.timedelta) -> tuple[int, str]:
    return _transmit(stack, _signed(stack, shift))


def _signed(stack: Any, shift: datetime.timedelta) -> botocore.awsrequest.AWSPreparedRequest:
    """Sign as botocore does, at a time of our choice."""
    keys = stack.credentials()
    credentials = botocore.credentials.Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
    request = botocore.awsrequest.AWSRequest("GET", f"{stack.endpoint}/foundation-models")
    moment = datetime.datetime.now(datetime.UTC) + shift
    signer = botocore.auth.SigV4Auth(credentials, "bedrock", "us-east-1")
    request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
    signer._modify_request_before_signing(request)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    signer._inject_signature_to_request(request, signature)
    return request.prepare()


def _transmit(stack: Any, request: botocore.awsrequest.AWSPreparedRequest) -> tuple[int, str]:
    headers = {key: _text(value) for key, value in request.headers.items()}
    with urllib3.PoolManager(ca_certs=str(stack.home / "pki/ca.pem")) as pool:
        answer = pool.request(request.method, request.url, headers=headers, retries=False)
    return answer.status, answer.headers.get("x-amzn-errortype", "").partition(":")[0]


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def test_boto3_is_not_modified() -> None:
    """The client under test is the one that the lock file pins, from its own package."""
    assert "site-packages" in boto3.__file__
