"""The package that carries MiniLM holds the files that the manifest expects."""

from pathlib import Path

from cli.manifest_source import hash_files, list_files, read_source
from services.chassis.manifest import artifact_sha256

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "deploy/catalog/sbert/sbert.minilm-embed-v1"
PACKAGES = ROOT / ".venv/weights/lib/python3.11/site-packages"


def test_the_installed_files_have_the_expected_hash() -> None:
    source = read_source(SOURCE / "manifest.toml", [PACKAGES])
    assert source.directory is not None
    assert source.directory.is_relative_to(PACKAGES)
    hashes = hash_files(source.directory, list_files(source.directory, source.files), lambda _: None)
    assert source.expected_sha256 == artifact_sha256(hashes.items())
    assert str(source.expected_sha256) in (SOURCE / "MODEL_CARD.md").read_text()
