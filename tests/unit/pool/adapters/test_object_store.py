"""Sealed files, fetched and checked."""

import dataclasses
import hashlib
import os
from pathlib import Path

import pytest

from services.chassis.manifest import Artifact, ManifestFile, ModelManifest, artifact_sha256
from services.pool.adapters.object_store import ObjectStoreFiles
from services.pool.errors import WeightsError
from tests.fakes.echo_models import echo_manifest

CONTENT = {"a.safetensors": b"first " * 1000, "b.json": b"second"}


def manifest(folder: Path) -> ModelManifest:
    files = []
    for name, content in CONTENT.items():
        (folder / "models").mkdir(exist_ok=True)
        (folder / "models" / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        files.append(ManifestFile(name, 1, "0" * 64, f"models/{name}", len(content), digest))
    digest = artifact_sha256((file.path, file.sha256) for file in files)
    artifact = Artifact("a", digest, "", "providers/bench/keys/k", tuple(files))
    return dataclasses.replace(echo_manifest("x-v1"), task="text-generation", artifact=artifact)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_files_come_complete_into_sealed_memory(tmp_path: Path) -> None:
    fetched = await ObjectStoreFiles(f"file://{tmp_path}").fetch(manifest(tmp_path))
    assert {each.path: os.pread(each.descriptor, 1 << 20, 0) for each in fetched} == CONTENT
    for each in fetched:
        with pytest.raises(PermissionError):
            os.pwrite(each.descriptor, b"x", 0)
        os.close(each.descriptor)


@pytest.mark.parametrize("damage", ["missing", "altered", "shorter", "longer"])
async def test_a_file_that_is_not_as_the_manifest_says_is_refused(tmp_path: Path, damage: str) -> None:
    wanted = manifest(tmp_path)
    victim = tmp_path / "models/b.json"
    content = victim.read_bytes()
    match damage:
        case "missing":
            victim.unlink()
        case "altered":
            victim.write_bytes(b"S" + content[1:])
        case "shorter":
            victim.write_bytes(content[:-1])
        case "longer":
            victim.write_bytes(content + b"x")
    store = ObjectStoreFiles(f"file://{tmp_path}")
    before = descriptors()
    with pytest.raises(WeightsError) as caught:
        await store.fetch(wanted)
    assert caught.value.reason == ("sealed_file_missing" if damage == "missing" else "sealed_file_altered")
    assert descriptors() == before


async def test_a_model_without_weights_needs_no_store(tmp_path: Path) -> None:
    assert await ObjectStoreFiles(f"file://{tmp_path}").fetch(echo_manifest("echo-v1")) == ()
