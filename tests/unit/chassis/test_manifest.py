"""Signed manifests and the catalog directory."""

import base64
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.chassis import catalog, dsse, manifest
from services.chassis.manifest import ManifestError

KEY = Ed25519PrivateKey.generate()


def document(**changes: Any) -> dict[str, Any]:
    files = [
        {
            "path": name,
            "size": 10,
            "sha256": hashlib.sha256(name.encode()).hexdigest(),
            "sealed_path": f"models/craton/tiny/{name}.sealed",
            "sealed_size": 74,
            "sealed_sha256": "0" * 64,
        }
        for name in ("config.json", "model.safetensors")
    ]
    return {
        "version": 1,
        "provider": "craton",
        "provider_name": "Craton",
        "model_id": "craton.tiny-text-v1",
        "model_name": "Tiny Text",
        "family": "titan-text",
        "task": "text-generation",
        "input_modalities": ["TEXT"],
        "output_modalities": ["TEXT"],
        "inference_types": ["ON_DEMAND"],
        "customizations": [],
        "response_streaming": True,
        "lifecycle": "ACTIVE",
        "max_input_tokens": 1024,
        "max_output_tokens": 512,
        "default_output_tokens": 128,
        "regions": ["*"],
        "license": "Apache-2.0",
        "offer": {
            "offer_id": "offer-1",
            "eula_url": "https://example.com/eula",
            "eula_sha256": hashlib.sha256(b"Be kind.").hexdigest(),
            "eula_text": "Be kind.",
        },
        "artifact": {
            "name": "tiny-llama",
            "sha256": manifest.artifact_sha256((f["path"], f["sha256"]) for f in files),
            "data_key": base64.b64encode(b"wrapped").decode(),
            "key_name": "providers/craton/keys/weights",
            "files": files,
        },
        **changes,
    }


def test_a_manifest_survives_signing_and_verifying() -> None:
    made = manifest.from_document(document())
    assert manifest.verify(manifest.sign(made, KEY), "craton", [KEY.public_key()]) == made
    assert manifest.from_document(manifest.to_document(made)) == made
    assert made.offered_in("eu-west-1")


def test_the_artifact_hash_is_what_sha256sum_prints() -> None:
    lines = b"aa  a.json\nbb  b.json\n"
    assert manifest.artifact_sha256([("b.json", "bb"), ("a.json", "aa")]) == hashlib.sha256(lines).hexdigest()


def test_the_envelope_signs_the_encoding_of_the_dsse_specification() -> None:
    # The specification's own example of the pre-authentication encoding.
    signature = json.loads(dsse.sign(b"hello world", "http://example.com/HelloWorld", KEY))["signatures"][0]
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    KEY.public_key().verify(base64.b64decode(signature["sig"]), expected)


def test_a_changed_payload_type_or_signature_is_refused() -> None:
    envelope = json.loads(manifest.sign(manifest.from_document(document()), KEY))
    other = base64.b64encode(json.dumps(document(model_name="Other")).encode()).decode()
    signature = envelope["signatures"][0]
    for change in (
        {"payload": other},
        {"payloadType": "application/json"},
        {"signatures": []},
        {"signatures": [{**signature, "sig": base64.b64encode(bytes(64)).decode()}]},
        {"signatures": [{**signature, "keyid": "0" * 64}]},
        {"signatures": "none"},
        {"payload": 5},
    ):
        with pytest.raises(ManifestError):
            manifest.verify(json.dumps({**envelope, **change}).encode(), "craton", [KEY.public_key()])


def test_a_key_or_a_folder_of_another_provider_is_refused() -> None:
    envelope = manifest.sign(manifest.from_document(document()), KEY)
    with pytest.raises(ManifestError, match="no registered key"):
        manifest.verify(envelope, "craton", [Ed25519PrivateKey.generate().public_key()])
    with pytest.raises(ManifestError, match="another provider"):
        manifest.verify(envelope, "sbert", [KEY.public_key()])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"version": 2}, "version"),
        ({"provider": "Craton"}, "provider"),
        ({"model_id": "sbert.tiny"}, "model_id"),
        ({"model_id": "craton.tiny/../x"}, "model_id"),
        ({"family": "gpt"}, "family"),
        ({"task": "embeddings"}, "task"),
        ({"dimensions": 3}, "dimensions"),
        ({"max_output_tokens": 1}, "default_output_tokens"),
        ({"max_input_tokens": 0}, "max_input_tokens"),
        ({"max_input_tokens": True}, "max_input_tokens"),
        ({"input_modalities": ["SMELL"]}, "input_modalities"),
        ({"lifecycle": "DEAD"}, "lifecycle"),
        ({"regions": []}, "regions"),
        ({"regions": ["Mars"]}, "regions"),
        ({"license": ""}, "license"),
        ({"surprise": 1}, "surprise"),
        ({"artifact": None}, "artifact"),
        ({"response_streaming": "yes"}, "response_streaming"),
    ],
)
def test_a_field_out_of_its_range_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ManifestError, match=field):
        manifest.from_document(document(**changes))


def test_a_missing_field_is_named() -> None:
    for field in ("provider", "offer", "regions", "license"):
        incomplete = document()
        del incomplete[field]
        with pytest.raises(ManifestError, match=field):
            manifest.from_document(incomplete)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../b", "a//b", "./a", "", ".", "a\\b", "a\nb", "a/", "x" * 513]
)
def test_a_file_outside_the_artifact_is_refused(path: str) -> None:
    for field in ("path", "sealed_path"):
        wrong = document()
        wrong["artifact"]["files"][0][field] = path
        with pytest.raises(ManifestError, match="paths"):
            manifest.from_document(wrong)


def test_hashes_and_keys_that_do_not_fit_are_refused() -> None:
    for field, value in (
        ("sha256", "0" * 64),
        ("key_name", "providers/sbert/keys/weights"),
        ("data_key", "not base64!"),
        ("name", "../tiny"),
        ("files", []),
    ):
        wrong = document()
        wrong["artifact"][field] = value
        with pytest.raises(ManifestError, match=f"artifact.{field}"):
            manifest.from_document(wrong)
    wrong = document()
    wrong["offer"]["eula_text"] = "Be unkind."
    with pytest.raises(ManifestError, match="eula_sha256"):
        manifest.from_document(wrong)


def test_repeated_keys_and_endless_nesting_are_refused() -> None:
    for payload in (b'{"version": 1, "version": 1}', b"[" * 100_000, b"\xff", b"null"):
        with pytest.raises(ManifestError):
            manifest.parse(payload)


def test_every_reader_sees_the_same_envelope() -> None:
    key = Ed25519PrivateKey.generate()
    envelope = dsse.sign(b"payload", "type", key)
    keys = {dsse.key_id(key.public_key()): key.public_key()}
    assert dsse.verify(envelope, "type", keys) == b"payload"
    text = envelope.decode()
    for other in (
        text.encode("utf-16"),
        b"\xef\xbb\xbf" + envelope,
        (text[:-1] + ', "payload": "QQ=="}').encode(),
        (text[:-1] + ', "more": NaN}').encode(),
        (text[:-1] + ', "more": "\\ud800"}').encode(),
        b"[" * 100_000,
    ):
        with pytest.raises(dsse.EnvelopeError, match="not a DSSE envelope"):
            dsse.verify(other, "type", keys)


def test_the_catalog_takes_what_is_signed_and_names_what_it_refused(tmp_path: Path) -> None:
    made = manifest.from_document(document())
    stranger = dataclasses.replace(made, model_id="craton.stranger-v1")
    catalog.register_provider(tmp_path, "craton", KEY.public_key())
    catalog.register_provider(tmp_path, "craton", KEY.public_key())
    catalog.register_provider(tmp_path, "sbert", Ed25519PrivateKey.generate().public_key())
    catalog.write_manifest(tmp_path, made, manifest.sign(made, KEY))
    catalog.write_manifest(tmp_path, stranger, manifest.sign(stranger, Ed25519PrivateKey.generate()))
    misplaced = tmp_path / "craton" / "craton.misplaced-v1"
    misplaced.mkdir()
    (misplaced / catalog.MANIFEST_FILE).write_bytes(manifest.sign(made, KEY))
    (tmp_path / "nobody" / "nobody.x").mkdir(parents=True)
    (tmp_path / "nobody" / "nobody.x" / catalog.MANIFEST_FILE).write_bytes(b" " * (manifest.MAX_SIZE + 9))

    assert {name: len(keys) for name, keys in catalog.read_providers(tmp_path).items()} == {
        "craton": 1,
        "sbert": 1,
    }
    read = catalog.read_catalog(tmp_path)
    assert read.manifests == (made,)
    assert read.of_provider("craton") == (made,)
    assert read.of_provider("sbert") == ()
    assert [folder for folder, _ in read.refused] == [
        "craton/craton.misplaced-v1",
        "craton/craton.stranger-v1",
        "nobody/nobody.x",
    ]


def test_a_malformed_providers_file_is_an_error_not_an_empty_list(tmp_path: Path) -> None:
    assert catalog.read_providers(tmp_path) == {}
    for text in ("providers = 3", "[providers.craton]", '[providers.craton]\npublic_keys = ["AAAA"]', "="):
        (tmp_path / catalog.PROVIDERS_FILE).write_text(text)
        with pytest.raises(ManifestError):
            catalog.read_providers(tmp_path)
