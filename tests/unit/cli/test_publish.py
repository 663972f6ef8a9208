"""Publishing: what is sealed, what is refused, and that no plaintext is written."""

import base64
import json
from pathlib import Path

import obstore
import pytest
from craton.kms.v1.model_key_service_pb2 import ModelContext
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from obstore.store import MemoryStore

from cli.manifest_source import SourceError
from cli.publish import Publication, publish
from services.chassis import catalog
from services.chassis.sealing.frames import open_sealed
from services.chassis.secret import SecretBytes

KEY_NAME = "providers/acme/keys/weights"
SIGNER = Ed25519PrivateKey.generate()
WEIGHTS = b"the provider's secret numbers!! " * 4


class RecordingKeys:
    """Data keys without a key service: the encrypted form names what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[ModelContext] = []
        self.key = SecretBytes(bytes(range(32)))

    def generate(self, key_name: str, context: ModelContext) -> tuple[SecretBytes, bytes]:
        self.asked.append(context)
        return self.key, key_name.encode()


def safetensors(data: bytes = WEIGHTS) -> bytes:
    header = json.dumps(
        {"weight": {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}}
    ).encode()
    return len(header).to_bytes(8, "little") + header + data


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(safetensors())
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04pickle")
    (folder / "modeling.py").write_text("raise SystemExit")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "left.json").write_text("{}")
    return folder


def manifest(tmp_path: Path, name: str = "acme.one-v1", artifact: str = 'name = "acme-one"') -> Path:
    (tmp_path / "eula.txt").write_text("Be kind.")
    path = tmp_path / f"{name}.toml"
    path.write_text(f"""
version = 1
provider = "acme"
provider_name = "Acme"
model_id = "{name}"
model_name = "One"
family = "titan-text"
task = "{"text-generation" if artifact else "echo"}"
input_modalities = ["TEXT"]
output_modalities = ["TEXT"]
inference_types = ["ON_DEMAND"]
customizations = []
response_streaming = true
lifecycle = "ACTIVE"
max_input_tokens = 100
max_output_tokens = 100
default_output_tokens = 50
regions = ["*"]
license = "MIT"
[offer]
offer_id = "offer-1"
eula_url = "https://example.com"
eula_file = "eula.txt"
""")
    if artifact:
        path.write_text(path.read_text() + f"[artifact]\n{artifact}\n")
    return path


class Publisher:
    def __init__(self, tmp_path: Path) -> None:
        self.objects = MemoryStore()
        self.keys = RecordingKeys()
        self.catalog = tmp_path / "catalog"

    def __call__(
        self, directory: Path | None, *manifests: Path, force: bool = False
    ) -> tuple[Publication, ...]:
        return publish(
            directory,
            "acme",
            manifests,
            key_name=KEY_NAME,
            data_keys=self.keys,
            signing_key=SIGNER,
            objects=self.objects,
            catalog=self.catalog,
            force=force,
        )

    def stored(self) -> dict[str, bytes]:
        return {
            each["path"]: obstore.get(self.objects, each["path"]).bytes().to_bytes()
            for page in obstore.list(self.objects)
            for each in page
        }


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path)


def test_a_published_model_opens_with_its_data_key_and_nothing_else_was_stored(
    publisher: Publisher, model: Path, tmp_path: Path
) -> None:
    (done,) = publisher(model, manifest(tmp_path))
    artifact = done.manifest.artifact
    assert artifact is not None
    assert [file.path for file in artifact.files] == ["config.json", "model.safetensors"]
    assert base64.b64decode(artifact.data_key) == KEY_NAME.encode()
    stored = publisher.stored()
    for file in artifact.files:
        opened = open_sealed(stored.pop(file.sealed_path), publisher.keys.key, file.path)
        assert bytes(opened.view) == (model / file.path).read_bytes()
    assert not stored
    (asked,) = publisher.keys.asked
    assert (asked.provider, asked.artifact, asked.artifact_sha256) == ("acme", "acme-one", artifact.sha256)


def test_no_plaintext_is_written(publisher: Publisher, model: Path, tmp_path: Path) -> None:
    (done,) = publisher(model, manifest(tmp_path))
    for content in [*publisher.stored().values(), done.path.read_bytes()]:
        assert b"secret numbers" not in content
        assert publisher.keys.key.reveal() not in content


def test_the_catalog_takes_what_was_published(publisher: Publisher, model: Path, tmp_path: Path) -> None:
    (done,) = publisher(model, manifest(tmp_path))
    catalog.register_provider(publisher.catalog, "acme", SIGNER.public_key())
    assert catalog.read_catalog(publisher.catalog).manifests == (done.manifest,)
    assert done.manifest.offer.eula_text == "Be kind."


def test_several_models_share_one_sealed_copy(publisher: Publisher, model: Path, tmp_path: Path) -> None:
    first, second = publisher(model, manifest(tmp_path), manifest(tmp_path, "acme.two-v1"))
    assert first.manifest.artifact == second.manifest.artifact
    assert len(publisher.keys.asked) == 1
    other = manifest(tmp_path, "acme.three-v1", 'name = "other"')
    with pytest.raises(SourceError, match="same artifact"):
        publisher(model, manifest(tmp_path), other)


def test_publishing_again_changes_nothing_until_something_changed(
    publisher: Publisher, model: Path, tmp_path: Path
) -> None:
    path = manifest(tmp_path)
    (first,) = publisher(model, path)
    before = first.path.read_bytes()
    (again,) = publisher(model, path)
    assert not again.changed
    assert first.path.read_bytes() == before
    (forced,) = publisher(model, path, force=True)
    assert forced.changed
    path.write_text(path.read_text().replace('"One"', '"Uno"'))
    (renamed,) = publisher(model, path)
    assert renamed.changed
    (model / "model.safetensors").write_bytes(safetensors(WEIGHTS + b"more"))
    (retrained,) = publisher(model, path)
    assert retrained.changed
    assert retrained.manifest.artifact != renamed.manifest.artifact
    obstore.delete(publisher.objects, retrained.manifest.artifact.files[0].sealed_path)  # type: ignore[union-attr]
    assert publisher(model, path)[0].changed


def test_a_model_without_weights_needs_no_key(publisher: Publisher, tmp_path: Path) -> None:
    path = manifest(tmp_path, "acme.echo-v1", artifact="")
    (done,) = publisher(None, path)
    assert done.manifest.artifact is None
    assert done.changed
    assert not publisher(None, path)[0].changed
    assert publisher.keys.asked == []


def test_pickles_under_any_name_are_refused(publisher: Publisher, model: Path, tmp_path: Path) -> None:
    (model / "model.safetensors").write_bytes(b"\x80\x04\x95 a pickle in disguise")
    with pytest.raises(SourceError, match=r"model\.safetensors"):
        publisher(model, manifest(tmp_path))
    (model / "model.safetensors").unlink()
    with pytest.raises(SourceError, match="has no"):
        publisher(model, manifest(tmp_path))
    listed = 'name = "acme-one"\nfiles = ["model.safetensors", "pytorch_model.bin"]'
    (model / "model.safetensors").write_bytes(safetensors())
    with pytest.raises(SourceError, match=r"pytorch_model\.bin"):
        publisher(model, manifest(tmp_path, artifact=listed))
    assert publisher.stored() == {}


@pytest.mark.parametrize(
    ("artifact", "message"),
    [
        ('name = "acme-one"\nsha256 = "' + "0" * 64 + '"', "expects"),
        ('name = "acme-one"\nfiles = ["missing.json", "model.safetensors"]', "does not exist"),
        ('name = "acme-one"\nfiles = ["../model/model.safetensors"]', "must lie below"),
        ('name = "acme-one"\nsurprise = 1', "surprise"),
        ('name = "Acme One"', "artifact.name"),
        ('name = "acme-one"\npython_package = "no_such_package"', "not installed"),
    ],
)
def test_a_wrong_artifact_table_is_explained_before_anything_is_stored(
    publisher: Publisher, model: Path, tmp_path: Path, artifact: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        publisher(model, manifest(tmp_path, artifact=artifact))
    assert publisher.stored() == {}
    assert publisher.keys.asked == []


def test_weights_are_found_in_a_package_folder(publisher: Publisher, model: Path, tmp_path: Path) -> None:
    packages = tmp_path / "site-packages"
    (packages / "carrier").mkdir(parents=True)
    model.rename(packages / "carrier" / "model")
    path = manifest(tmp_path, artifact='name = "acme-one"\npython_package = "carrier"\ndirectory = "model"')
    (done,) = publish(
        None,
        "acme",
        [path],
        key_name=KEY_NAME,
        data_keys=publisher.keys,
        signing_key=SIGNER,
        objects=publisher.objects,
        catalog=publisher.catalog,
        packages=[packages],
    )
    assert done.changed


def test_another_providers_manifest_is_refused(publisher: Publisher, model: Path, tmp_path: Path) -> None:
    path = manifest(tmp_path)
    path.write_text(path.read_text().replace('provider = "acme"', 'provider = "other"'))
    with pytest.raises(SourceError, match="not of provider acme"):
        publisher(model, path)
