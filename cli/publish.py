"""`craton models publish`: seals a model on its publisher's machine and puts it into an installation.

Plaintext weights never leave this process: what is written is ciphertext under a data key that only the
key service can open again, for the provider's own pool.
"""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import click
import grpc
import obstore
from craton.kms.v1 import model_key_service_pb2 as kms
from craton.kms.v1.model_key_service_pb2_grpc import ModelKeyServiceStub
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from obstore.store import ObjectStore, from_url
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli.manifest_source import (
    ManifestSource,
    SourceError,
    check_document,
    check_weights,
    hash_files,
    list_files,
    read_source,
)
from services.chassis.catalog import MANIFEST_FILE, read_providers, write_manifest
from services.chassis.config import environment
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


@contextmanager
def _progress(enabled: bool) -> Iterator[Advance]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not enabled) as progress:
        tasks: dict[str, Any] = {}

        def advance(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done)

        yield advance


@click.command("publish")
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--provider", required=True, help="Provider that publishes, for example craton.")
@click.option(
    "--manifest", "manifests", required=True, multiple=True, type=click.Path(exists=True, path_type=Path),
    help="manifest.toml of the model; several share one sealed copy of the weights.",
)  # fmt: skip
@click.option("--key", "key_name", default="", help="Key in kms: providers/PROVIDER/keys/ID.")
@click.option("--kms", "target", default="", help="host:port of kms; the local stack's by default.")
@click.option(
    "--certificates", type=click.Path(path_type=Path), help="Folder with tls.crt, tls.key and ca.crt."
)
@click.option("--signing-key", type=click.Path(path_type=Path), help="The provider's Ed25519 key, PEM.")
@click.option("--objects", "objects_url", default="", help="URL of the object store.")
@click.option("--catalog", type=click.Path(path_type=Path), help="Catalog folder.")
@click.option("--force", is_flag=True, help="Seal and sign again although nothing changed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def publish_command(
    directory: Path | None,
    provider: str,
    manifests: tuple[Path, ...],
    key_name: str,
    target: str,
    certificates: Path | None,
    signing_key: Path | None,
    objects_url: str,
    catalog: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Seal the safetensors model in DIRECTORY on this machine and publish it.

    \b
    Example:
      craton models publish ~/models/Qwen3-0.6B --provider craton --manifest qwen3.toml
          --key providers/craton/keys/0f6c…
    """
    variables = environment()
    home = Path(variables["CRATON_HOME"])
    folder = certificates or home / "pki" / f"provider-{provider}"
    catalog = catalog or home / "catalog"
    try:
        signer = read_signing_key(signing_key or home / "providers" / provider / "signing.key")
        registered = read_providers(catalog).get(provider, ())
        if signer.public_key() not in registered:
            click.echo(f"note: this signing key is not registered for {provider} in {catalog}", err=True)
        keys = KmsDataKeys(
            target or f"{variables['CRATON_ADDRESS']}:7104",
            TlsSettings(folder / "tls.crt", folder / "tls.key", folder / "ca.crt"),
        )
        with _progress(enabled=not as_json) as advance:
            done = publish(
                directory,
                provider,
                manifests,
                key_name=key_name,
                data_keys=keys,
                signing_key=signer,
                objects=open_objects(objects_url or f"file://{home / 'objects'}"),
                catalog=catalog,
                force=force,
                advance=advance,
            )
    except grpc.RpcError as error:
        raise click.ClickException(
            f"the key service refused: {error.code().name}: {error.details()}"
        ) from error
    except (SourceError, SealingError, ManifestError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    rows = [
        {"model_id": each.manifest.model_id, "manifest": str(each.path), "changed": each.changed}
        for each in done
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        for row in rows:
            click.echo(
                f"{row['model_id']}  {'published' if row['changed'] else 'unchanged'}  {row['manifest']}"
            )
