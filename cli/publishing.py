"""Publishing the bundled models: as their providers, each with its own certificate and signing key."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import grpc
from craton.kms.v1 import key_admin_service_pb2 as kms_pb
from craton.kms.v1 import resources_pb2 as kms_resources
from craton.kms.v1.key_admin_service_pb2_grpc import KeyAdminServiceStub
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cli.manifest_source import SourceError, read_source
from cli.output import CommandError, raise_command_error
from cli.progress import Update
from cli.publish import KmsDataKeys, open_objects, publish, read_signing_key
from cli.session import Session
from deploy.local.stack import Provider, Stack
from deploy.pki.store import write_private
from services.chassis.catalog import register_provider
from services.chassis.manifest import ManifestError
from services.chassis.sealing.frames import SealingError
from services.chassis.settings import TlsSettings

_KEY_DESCRIPTION = "Weights of the bundled models"


def publish_bundled(stack: Stack, update: Update) -> None:
    """Publish what deploy/catalog holds of the stack's providers; models that did not change stay."""
    for provider in stack.definition.providers:
        update(provider.name)
        try:
            _publish_provider(stack, provider, update)
        except grpc.RpcError as error:
            raise_command_error(error)
        except (SourceError, SealingError, ManifestError, OSError) as error:
            raise CommandError(f"provider {provider.name}: {error}") from error


def _publish_provider(stack: Stack, provider: Provider, update: Update) -> None:
    signing_key = _signing_key(stack, provider.name)
    register_provider(stack.catalog, provider.name, signing_key.public_key())
    directory = stack.identity_dir("provider", provider.name)
    tls = TlsSettings(directory / "tls.crt", directory / "tls.key", directory / "ca.crt")
    kms_port = next(each.port for each in stack.definition.services if each.name == "kms")
    data_keys = KmsDataKeys(f"{stack.address}:{kms_port}", tls, stack.definition.trust_domain)
    packages = [stack.root / ".venv/weights/lib/python3.11/site-packages"]
    try:
        for manifests in _by_artifact(stack, provider.name, packages):
            publish(
                None,
                provider.name,
                manifests,
                key_name=_weights_key(stack, provider.name),
                data_keys=data_keys,
                signing_key=signing_key,
                objects=open_objects(f"file://{stack.home / 'objects'}"),
                catalog=stack.catalog,
                packages=packages,
                advance=lambda what, done, total: update(f"{what} {provider.name}: {100 * done // total} %"),
            )
    finally:
        data_keys.close()
    _open_to_readers(stack)


def _by_artifact(stack: Stack, provider: str, packages: list[Path]) -> Iterator[list[Path]]:
    """Yield the manifests of a provider, those with the same weights together: they are sealed once."""
    groups: defaultdict[str, list[Path]] = defaultdict(list)
    for path in sorted((stack.root / "deploy/catalog" / provider).glob("*/manifest.toml")):
        groups[read_source(path, packages).artifact_name or path.parent.name].append(path)
    yield from groups.values()


def _signing_key(stack: Stack, provider: str) -> Ed25519PrivateKey:
    path = stack.home / "providers" / provider / "signing.key"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = Ed25519PrivateKey.generate()
        content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(path, content, stack.uid(0))
    return read_signing_key(path)


def _weights_key(stack: Stack, provider: str) -> str:
    """Return the provider's first key in kms, made when there is none; as the provider, who alone may."""
    session = Session(stack, kind="provider", name=provider)
    try:
        stub, parent = KeyAdminServiceStub(session.channel("kms")), f"providers/{provider}"
        found = session.call(stub.ListKeys, kms_pb.ListKeysRequest(parent=parent)).keys
        for key in found:
            if key.state == kms_resources.KEY_STATE_ENABLED:
                return str(key.name)
        request = kms_pb.CreateKeyRequest(parent=parent, description=_KEY_DESCRIPTION)
        return str(session.call(stub.CreateKey, request).key.name)
    finally:
        session.close()


def _open_to_readers(stack: Stack) -> None:
    """Let the services read the catalogue and the ciphertext: neither is secret."""
    for folder in (stack.catalog, stack.home / "objects"):
        for path in folder.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
