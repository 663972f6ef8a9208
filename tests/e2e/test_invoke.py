"""Unmodified AWS clients against the whole stack."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

CHAT = "craton.tiny-chat-v1"
TEXT = "craton.tiny-text-v1"
EMBED = "sbert.minilm-embed-v1"


def chat_body(prompt: str, **more: Any) -> str:
    return json.dumps(
        {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 60,
            "temperature": 0,
            "messages": [{"role": "user", "content": prompt}],
            **more,
        }
    )


def text_body(prompt: str, **config: Any) -> str:
    return json.dumps({"inputText": prompt, "textGenerationConfig": {"maxTokenCount": 40, **config}})


def test_text_comes_back(stack: Any) -> None:
    answer = stack.client("bedrock-runtime").invoke_model(modelId=TEXT, body=text_body("Once upon a time"))
    body = json.loads(answer["body"].read())
    result = body["results"][0]
    assert len(result["outputText"].split()) > 3
    assert 0 < result["tokenCount"] <= 40
    assert body["inputTextTokenCount"] > 0
    assert answer["contentType"] == "application/json"
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36


def test_chat_answers_in_the_messages_format(stack: Any) -> None:
    answer = stack.client("bedrock-runtime").invoke_model(modelId=CHAT, body=chat_body("Hello"))
    body = json.loads(answer["body"].read())
    assert body["type"] == "message"
    assert body["role"] == "assistant"
    assert body["content"][0]["type"] == "text"
    assert body["content"][0]["text"].strip()
    assert body["stop_reason"] in ("end_turn", "max_tokens")
    assert body["usage"]["output_tokens"] > 0


def test_stream_arrives_in_pieces_and_equals_the_unary_answer(stack: Any) -> None:
    client = stack.client("bedrock-runtime")
    body = chat_body("Tell me a short story about a robot.")
    stream = client.invoke_model_with_response_stream(modelId=CHAT, body=body)
    events = [json.loads(event["chunk"]["bytes"]) for event in stream["body"]]
    kinds = [event["type"] for event in events]
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"
    pieces = [event["delta"]["text"] for event in events if event["type"] == "content_block_delta"]
    assert len(pieces) > 1
    unary = json.loads(client.invoke_model(modelId=CHAT, body=body)["body"].read())
    assert "".join(pieces) == unary["content"][0]["text"]


def test_embeddings_have_norm_one_and_put_related_sentences_nearer(stack: Any) -> None:
    client = stack.client("bedrock-runtime")

    def embed(text: str) -> list[float]:
        answer = client.invoke_model(modelId=EMBED, body=json.dumps({"inputText": text}))
        return list(json.loads(answer["body"].read())["embedding"])

    def dot(left: list[float], right: list[float]) -> float:
        return sum(x * y for x, y in zip(left, right, strict=True))

    cat, kitten, invoice = map(
        embed, ("A cat sleeps.", "The kitten is napping.", "Pay the invoice by Friday.")
    )
    assert dot(cat, cat) == pytest.approx(1.0, abs=1e-3)
    assert dot(cat, kitten) > dot(cat, invoice) + 0.2


def test_aws_cli_invokes(stack: Any, tmp_path: Path) -> None:
    output = tmp_path / "answer.json"
    result = subprocess.run(
        [
            "aws", "bedrock-runtime", "invoke-model", "--model-id", TEXT,
            "--body", text_body("The service"), str(output),
        ],
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert json.loads(output.read_text())["results"][0]["outputText"].strip()


def test_models_are_listed_with_filters(stack: Any) -> None:
    client = stack.client("bedrock")
    everything = {each["modelId"] for each in client.list_foundation_models()["modelSummaries"]}
    assert {CHAT, TEXT, EMBED} <= everything
    embedding = client.list_foundation_models(byOutputModality="EMBEDDING")["modelSummaries"]
    assert [each["modelId"] for each in embedding] == [EMBED]
    assert client.get_foundation_model(modelIdentifier=CHAT)["modelDetails"]["responseStreamingSupported"]


def test_what_is_accepted_can_be_read(stack: Any) -> None:
    model = "sbert.minilm-embed-v1"
    text = stack.craton("models", "access", "eula", model).stdout
    [offer] = stack.craton_json("models", "access", "show", model)["offers"]
    [told] = stack.craton_json("models", "access", "eula", model)
    assert hashlib.sha256(text.encode()).hexdigest() == offer["eula_sha256"]
    assert (told["eula_text"], told["eula_sha256"]) == (text, offer["eula_sha256"])
