"""Bodies and answers of the model families, as the command line makes and reads them."""

from typing import Any

import pytest

from cli.bedrock import FAMILIES, Prompt, _text_of, request_body


def test_titan_text() -> None:
    assert request_body("titan-text", Prompt("Hi", 7, temperature=0.5)) == {
        "inputText": "Hi",
        "textGenerationConfig": {"maxTokenCount": 7, "temperature": 0.5},
    }


def test_anthropic_messages() -> None:
    body = request_body("anthropic-messages", Prompt("Hi", 7, top_p=0.9))
    assert body["messages"] == [{"role": "user", "content": "Hi"}]
    assert body["max_tokens"] == 7
    assert body["top_p"] == 0.9
    assert "temperature" not in body


def test_embeddings_take_the_text_alone() -> None:
    assert request_body("titan-embeddings", Prompt("Hi")) == {"inputText": "Hi"}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_prompt_arrives_as_it_is(family: str) -> None:
    assert 'say "ü"' in str(request_body(family, Prompt('say "ü"')))


@pytest.mark.parametrize(
    ("chunk", "text"),
    [
        ({"outputText": "a", "index": 0}, "a"),
        ({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "b"}}, "b"),
        ({"type": "message_start", "message": {}}, ""),
    ],
)
def test_text_of_chunks(chunk: dict[str, Any], text: str) -> None:
    assert _text_of(chunk) == text
