"""`craton pki`."""

from datetime import UTC, datetime

import click
from cryptography import x509

from cli.output import emit, json_option
from deploy.local.stack import Stack
from deploy.pki.authority import renewal_due
from deploy.pki.inventory import leaves
from deploy.pki.issue import issue_due

_COLUMNS = ("name", "identity", "expires", "renewal_due")


@click.group()
def pki() -> None:
    """Look at the stack's certificates and renew them.

    \b
    Example:
      craton pki list
    """


@pki.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the certificates with their identities and times.

    \b
    Example:
      craton pki list --json
    """
    rows = []
    for leaf in leaves(Stack.here()):
        path = leaf.directory / leaf.certificate_name
        if path.exists():
            content = path.read_bytes()
            rows.append(
                {
                    "name": leaf.directory.name,
                    "identity": leaf.request.uri or leaf.request.dns_names[0],
                    "expires": x509.load_pem_x509_certificate(content).not_valid_after_utc.isoformat(),
                    "renewal_due": renewal_due(content).isoformat(),
                }
            )
    emit(rows, as_json=as_json, columns=_COLUMNS)


@pki.command()
@click.option("--force", is_flag=True, help="Also those that are not due: models are away for a while.")
@json_option
def renew(force: bool, as_json: bool) -> None:
    """Renew what is missing or past two thirds of its life; services take new certificates without a restart.

    Model servers read theirs once: a pool whose model server has a new one starts its sandbox anew, and its
    models are away until they are loaded again. These certificates live for 30 days.

    \b
    Example:
      craton pki renew --force
    """
    issued = issue_due(Stack.here(), datetime.now(UTC), force=force)
    emit([{"name": name} for name in issued], as_json=as_json, columns=("name",))
