"""Invoking models over HTTPS, as every AWS client does: botocore, unmodified."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.config import Config

from cli.output import CommandError
from cli.session import Session, aws_profile, chosen_role
from deploy.local.stack import Stack
from services.chassis.catalog import read_catalog
from services.edge.domain.model import OWN_MODELS

FAMILIES = ("titan-text", "anthropic-messages", "titan-embeddings")


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked of a model; a family's request body is made of it."""

    text: str
    max_tokens: int = 200
    temperature: float | None = None
    top_p: float | None = None


def client(stack: Stack, service: str, *, region: str = "") -> Any:
    """Return a botocore client for a service at the endpoint of the stack, with its AWS files."""
    # With a role the profile's own keys are not enough: the role is assumed first.
    profile = Session(stack).profile() if chosen_role() else aws_profile(stack)
    session = botocore.session.Session(profile=profile.profile)
    session.set_config_variable("config_file", str(profile.config_file))
    session.set_config_variable("credentials_file", str(profile.credentials_file))
    session.get_component("data_loader").search_paths.append(str(OWN_MODELS))
    # Keys of the environment would win over the profile and belong to another installation.
    session.set_credentials(
        profile.credentials.access_key_id,
        profile.credentials.secret.reveal().decode(),
        None if profile.session_token is None else profile.session_token.reveal().decode(),
    )
    return session.create_client(
        service,
        region_name=region or profile.credentials.region,
        config=Config(retries={"total_max_attempts": 3, "mode": "standard"}, read_timeout=120),
        verify=session.get_scoped_config().get("ca_bundle", os.environ.get("AWS_CA_BUNDLE")),
        endpoint_url=session.get_scoped_config().get("endpoint_url"),
    )


def family_of(stack: Stack, model_id: str, *, region: str = "") -> str:
    """Return a model's family from its signed manifest.

    Raises botocore's ClientError for a model that the installation refuses or does not know, and CommandError
    for one that it serves while its manifest does not lie here.
    """
    for manifest in read_catalog(stack.catalog).manifests:
        if manifest.model_id == model_id:
            return manifest.family
    # The installation knows whether there is such a model, and refuses in AWS's words when there is not.
    client(stack, "bedrock", region=region).get_foundation_model(modelIdentifier=model_id)
    raise CommandError(f"the family of {model_id} is not known here: name it with --family")


def request_body(family: str, prompt: Prompt) -> dict[str, Any]:
    """Return the request body of a family."""
    if family == "titan-embeddings":
        return {"inputText": prompt.text}
    sampling = {"temperature": prompt.temperature}
    if family == "titan-text":
        sampling |= {"maxTokenCount": prompt.max_tokens, "topP": prompt.top_p}
        return {"inputText": prompt.text, "textGenerationConfig": _given(sampling)}
    sampling |= {"top_p": prompt.top_p}
    return {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": prompt.max_tokens,
        "messages": [{"role": "user", "content": prompt.text}],
        **_given(sampling),
    }


def stream_text(
    runtime: Any, model_id: str, body: dict[str, Any], seen: Callable[[bytes], None] | None = None
) -> tuple[Iterator[str], str]:
    """Start a streaming invocation; return its text as it is generated, and the request id.

    `seen` is called with every chunk as it came.
    """
    answer = runtime.invoke_model_with_response_stream(modelId=model_id, body=json.dumps(body))
    request_id = answer["ResponseMetadata"]["RequestId"]

    def texts() -> Iterator[str]:
        for event in answer["body"]:
            chunk = event["chunk"]["bytes"]
            if seen is not None:
                seen(chunk)
            yield _text_of(json.loads(chunk))

    return texts(), request_id


def _text_of(chunk: dict[str, Any]) -> str:
    if "outputText" in chunk:
        return str(chunk["outputText"])
    if chunk.get("type") == "content_block_delta":
        return str(chunk["delta"].get("text", ""))
    return ""


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
