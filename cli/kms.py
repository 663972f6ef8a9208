"""`craton kms`: encryption keys of model providers, and custody of the root key."""

import click
from craton.kms.v1 import key_admin_service_pb2 as pb
from craton.kms.v1.key_admin_service_pb2_grpc import KeyAdminServiceStub

from cli import custody
from cli.output import CommandError, Exit, as_dict, emit, grpc_errors, json_option
from cli.pages import pages
from cli.session import Session
from deploy.local.stack import Stack

_COLUMNS = ("name", "state", "primary_version", "description")


@click.group()
def kms() -> None:
    """Look at the encryption keys of a provider, disable and enable them; seal and unseal the key service.

    \b
    Example:
      craton kms list craton
    """


for command in custody.COMMANDS:
    kms.add_command(command)


def _stub(session: Session) -> KeyAdminServiceStub:
    return KeyAdminServiceStub(session.channel("kms"))


@kms.command("list")
@click.argument("provider")
@json_option
@grpc_errors
def list_(provider: str, as_json: bool) -> None:
    """List a provider's keys.

    \b
    Example:
      craton kms list craton --json
    """
    session = Session(Stack.here())
    request = pb.ListKeysRequest(parent=f"providers/{provider}")
    found = [as_dict(each) for each in pages(session, _stub(session).ListKeys, request, "keys")]
    if not found:
        # A provider has a key from its first model on.
        raise CommandError(f"No model of a provider '{provider}' was published.", Exit.NOT_FOUND)
    emit(found, as_json=as_json, columns=_COLUMNS)


@kms.command()
@click.argument("name")
@json_option
@grpc_errors
def disable(name: str, as_json: bool) -> None:
    """Refuse every use of a key from now on; models sealed under it are unloaded within a minute.

    \b
    Example:
      craton kms disable providers/craton/keys/0f6c…
    """
    session = Session(Stack.here())
    emit(
        as_dict(session.call(_stub(session).DisableKey, pb.DisableKeyRequest(name=name)).key), as_json=as_json
    )


@kms.command()
@click.argument("name")
@json_option
@grpc_errors
def enable(name: str, as_json: bool) -> None:
    """Make a disabled key usable again.

    \b
    Example:
      craton kms enable providers/craton/keys/0f6c…
    """
    session = Session(Stack.here())
    emit(as_dict(session.call(_stub(session).EnableKey, pb.EnableKeyRequest(name=name)).key), as_json=as_json)
