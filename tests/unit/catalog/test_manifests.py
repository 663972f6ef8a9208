"""Every manifest source becomes a valid manifest once publishing has sealed the files."""

import base64
import hashlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

from services.chassis import manifest

CATALOG = Path(__file__).parents[3] / "deploy/catalog"
SOURCES = sorted(CATALOG.glob("*/*/manifest.toml"))


def _source(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def _published(path: Path) -> dict[str, Any]:
    """The document that sealing would sign, with made-up ciphertexts of one file."""
    document = _source(path)
    text = (path.parent / document["offer"].pop("eula_file")).read_text()
    document["offer"] |= {"eula_text": text, "eula_sha256": hashlib.sha256(text.encode()).hexdigest()}
    if "artifact" in document:
        digest = hashlib.sha256(b"weights").hexdigest()
        sealed = {"sealed_path": "sealed/0", "sealed_size": 99, "sealed_sha256": digest}
        document["artifact"] = {
            "name": document["artifact"]["name"],
            "sha256": manifest.artifact_sha256([("model.safetensors", digest)]),
            "data_key": base64.b64encode(b"ciphertext").decode(),
            "key_name": f"providers/{document['provider']}/keys/key",
            "files": [{"path": "model.safetensors", "size": 7, "sha256": digest} | sealed],
        }
    return document


def test_there_are_sources() -> None:
    assert [path.parent.name for path in SOURCES] == [
        "bench.echo-v1",
        "craton.tiny-chat-v1",
        "craton.tiny-text-v1",
        "sbert.minilm-embed-v1",
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.parent.name)
def test_a_source_makes_a_valid_manifest(path: Path) -> None:
    parsed = manifest.from_document(_published(path))
    assert (parsed.provider, parsed.model_id) == (path.parent.parent.name, path.parent.name)
    assert parsed.model_id in parsed.offer.eula_text
    assert parsed.response_streaming == (parsed.task != "embeddings")


@pytest.mark.parametrize("name", ["craton.tiny-text-v1", "craton.tiny-chat-v1"])
def test_the_expected_hash_is_that_of_the_shipped_files(name: str) -> None:
    path = CATALOG / "craton" / name
    artifact = _source(path / "manifest.toml")["artifact"]
    folder = path / artifact["directory"]
    files = [(file, hashlib.sha256((folder / file).read_bytes()).hexdigest()) for file in artifact["files"]]
    assert artifact["sha256"] == manifest.artifact_sha256(files)


def test_prompt_and_answer_fit_into_the_context_together() -> None:
    source = _source(CATALOG / "craton/craton.tiny-chat-v1/manifest.toml")
    config = (CATALOG / "craton/tiny-llama/config.json").read_text()
    assert f'"max_position_embeddings": {source["max_input_tokens"] + source["max_output_tokens"]}' in config
