"""Options that say whom a command believes, and what it makes of them."""

import click

from cli.output import CommandError
from tlog.checkpoint import Trust
from tlog.errors import TlogError
from tlog.note import VerifierKey

key_option = click.option(
    "--key", "key_text", metavar="KEY", help="The log's verifier key, as `craton audit key` prints it."
)
witness_option = click.option(
    "--witness",
    "witnesses",
    metavar="KEY",
    multiple=True,
    help="A witness' verifier key. All that are given must have cosigned.",
)


def trust_of(key_text: str, witnesses: tuple[str, ...]) -> Trust:
    """Return whom to believe about a log. Raises CommandError."""
    keys = tuple(map(verifier_key, witnesses))
    try:
        return Trust(verifier_key(key_text), keys, quorum=len(keys))
    except TlogError as error:
        raise CommandError(f"--key and --witness do not go together: {error}.") from error


def verifier_key(text: str) -> VerifierKey:
    """Read a verifier key. Raises CommandError."""
    try:
        return VerifierKey.parse(text)
    except TlogError as error:
        raise CommandError(
            f"Not a verifier key: {error}. One looks like craton.local/audit+0a1b2c3d+AbCd…"
        ) from error
