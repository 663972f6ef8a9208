"""Model bodies: what the families accept, refuse and answer."""

import hashlib
import json
import math

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.manifest import ModelManifest, Offer
from services.runtime.domain.families import TEXT_FAMILIES, VECTOR_FAMILIES
from services.runtime.domain.generation import FinishReason, Message, TextPiece, Timing, Vectors

EULA = "terms"
TEXT_MODEL = ModelManifest(
    version=1,
    provider="craton",
    provider_name="Craton",
    model_id="craton.echo-v1",
    model_name="Echo",
    family="titan-text",
    task="echo",
    input_modalities=("TEXT",),
    output_modalities=("TEXT",),
    inference_types=("ON_DEMAND",),
    customizations=(),
    response_streaming=True,
    lifecycle="ACTIVE",
    max_input_tokens=100,
    max_output_tokens=64,
    default_output_tokens=16,
    regions=("*",),
    license="Apache-2.0",
    offer=Offer("offer-1", "https://example.com/eula", hashlib.sha256(EULA.encode()).hexdigest(), EULA),
)
TITAN = TEXT_FAMILIES["titan-text"]
ANTHROPIC = TEXT_FAMILIES["anthropic-messages"]
EMBEDDINGS = VECTOR_FAMILIES["titan-embeddings"]
TIMING = Timing(latency_ms=7, first_byte_ms=3)


def _anthropic(**changes: object) -> bytes:
    body: dict[str, object] = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 8,
        "messages": [{"role": "user", "content": "hi"}],
    }
    body.update(changes)
    return json.dumps(body).encode()


def test_titan_defaults() -> None:
    generation = TITAN.parse(b'{"inputText": "once"}', TEXT_MODEL)
    assert generation.prompt == "once"
    assert generation.max_tokens == 16
    assert generation.sampling.temperature is None


def test_titan_configuration() -> None:
    body = {
        "inputText": "x",
        "textGenerationConfig": {"temperature": 0, "topP": 0.5, "maxTokenCount": 64, "stopSequences": ["\n"]},
    }
    generation = TITAN.parse(json.dumps(body).encode(), TEXT_MODEL)
    assert generation.sampling.temperature == 0.0
    assert generation.sampling.top_p == 0.5
    assert generation.max_tokens == 64
    assert generation.stop_sequences == ("\n",)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "not valid JSON"),
        (b'{"inputText": "\\ud800"}', "not valid JSON"),
        (b'{"inputText": "x", "\\uDFFF": 1}', "not valid JSON"),
        (b"[]", "JSONObject"),
        (b"{}", "required key [inputText]"),
        (b'{"inputText": ""}', "minLength"),
        (b'{"inputText": 5}', "#/inputText"),
        (b'{"inputText": "x", "more": 1}', "extraneous key [more]"),
        (b'{"inputText": "x", "textGenerationConfig": {"maxTokenCount": 65}}', "from 1 to 64"),
        (b'{"inputText": "x", "textGenerationConfig": {"maxTokenCount": true}}', "Integer"),
        (b'{"inputText": "x", "textGenerationConfig": {"temperature": NaN}}', "not valid JSON"),
        (b'{"inputText": "x", "textGenerationConfig": {"temperature": 1.5}}', "from 0 to 1"),
        (b'{"inputText": "x", "textGenerationConfig": {"stopSequences": [""]}}', "stopSequences/0"),
        (b'{"inputText": "x", "textGenerationConfig": {"seed": 1}}', "extraneous key [seed]"),
        (b'{"inputText": ' + b"[" * 100_000 + b"}", "not valid JSON"),
    ],
)
def test_titan_refusals(body: bytes, where: str) -> None:
    with pytest.raises(DomainError) as caught:
        TITAN.parse(body, TEXT_MODEL)
    assert caught.value.reason == ErrorReason.ERROR_REASON_INVALID_MODEL_BODY
    assert where in caught.value.message


def test_refusals_never_carry_content() -> None:
    with pytest.raises(DomainError) as caught:
        TITAN.parse(b'{"inputText": ["canary-7"]}', TEXT_MODEL)
    assert "canary-7" not in caught.value.message


def test_titan_answer() -> None:
    last = TextPiece("", input_tokens=3, output_tokens=5, finish=FinishReason.MAX_TOKENS)
    answer = json.loads(TITAN.render("a story", last, TEXT_MODEL, "id"))
    assert answer == {
        "inputTextTokenCount": 3,
        "results": [{"tokenCount": 5, "outputText": "a story", "completionReason": "LENGTH"}],
    }


def test_titan_stream() -> None:
    writer = TITAN.stream(TEXT_MODEL, "id")
    first = [json.loads(chunk) for chunk in writer.piece(TextPiece("a", tokens=1, input_tokens=4))]
    last = [
        json.loads(chunk)
        for chunk in writer.last(
            TextPiece("b", 1, input_tokens=4, finish=FinishReason.END_TURN, output_tokens=2), TIMING
        )
    ]
    assert first[0]["outputText"] == "a"
    assert first[0]["inputTextTokenCount"] == 4
    assert last[0]["completionReason"] == "FINISHED"
    assert last[0]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 2


def test_anthropic_turns_of_one_role_are_joined() -> None:
    messages = [
        {"role": "user", "content": "a"},
        {"role": "user", "content": [{"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "c"},
    ]
    generation = ANTHROPIC.parse(_anthropic(messages=messages, system="s"), TEXT_MODEL)
    assert generation.messages == (Message("system", "s"), Message("user", "a\nb"), Message("assistant", "c"))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"anthropic_version": "x"}, "anthropic_version"),
        ({"max_tokens": None}, "required key [max_tokens]"),
        ({"max_tokens": 0}, "from 1 to 64"),
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "user role"),
        ({"messages": [{"role": "system", "content": "x"}]}, "role"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "type text alone"),
        ({"messages": [{"role": "user", "content": ""}]}, "must not be empty"),
        ({"tools": [{"name": "f"}]}, "#/tools"),
        ({"surprise": 1}, "extraneous key [surprise]"),
    ],
)
def test_anthropic_refusals(changes: dict[str, object], where: str) -> None:
    with pytest.raises(DomainError) as caught:
        ANTHROPIC.parse(_anthropic(**changes), TEXT_MODEL)
    assert where in caught.value.message


def test_anthropic_answer_and_stream_agree() -> None:
    last = TextPiece("lo", 1, 6, finish=FinishReason.STOP_SEQUENCE, stop_sequence="END", output_tokens=2)
    answer = json.loads(ANTHROPIC.render("hello", last, TEXT_MODEL, "0123-4567"))
    writer = ANTHROPIC.stream(TEXT_MODEL, "0123-4567")
    chunks = [*writer.piece(TextPiece("hel", 1, 6)), *writer.last(last, TIMING)]
    events = [json.loads(chunk) for chunk in chunks]
    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    streamed = "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta")
    assert streamed == answer["content"][0]["text"]
    assert events[5]["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    assert answer["stop_sequence"] == "END"
    assert events[0]["message"]["id"] == answer["id"]
    assert events[0]["message"]["usage"]["input_tokens"] == answer["usage"]["input_tokens"] == 6


def test_embeddings_round_trip_32_bit_floats() -> None:
    values = (0.1234567910432815, -1.5, 1 / 3)
    answer = json.loads(EMBEDDINGS.render(Vectors((values,), 4)))
    assert answer["inputTextTokenCount"] == 4
    assert all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(answer["embedding"], values, strict=True))
    assert answer["embeddingsByType"]["float"] == answer["embedding"]
