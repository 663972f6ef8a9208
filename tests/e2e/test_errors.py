"""Every refusal has AWS's own code and status, and leaves nothing behind."""

import datetime
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.e2e.signed_requests import signed_listing, text, transmit

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
    # A change is in force when it is acknowledged: there is nothing to wait for.
    client.invoke_model(modelId=TEXT, body=BODY)["body"].read()
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
    expired = signed_listing(stack, datetime.timedelta(minutes=-20))
    assert transmit(stack, expired) == (403, "InvalidSignatureException")


def test_the_same_bytes_later_are_a_replay(stack: Any) -> None:
    request = signed_listing(stack)
    assert transmit(stack, request)[0] == 200
    assert transmit(stack, request)[0] == 200  # a client's own retry, at once
    time.sleep(3)
    assert transmit(stack, request) == (403, "InvalidSignatureException")


def test_sixty_equal_calls_in_a_second_pass(stack: Any) -> None:
    """SigV4 dates have seconds: equal calls of one second are equal bytes, and no replay."""
    client = stack.client("bedrock")
    signatures: list[str] = []
    client.meta.events.register(
        "before-send.bedrock.*",
        lambda request, **_: signatures.append(text(request.headers["Authorization"])),
    )
    started = time.monotonic()
    with ThreadPoolExecutor(4) as executor:
        answers = list(executor.map(lambda _: client.list_foundation_models(), range(60)))
    assert all(each["modelSummaries"] for each in answers)
    assert len(signatures) == 60
    assert len(set(signatures)) <= 2 + time.monotonic() - started


def test_boto3_is_not_modified() -> None:
    """The client under test is the one that the lock file pins, from its own package."""
    assert "site-packages" in boto3.__file__
