"""Bodies and answers of the model families, as the command line makes and reads them."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import cli.bedrock
from cli.bedrock import FAMILIES, Prompt, _text_of, client, family_of, request_body
from cli.invoke import aws_error
from cli.output import Exit
from deploy.local.stack import DEFINITION, Definition, Stack
from services.chassis.config import load


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "aws").mkdir()
    (tmp_path / "aws/credentials").write_text(
        "[craton]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = secret\n"
    )
    (tmp_path / "aws/config").write_text(
        "[profile craton]\nregion = us-east-1\nendpoint_url = https://localhost:1\n"
        "ca_bundle = /the/stacks/own/ca.pem\n"
    )
    return Stack(load(DEFINITION, Definition), tmp_path, tmp_path, "127.0.0.1", separate_uids=False)


def test_the_profiles_ca_wins_over_the_environments(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/somebody/elses/bundle.pem")
    assert client(stack, "bedrock-runtime")._endpoint.http_session._verify == "/the/stacks/own/ca.pem"


def refusal(code: str, message: str) -> ClientError:
    """What botocore raises for an answer of AWS's form."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "InvokeModel")


def test_the_installation_refuses_a_model_without_a_manifest_here(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = refusal("ValidationException", "The provided model identifier is invalid.")
    asked: list[str] = []

    class Bedrock:
        def get_foundation_model(self, *, modelIdentifier: str) -> None:  # noqa: N803 (AWS's name)
            asked.append(modelIdentifier)
            raise unknown

    monkeypatch.setattr(cli.bedrock, "client", lambda *_, **__: Bedrock())
    with pytest.raises(ClientError) as caught:
        family_of(stack, "nope.x")
    assert asked == ["nope.x"]
    error = aws_error(caught.value)
    assert error.exit_code == Exit.NOT_FOUND
    assert error.message == "ValidationException: The provided model identifier is invalid."


@pytest.mark.parametrize("member", ["modelId", "modelIdentifier"])
def test_what_cannot_be_a_model_id_is_not_found(member: str) -> None:
    message = f"1 validation error detected: Value at '{member}' failed to satisfy constraint: ..."
    assert aws_error(refusal("ValidationException", message)).exit_code == Exit.NOT_FOUND


def test_other_validation_errors_are_failures() -> None:
    assert aws_error(refusal("ValidationException", "Malformed input request")).exit_code == Exit.FAILED
    assert aws_error(refusal("AccessDeniedException", "no")).exit_code == Exit.REFUSED


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
