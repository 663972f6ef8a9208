"""Model bodies: what the families accept, refuse and answer."""

import dataclasses
import functools
import gc
import hashlib
import json
import math
import weakref

import pytest
from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.errors import DomainError
from services.chassis.manifest import ModelManifest, Offer
from services.runtime.domain.families import TEXT_FAMILIES, VECTOR_FAMILIES, TextFamily, VectorFamily
from services.runtime.domain.families.body import BYTES_A_TOKEN, OVERHEAD_BYTES
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
        (b'{"inputText": "\xed\xa0\x80"}', "not valid JSON"),
        (b'{"inputText": "x", "\xed\xbf\xbf": 1}', "not valid JSON"),
        (b'{"inputText": "\xff"}', "not valid JSON"),
        (b'\xef\xbb\xbf{"inputText": "x"}', "not valid JSON"),
        ('{"inputText": "x"}'.encode("utf-16"), "not valid JSON"),
        ('{"inputText": "x"}'.encode("utf-16-le"), "not valid JSON"),
        ('{"inputText": "x"}'.encode("utf-32-be"), "not valid JSON"),
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
        (b'{"inputText": "x", "a\\n\\u202e\\u0000b": 1}', "extraneous key [a\ufffd\ufffd\ufffdb]"),
        (b'{"inputText": ' + b"[" * 100_000 + b"}", "not valid JSON"),
    ],
)
def test_titan_refusals(body: bytes, where: str) -> None:
    with pytest.raises(DomainError) as caught:
        TITAN.parse(body, TEXT_MODEL)
    assert caught.value.reason == ErrorReason.ERROR_REASON_INVALID_MODEL_BODY
    assert where in caught.value.message


@pytest.mark.parametrize(
    ("family", "start", "end"),
    [
        (TITAN, b'{"inputText":"', b'"}'),
        (EMBEDDINGS, b'{"inputText":"', b'"}'),
        (ANTHROPIC, _anthropic()[:-1] + b',"metadata":"', b'"}'),
    ],
)
def test_what_no_model_could_take_is_not_parsed(
    family: TextFamily | VectorFamily, start: bytes, end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = OVERHEAD_BYTES + BYTES_A_TOKEN * TEXT_MODEL.max_input_tokens
    fill = b"x" * (most - len(start) - len(end))
    family.parse(start + fill + end, TEXT_MODEL)
    monkeypatch.setattr(json, "loads", None)
    with pytest.raises(DomainError) as caught:
        family.parse(start + fill + b"x" + end, TEXT_MODEL)
    assert caught.value.reason == ErrorReason.ERROR_REASON_INVALID_MODEL_BODY
    assert caught.value.message == "Input is too long for requested model."


LONG_MODEL = dataclasses.replace(TEXT_MODEL, max_input_tokens=200_000)


@pytest.mark.parametrize("item", [b"{},", b"[],", b'"a",', b'{"a":1},'])
def test_a_long_body_of_many_small_values_is_not_parsed(item: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"inputText": "x", "more": [' + item * (4_000_000 // len(item)) + b"0]}"
    monkeypatch.setattr(json, "loads", None)
    with pytest.raises(DomainError) as caught:
        TEXT_FAMILIES["titan-text"].parse(body, LONG_MODEL)
    assert "too many objects" in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "print({'a': [1, 2]})\n" * 80_000,
        json.dumps([{"id": number, "name": f"x{number}"} for number in range(50_000)]),
        "1,2,3,4,5,6,7,8,9\n" * 100_000,
    ],
)
def test_a_long_text_full_of_brackets_is_taken(text: str) -> None:
    assert len(text) > 1 << 20
    generation = TEXT_FAMILIES["titan-text"].parse(json.dumps({"inputText": text}).encode(), LONG_MODEL)
    assert text in generation.prompt


class Parsed(dict[str, object]):
    """What the parser makes of an object, and can be looked for."""


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputText": [{}, {"a": {}}]}',
        b'{"inputText": "x", "more": {"a": [{}]}}',
        b'{"inputText": "x", "textGenerationConfig": {"stopSequences": [{}]}}',
        b'{"inputText": {}, "half": "\\ud800"}',
        b'[{"a": 1}]',
        b'{"inputText": {}',
        b"\xff" * 100_000,
    ],
)
def test_a_refusal_keeps_nothing_of_the_body(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither while the error is there, beyond its own frames, nor in cycles after it has gone."""
    made: list[weakref.ref[Parsed]] = []

    def remember(pairs: list[tuple[str, object]]) -> Parsed:
        made.append(weakref.ref(value := Parsed(pairs)))
        return value

    loads = functools.partial(json.loads, object_pairs_hook=remember)
    monkeypatch.setattr(json, "loads", loads)
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(DomainError) as caught:
            TITAN.parse(body, TEXT_MODEL)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None, "the errors of decoder and parser hold the body"
        del caught
        assert not [each for each in made if each() is not None]
        assert bool(made) == body.startswith((b"{", b"["))
    finally:
        gc.enable()


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
