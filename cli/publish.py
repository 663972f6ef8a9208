"""Publishing: seals a model on its publisher's machine and puts it into an installation.

Plaintext weights never leave this process: what is written is ciphertext under a data key that only the
key service can open again, for the provider's own pool.
"""

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import grpc
import obstore
from craton.kms.v1 import model_key_service_pb2 as kms
from craton.kms.v1.key_admin_service_pb2 import ListKeysRequest
from craton.kms.v1.key_admin_service_pb2_grpc import KeyAdminServiceStub
from craton.kms.v1.model_key_service_pb2_grpc import ModelKeyServiceStub
from craton.kms.v1.resources_pb2 import KEY_STATE_ENABLED
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from obstore.store import ObjectStore, from_url

from cli.manifest_source import (
    ManifestSource,
    SourceError,
    check_document,
    check_weights,
    hash_files,
    list_files,
    read_source,
)
from services.chassis.catalog import MANIFEST_FILE, write_manifest
from services.chassis.identity import WorkloadId
from services.chassis.manifest import (
    Artifact,
    ManifestError,
    ManifestFile,
    ModelManifest,
    artifact_sha256,
    sign,
    verify,
)
from services.chassis.randomness import Randomness, SystemRandomness
from services.chassis.sealing.frames import FileSealer, SealingError, sealed_size
from services.chassis.secret import SecretBytes
from services.chassis.settings import TlsSettings
from services.chassis.tls import channel_credentials

_KMS_TIMEOUT_S = 10.0


class DataKeys(Protocol):
    """Where data keys come from."""

    def generate(self, key_name: str, context: kms.ModelContext) -> tuple[SecretBytes, bytes]:
        """Return a new data key and the same key encrypted under `key_name`, bound to `context`."""


class Advance(Protocol):
    """Told how far publishing is."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """`what` is being worked on; `done` of `total` bytes are through."""


class KmsDataKeys:
    """Data keys from an installation's key service, asked for under the provider's certificate."""

    def __init__(self, target: str, tls: TlsSettings, trust_domain: str = "craton.local") -> None:
        """`target` is host:port. Raises OSError or ValueError when the certificate files cannot be used."""
        name = WorkloadId(trust_domain, "service", "kms").dns_name
        self._channel = grpc.secure_channel(
            target, channel_credentials(tls), options=[("grpc.ssl_target_name_override", name)]
        )
        self._stub = ModelKeyServiceStub(self._channel)
        self._keys = KeyAdminServiceStub(self._channel)

    def first_key(self, provider: str) -> str:
        """Name of the provider's first enabled key. Raises SourceError when it has none, grpc.RpcError."""
        request = ListKeysRequest(parent=f"providers/{provider}")
        for key in self._keys.ListKeys(request, timeout=_KMS_TIMEOUT_S).keys:
            if key.state == KEY_STATE_ENABLED:
                return str(key.name)
        raise SourceError(f"provider {provider} has no enabled key in the key service")

    def generate(self, key_name: str, context: kms.ModelContext) -> tuple[SecretBytes, bytes]:
        """Ask the key service. Raises grpc.RpcError when it refuses."""
        request = kms.GenerateModelDataKeyRequest(key_name=key_name, context=context)
        response = self._stub.GenerateModelDataKey(request, timeout=_KMS_TIMEOUT_S)
        return SecretBytes(response.plaintext), response.ciphertext

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()


@dataclass(frozen=True, slots=True)
class Publication:
    """What publishing did for one model."""

    manifest: ModelManifest
    path: Path
    changed: bool
    """False when the same model was published before and nothing was written."""


def publish(
    directory: Path | None,
    provider: str,
    manifest_tomls: Sequence[Path],
    *,
    key_name: str,
    data_keys: DataKeys,
    signing_key: Ed25519PrivateKey,
    objects: ObjectStore,
    catalog: Path,
    packages: Sequence[Path] = (),
    force: bool = False,
    randomness: Randomness | None = None,
    advance: Advance = lambda _what, _done, _total: None,
) -> tuple[Publication, ...]:
    """Seal the weights in `directory` once and publish every one of `manifest_tomls` on them.

    `directory` may be None when the manifests say where the files lie, or when there are none (task echo).
    `packages` are site-packages folders to look for weights in that a Python package carries. Models that
    are in the catalog with the same contents already are left alone unless `force`.

    Raises SourceError for what the publisher can mend, SealingError when a file changes meanwhile,
    grpc.RpcError when the key service refuses.
    """
    sources = [read_source(path, packages) for path in manifest_tomls]
    for source in sources:
        if source.document.get("provider") != provider:
            raise SourceError(f"{source.path}: the manifest is not of provider {provider}")
    kinds = {
        (source.artifact_name, source.directory, source.files, source.expected_sha256) for source in sources
    }
    if len(kinds) != 1:
        raise SourceError("models that are published together must have the same artifact")
    first = sources[0]
    if first.artifact_name is None:
        return tuple(_finish(source, None, signing_key, catalog, force) for source in sources)
    directory = directory or first.directory
    if directory is None:
        raise SourceError(f"{first.path}: neither the command nor the manifest says where the weights are")
    files = list_files(directory, first.files)
    check_weights(directory, files)
    total = sum((directory / name).stat().st_size for name in files)
    hashes = hash_files(directory, files, _counter("reading", total, advance))
    digest = artifact_sha256(hashes.items())
    if first.expected_sha256 not in (None, digest):
        raise SourceError(
            f"{first.path}: the files' hash is {digest}, not the artifact.sha256 that it expects"
        )
    known = [_published(source, digest, signing_key, catalog) for source in sources]
    if not force and all(each and _is_sealed(each.manifest, key_name, objects) for each in known):
        return tuple(each for each in known if each is not None)
    context = kms.ModelContext(provider=provider, artifact=first.artifact_name, artifact_sha256=digest)
    # Everything that can be wrong with a manifest is found before a key is made or a byte is written.
    for source in sources:
        check_document(source, asdict(_unsealed(first.artifact_name, digest, key_name, directory, hashes)))
    key, encrypted = data_keys.generate(key_name, context)
    folder = (
        f"models/{provider}/{first.artifact_name}/{(randomness or SystemRandomness()).token_bytes(8).hex()}"
    )
    count = _counter("sealing", total, advance)
    sealed = tuple(
        _seal(directory, name, hashes[name], f"{folder}/{name}", key, objects, count, randomness)
        for name in files
    )
    artifact = Artifact(first.artifact_name, digest, base64.b64encode(encrypted).decode(), key_name, sealed)
    return tuple(_finish(source, artifact, signing_key, catalog, force=True) for source in sources)


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """Read a provider's signing key (PKCS#8 PEM). Raises SourceError."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise SourceError(f"{path}: not a readable private key in PEM: {type(error).__name__}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SourceError(f"{path}: manifests are signed with an Ed25519 key")
    return key


def open_objects(url: str) -> ObjectStore:
    """Open an object store by URL; a file:// store's folder is made if it is missing."""
    if url.startswith("file://"):
        Path(url.removeprefix("file://")).mkdir(parents=True, exist_ok=True)
    return from_url(url)


def _seal(
    directory: Path,
    name: str,
    sha256: str,
    sealed_path: str,
    key: SecretBytes,
    objects: ObjectStore,
    count: Callable[[int], None],
    randomness: Randomness | None,
) -> ManifestFile:
    size = (directory / name).stat().st_size

    def counted(frames: Iterator[bytes]) -> Iterator[bytes]:
        for frame in frames:
            yield frame
            count(len(frame))

    with (directory / name).open("rb") as source:
        sealer = FileSealer(source, size, key, name, randomness or SystemRandomness())
        obstore.put(objects, sealed_path, counted(sealer.frames()))
    result = sealer.result
    if result.sha256 != sha256:
        raise SealingError(f"{name} was changed while it was published")
    return ManifestFile(
        name, result.size, result.sha256, sealed_path, result.sealed_size, result.sealed_sha256
    )


def _unsealed(name: str, digest: str, key_name: str, directory: Path, hashes: dict[str, str]) -> Artifact:
    """The artifact as it will be, for checking a manifest before anything is sealed."""
    sizes = {path: (directory / path).stat().st_size for path in hashes}
    files = tuple(
        ManifestFile(path, sizes[path], sha256, path, sealed_size(sizes[path]), sha256)
        for path, sha256 in sorted(hashes.items())
    )
    return Artifact(name, digest, "", key_name, files)


def _published(
    source: ManifestSource, digest: str | None, signing_key: Ed25519PrivateKey, catalog: Path
) -> Publication | None:
    """The model as the catalog has it, if it says what the source says."""
    document = source.document
    path = catalog / str(document["provider"]) / str(document.get("model_id")) / MANIFEST_FILE
    try:
        manifest = verify(path.read_bytes(), str(document["provider"]), [signing_key.public_key()])
    except (OSError, ManifestError):
        return None
    artifact = None if manifest.artifact is None else asdict(manifest.artifact)
    same = (artifact or {}).get("sha256") == digest and check_document(source, artifact) == manifest
    return Publication(manifest, path, changed=False) if same else None


def _is_sealed(manifest: ModelManifest, key_name: str, objects: ObjectStore) -> bool:
    """Whether the objects of a published model are there, under the wanted key."""
    if manifest.artifact is None or manifest.artifact.key_name != key_name:
        return False
    try:
        return all(
            obstore.head(objects, file.sealed_path)["size"] == file.sealed_size
            for file in manifest.artifact.files
        )
    except FileNotFoundError:
        return False


def _finish(
    source: ManifestSource,
    artifact: Artifact | None,
    signing_key: Ed25519PrivateKey,
    catalog: Path,
    force: bool,
) -> Publication:
    known = None if force else _published(source, None, signing_key, catalog)
    if known is not None:
        return known
    manifest = check_document(source, None if artifact is None else asdict(artifact))
    path = write_manifest(catalog, manifest, sign(manifest, signing_key))
    return Publication(manifest, path, changed=True)


def _counter(what: str, total: int, advance: Advance) -> Callable[[int], None]:
    done = 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        # Sealing adds a few bytes to each frame, which nobody wants to see as 101 %.
        advance(what, min(done, total), total)

    return count
