"""The catalog directory: signed manifests, and the providers whose keys the operator registered.

    <catalog>/providers.toml
    <catalog>/<provider>/<model id>/manifest.dsse.json

providers.toml is the operator's: one table a provider, with its Ed25519 public keys (32 bytes, base64).

    [providers.craton]
    public_keys = ["uqLbZ…="]
"""

import base64
import binascii
import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.chassis import manifest as manifests
from services.chassis.manifest import ManifestError, ModelManifest

MANIFEST_FILE = "manifest.dsse.json"
PROVIDERS_FILE = "providers.toml"


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a catalog directory held when it was read."""

    manifests: tuple[ModelManifest, ...]
    """Verified, in the order of their model ids."""
    refused: tuple[tuple[str, str], ...]
    """(model folder, reason) of manifests that were not taken: one provider's mistake stops nobody else."""
    sha256: Mapping[str, str]
    """Of the signed files, as they lie there, in hex: by the ids of the models that were taken."""

    def of_provider(self, provider: str) -> tuple[ModelManifest, ...]:
        """The verified manifests of one provider."""
        return tuple(each for each in self.manifests if each.provider == provider)


def read_providers(catalog: Path) -> dict[str, tuple[Ed25519PublicKey, ...]]:
    """Read the registered keys. Raises ManifestError when the file is malformed; none when it is missing."""
    path = catalog / PROVIDERS_FILE
    if not path.exists():
        return {}
    try:
        table = tomllib.loads(path.read_text())["providers"]
        return {
            str(name): tuple(
                Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
                for key in entry["public_keys"]
            )
            for name, entry in table.items()
        }
    except (
        tomllib.TOMLDecodeError,
        KeyError,
        TypeError,
        AttributeError,
        binascii.Error,
        ValueError,
    ) as error:
        raise ManifestError(f"{PROVIDERS_FILE} is malformed: {type(error).__name__}") from error


def register_provider(catalog: Path, provider: str, key: Ed25519PublicKey) -> None:
    """Add a provider's key; registering it again changes nothing. The file is replaced in one step."""
    known = {name: list(keys) for name, keys in read_providers(catalog).items()}
    keys = known.setdefault(provider, [])
    if key.public_bytes_raw() in [each.public_bytes_raw() for each in keys]:
        return
    keys.append(key)
    catalog.mkdir(parents=True, exist_ok=True)
    lines = ["# Keys that may sign manifests, by provider: Ed25519, 32 bytes, base64.\n"]
    for name in sorted(known):
        encoded = ", ".join(f'"{base64.b64encode(each.public_bytes_raw()).decode()}"' for each in known[name])
        lines.append(f"\n[providers.{name}]\npublic_keys = [{encoded}]\n")
    _replace(catalog / PROVIDERS_FILE, "".join(lines).encode())


def write_manifest(catalog: Path, manifest: ModelManifest, envelope: bytes) -> Path:
    """Put a signed manifest into the catalog in one step and return where it lies."""
    path = catalog / manifest.provider / manifest.model_id / MANIFEST_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, envelope)
    return path


def read_catalog(
    catalog: Path, providers: Mapping[str, tuple[Ed25519PublicKey, ...]] | None = None
) -> Catalog:
    """Read and verify every manifest below `catalog`.

    A manifest counts only in the folder of its own provider and model id, signed by a key registered for
    that provider. `providers` defaults to what providers.toml registers.
    """
    keys = read_providers(catalog) if providers is None else providers
    taken: list[ModelManifest] = []
    refused: list[tuple[str, str]] = []
    digests: dict[str, str] = {}
    for path in sorted(catalog.glob(f"*/*/{MANIFEST_FILE}")):
        model_id, provider = path.parent.name, path.parent.parent.name
        try:
            manifest, digests[model_id] = _read_manifest(path, provider, model_id, keys.get(provider, ()))
            taken.append(manifest)
        except (OSError, ManifestError) as error:
            refused.append((f"{provider}/{model_id}", str(error)))
    return Catalog(tuple(sorted(taken, key=lambda each: each.model_id)), tuple(refused), digests)


def _read_manifest(
    path: Path, provider: str, model_id: str, keys: tuple[Ed25519PublicKey, ...]
) -> tuple[ModelManifest, str]:
    with path.open("rb") as file:
        envelope = file.read(manifests.MAX_SIZE + 1)
    manifest = manifests.verify(envelope, provider, keys)
    if manifest.model_id != model_id:
        raise ManifestError("the manifest is of another model than its folder")
    return manifest, hashlib.sha256(envelope).hexdigest()


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.chmod(0o644)
    temporary.replace(path)
