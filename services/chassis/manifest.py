"""Signed model manifests: what a provider says about a model it publishes.

A manifest is JSON in a DSSE envelope, signed with the provider's Ed25519 key, and holds everything that
the platform takes on the provider's word: names, modalities, limits, the offer with its licence text, and
the sealed artifact with the hash of every file. Its only secret, the data key, is encrypted under the
provider's key.
"""

import base64
import binascii
import dataclasses
import hashlib
import json
import re
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.chassis import dsse
from tlog import strict_json
from tlog.errors import TlogError

PAYLOAD_TYPE = "application/vnd.craton.model-manifest.v1+json"
VERSION = 1
MAX_SIZE = 1 << 20
"""Largest envelope in bytes that is read: a few thousand files and a long licence text."""

FAMILIES = ("titan-text", "anthropic-messages", "titan-embeddings")
TASKS = ("text-generation", "embeddings", "echo")

_PROVIDER = re.compile(r"[a-z][a-z0-9-]{0,31}")
_MODEL_ID = re.compile(r"[a-z0-9-]{1,63}\.[a-z0-9-]{1,63}([.:]?[a-z0-9-]{1,63})?")
_ARTIFACT = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REGION = re.compile(r"\*|[a-z]{2}(-[a-z]+)+-\d")
_MODALITIES = frozenset({"TEXT", "IMAGE", "EMBEDDING"})
_INFERENCE_TYPES = frozenset({"ON_DEMAND", "PROVISIONED"})
_CUSTOMIZATIONS = frozenset({"FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION"})

T = TypeVar("T")


class ManifestError(ValueError):
    """The manifest cannot be used; the message says which field and what would be right."""


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file of an artifact. Sizes in bytes, hashes SHA-256 in lower-case hex."""

    path: str
    """Relative to the artifact's directory, with forward slashes; also the name the file is sealed under."""
    size: int
    sha256: str
    sealed_path: str
    """Relative to the object store."""
    sealed_size: int
    sealed_sha256: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model's sealed files."""

    name: str
    sha256: str
    """Over the lines "<sha256>  <path>\\n" of the files sorted by path: see `artifact_sha256`."""
    data_key: str
    """The files' data key, encrypted by kms, base64."""
    key_name: str
    """Name of the provider's key that it is encrypted under, "providers/{provider}/keys/{key_id}"."""
    files: tuple[ManifestFile, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """The agreement that a customer accepts before using the model."""

    offer_id: str
    eula_url: str
    eula_sha256: str
    eula_text: str


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """The payload of a manifest. Everything in it was checked when it was made."""

    version: int
    provider: str
    provider_name: str
    model_id: str
    model_name: str
    family: str
    """How requests and answers look: one of FAMILIES."""
    task: str
    """What the model process does: one of TASKS."""
    input_modalities: tuple[str, ...]
    output_modalities: tuple[str, ...]
    inference_types: tuple[str, ...]
    customizations: tuple[str, ...]
    response_streaming: bool
    lifecycle: str
    """ACTIVE or LEGACY."""
    max_input_tokens: int
    regions: tuple[str, ...]
    """Regions where the model is offered; ("*",) means all."""
    license: str
    """SPDX expression."""
    offer: Offer
    max_output_tokens: int = 0
    """0 for models that do not generate."""
    default_output_tokens: int = 0
    dimensions: int = 0
    """Length of a vector; 0 for models that do not embed."""
    artifact: Artifact | None = None
    """None for a model without weights (task echo)."""

    def __post_init__(self) -> None:
        """Check every field. Raises ManifestError."""
        _check(self)

    def offered_in(self, region: str) -> bool:
        """Whether the model is offered in `region`."""
        return "*" in self.regions or region in self.regions


def parse(payload: bytes) -> ModelManifest:
    """Build a manifest from its JSON payload, refusing unknown and missing keys. Raises ManifestError."""
    try:
        document = strict_json.parse(payload)
    except TlogError as error:
        raise ManifestError("the manifest is not JSON") from error
    return from_document(document)


def from_document(document: Any) -> ModelManifest:
    """Build a manifest from decoded JSON. Raises ManifestError."""
    return _build(document, ModelManifest, "manifest")


def to_document(manifest: ModelManifest) -> dict[str, Any]:
    """The manifest as JSON-compatible data; `from_document` reverses it."""
    document = dataclasses.asdict(manifest)
    if manifest.artifact is None:
        del document["artifact"]
    return document


def sign(manifest: ModelManifest, key: Ed25519PrivateKey) -> bytes:
    """Return the signed envelope of a manifest."""
    payload = json.dumps(to_document(manifest), ensure_ascii=False, sort_keys=True).encode()
    envelope = dsse.sign(payload, PAYLOAD_TYPE, key)
    if len(envelope) > MAX_SIZE:
        raise ManifestError(f"the signed manifest is larger than {MAX_SIZE} bytes")
    return envelope


def verify(envelope: bytes, provider: str, keys: Iterable[Ed25519PublicKey]) -> ModelManifest:
    """Return the manifest if one of `provider`'s registered `keys` signed it and it is about `provider`.

    Raises ManifestError. The provider is the caller's knowledge (the folder, the pool), so that one
    provider's key never vouches for another provider's model.
    """
    if len(envelope) > MAX_SIZE:
        raise ManifestError(f"the signed manifest is larger than {MAX_SIZE} bytes")
    try:
        payload = dsse.verify(envelope, PAYLOAD_TYPE, {dsse.key_id(key): key for key in keys})
    except dsse.EnvelopeError as error:
        raise ManifestError(str(error)) from error
    manifest = parse(payload)
    if manifest.provider != provider:
        raise ManifestError("the manifest is of another provider")
    return manifest


def artifact_sha256(files: Iterable[tuple[str, str]]) -> str:
    """Hash of an artifact from (path, sha256) of its files: over what `sha256sum` prints, sorted by path."""
    lines = "".join(f"{sha256}  {path}\n" for path, sha256 in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def weights_context(provider: str, artifact: str, sha256: str) -> dict[str, str]:
    """Return the encryption context that the data key of an artifact is bound to.

    A grant to a pool can be constrained to it, and is then one to this artifact.
    """
    return {
        "craton:provider": provider,
        "craton:artifact": artifact,
        "craton:artifact-sha256": sha256,
    }


def _check(manifest: ModelManifest) -> None:
    _require(manifest.version == VERSION, "version", f"must be {VERSION}")
    _require(bool(_PROVIDER.fullmatch(manifest.provider)), "provider", "must match [a-z][a-z0-9-]{0,31}")
    _require(
        bool(_MODEL_ID.fullmatch(manifest.model_id))
        and manifest.model_id.startswith(manifest.provider + "."),
        "model_id",
        'must be "<provider>.<name>" in lower case, of the same provider',
    )
    for field in ("provider_name", "model_name", "license"):
        _require(0 < len(getattr(manifest, field)) <= 200, field, "must have 1 to 200 characters")
    _require(manifest.family in FAMILIES, "family", f"must be one of {', '.join(FAMILIES)}")
    _require(manifest.task in TASKS, "task", f"must be one of {', '.join(TASKS)}")
    for field, allowed in (
        ("input_modalities", _MODALITIES),
        ("output_modalities", _MODALITIES),
        ("inference_types", _INFERENCE_TYPES),
        ("customizations", _CUSTOMIZATIONS),
    ):
        _require(set(getattr(manifest, field)) <= allowed, field, f"knows {', '.join(sorted(allowed))}")
    _require(manifest.lifecycle in ("ACTIVE", "LEGACY"), "lifecycle", "must be ACTIVE or LEGACY")
    _require(0 < manifest.max_input_tokens < 1 << 31, "max_input_tokens", "must be positive")
    embeds = manifest.family == "titan-embeddings"
    _require(embeds == (manifest.task == "embeddings"), "task", "does not fit the family")
    _require((manifest.dimensions > 0) == embeds, "dimensions", "is for embedding models, and needed there")
    if not embeds:
        limits = 0 < manifest.default_output_tokens <= manifest.max_output_tokens
        _require(limits, "default_output_tokens", "must be from 1 to max_output_tokens")
    _require(bool(manifest.regions), "regions", 'must name a region or "*"')
    for region in manifest.regions:
        _require(bool(_REGION.fullmatch(region)), "regions", 'must be region names or "*"')
    offer = manifest.offer
    _require(0 < len(offer.offer_id) <= 128, "offer.offer_id", "must have 1 to 128 characters")
    text_hash = hashlib.sha256(offer.eula_text.encode()).hexdigest()
    _require(offer.eula_sha256 == text_hash, "offer.eula_sha256", "must be the hash of eula_text")
    _require((manifest.artifact is None) == (manifest.task == "echo"), "artifact", "does not fit the task")
    if manifest.artifact is not None:
        _check_artifact(manifest.artifact, manifest.provider)


def _check_artifact(artifact: Artifact, provider: str) -> None:
    _require(
        bool(_ARTIFACT.fullmatch(artifact.name)), "artifact.name", "must match [a-z0-9][a-z0-9._-]{0,127}"
    )
    prefix = f"providers/{provider}/keys/"
    _require(artifact.key_name.startswith(prefix), "artifact.key_name", "must be a key of the provider")
    try:
        base64.b64decode(artifact.data_key, validate=True)
    except binascii.Error as error:
        raise ManifestError("artifact.data_key must be base64") from error
    _require(bool(artifact.files), "artifact.files", "must not be empty")
    for file in artifact.files:
        for path in (file.path, file.sealed_path):
            _require(_is_plain_path(path), "artifact.files", "need relative paths without . and ..")
        for value in (file.sha256, file.sealed_sha256):
            _require(bool(_SHA256.fullmatch(value)), "artifact.files", "need SHA-256 in lower-case hex")
        _require(0 <= file.size < file.sealed_size, "artifact.files", "need sizes, the sealed one larger")
    paths = {file.path for file in artifact.files}
    _require(len(paths) == len(artifact.files), "artifact.files", "must not repeat a path")
    expected = artifact_sha256((file.path, file.sha256) for file in artifact.files)
    _require(artifact.sha256 == expected, "artifact.sha256", "must be the hash over the files' hashes")


def _is_plain_path(path: str) -> bool:
    return (
        0 < len(path) <= 512
        and path.isprintable()
        and "\\" not in path
        and not path.startswith("/")
        and PurePosixPath(path).as_posix() == path
        and ".." not in PurePosixPath(path).parts
        and path != "."
    )


def _require(condition: bool, field: str, rule: str) -> None:
    if not condition:
        raise ManifestError(f"{field} {rule}")


def _build(data: Any, into: type[T], where: str) -> T:
    if not isinstance(data, dict):
        raise ManifestError(f"{where} must be an object")
    hints = typing.get_type_hints(into)
    fields = dataclasses.fields(into)  # type: ignore[arg-type]
    unknown = data.keys() - {field.name for field in fields}
    if unknown:
        raise ManifestError(f"{where} has unknown keys: {', '.join(sorted(map(str, unknown)))}")
    values: dict[str, Any] = {}
    for field in fields:
        if field.name in data:
            values[field.name] = _convert(data[field.name], hints[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING:
            raise ManifestError(f"{where}.{field.name} is missing")
    return into(**values)


def _convert(value: Any, hint: Any, where: str) -> Any:
    if typing.get_origin(hint) is types.UnionType:
        return None if value is None else _convert(value, typing.get_args(hint)[0], where)
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise ManifestError(f"{where} must be a list")
        return tuple(_convert(each, typing.get_args(hint)[0], f"{where}[]") for each in value)
    if dataclasses.is_dataclass(hint):
        return _build(value, typing.cast(type, hint), where)
    # bool is a subclass of int: only the exact type will do.
    if type(value) is not hint:
        raise ManifestError(f"{where} must be of type {hint.__name__}")
    return value
