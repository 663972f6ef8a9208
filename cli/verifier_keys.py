"""Options that say whom a command believes, and what it makes of them."""

from typing import Any

import click

from cli.output import CommandError
from tlog.checkpoint import Trust
from tlog.errors import TlogError
from tlog.note import VerifierKey

_EXAMPLE = "One looks like craton.local/audit+0a1b2c3d+AbCd…"


class VerifierKeyType(click.ParamType[VerifierKey]):
    """A verifier key of a log, a witness or an authority."""

    name = "key"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> VerifierKey:
        """Return the key. Raises click.BadParameter."""
        try:
            return VerifierKey.parse(value)
        except TlogError as error:
            self.fail(f"not a verifier key: {error}. {_EXAMPLE}", param, ctx)


key_option = click.option(
    "--key",
    type=VerifierKeyType(),
    metavar="KEY",
    help="The log's verifier key, as `craton audit key` prints it.",
)
witness_option = click.option(
    "--witness",
    "witnesses",
    type=VerifierKeyType(),
    metavar="KEY",
    multiple=True,
    help="A witness' verifier key. All that are given must have cosigned.",
)


def trust_of(key: VerifierKey, witnesses: tuple[VerifierKey, ...]) -> Trust:
    """Return whom to believe about a log. Raises click.UsageError."""
    try:
        return Trust(key, witnesses, quorum=len(witnesses))
    except TlogError as error:
        raise click.UsageError(f"--key and --witness do not go together: {error}.") from error


def service_key(text: str) -> VerifierKey:
    """Read a verifier key that a service answered. Raises CommandError."""
    try:
        return VerifierKey.parse(text)
    except TlogError as error:
        raise CommandError(f"The service answered what is no verifier key: {error}.") from error
