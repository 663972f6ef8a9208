"""`craton models publish`: the command around `cli.publish`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import grpc
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli.manifest_source import SourceError
from cli.publish import Advance, KmsDataKeys, open_objects, publish, read_signing_key
from services.chassis.catalog import read_providers
from services.chassis.config import environment
from services.chassis.manifest import ManifestError
from services.chassis.sealing.frames import SealingError
from services.chassis.settings import TlsSettings


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
@click.option(
    "--key",
    "key_name",
    default="",
    help="Key in kms, providers/PROVIDER/keys/ID; the provider's first by default.",
)
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
                key_name=key_name or keys.first_key(provider),
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
