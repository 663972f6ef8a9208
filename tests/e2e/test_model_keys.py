"""A provider's key is disabled while its models serve: they are gone within a minute, and back with it."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli.output import Exit
from services.pool.domain.key_bounds import MODEL_OUTLIVES_KEY_S

CHAT, EMBEDDINGS = "craton.tiny-text-v1", "sbert.minilm-embed-v1"
BODY = json.dumps({"inputText": "Once upon a time", "textGenerationConfig": {"maxTokenCount": 4}})
BACK_S = 90.0
"""Loading it again may be tried every 15 s, and takes some seconds on a machine that does other things."""


def key_of(stack: Any, provider: str) -> str:
    (key,) = stack.craton_json("kms", "list", provider)
    return str(key["name"])


@pytest.fixture
def key(stack: Any) -> Iterator[str]:
    """The key that all weights of the provider are sealed under; enabled afterwards, whatever happens."""
    name = key_of(stack, "craton")
    yield name
    stack.craton("kms", "enable", name)


def invoked(stack: Any) -> str:
    """Call the model; return the error's code, or nothing."""
    try:
        answer = stack.client("bedrock-runtime").invoke_model(modelId=CHAT, body=BODY)
        assert json.loads(answer["body"].read())["results"]
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.mark.timeout(300)
def test_a_model_is_gone_within_a_minute_of_its_keys_end_and_comes_back(stack: Any, key: str) -> None:
    assert invoked(stack) == ""
    stack.craton("kms", "disable", key)
    acknowledged = time.monotonic()
    while (refused := invoked(stack)) == "":
        assert time.monotonic() - acknowledged < MODEL_OUTLIVES_KEY_S
        time.sleep(0.5)
    print(f"disabled: {refused} after {time.monotonic() - acknowledged:.1f} s")
    assert refused in ("ModelNotReadyException", "ServiceUnavailableException")
    # What was being answered may have come back as another error; from now on it is always this one.
    for _ in range(5):
        assert invoked(stack) == "ModelNotReadyException"
    # Another provider's models stand under another key.
    embedded = stack.client("bedrock-runtime").invoke_model(
        modelId=EMBEDDINGS, body=json.dumps({"inputText": "a fox"})
    )
    assert json.loads(embedded["body"].read())
    stack.craton("kms", "enable", key)
    enabled = time.monotonic()
    while invoked(stack):
        assert time.monotonic() - enabled < BACK_S
        time.sleep(0.5)
    print(f"enabled: served after {time.monotonic() - enabled:.1f} s")


def test_a_provider_without_models_has_no_keys(stack: Any) -> None:
    listed = stack.craton("kms", "list", "nobody", check=False)
    assert listed.returncode == Exit.NOT_FOUND
    assert "No model of a provider 'nobody' was published." in listed.stderr
