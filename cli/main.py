"""`craton`: the command line of a Craton installation."""

import importlib
from typing import Any

import click

from cli.output import CommandError, Exit
from services.chassis.config import ConfigError

_COMMANDS = {
    "up": "cli.stack_commands:up",
    "down": "cli.stack_commands:down",
    "status": "cli.stack_commands:status",
    "clean": "cli.stack_commands:clean",
    "invoke": "cli.invoke:invoke",
    "models": "cli.models:models",
    "accounts": "cli.accounts:accounts",
    "organization": "cli.organization:organization",
    "users": "cli.users:users",
    "groups": "cli.groups:groups",
    "roles": "cli.roles:roles",
    "whoami": "cli.whoami:whoami",
    "oidc-providers": "cli.oidc_providers:oidc_providers",
    "keys": "cli.keys:keys",
    "api-keys": "cli.api_keys:api_keys",
    "policies": "cli.policies:policies",
    "endpoints": "cli.endpoints:endpoints",
    "kms": "cli.kms:kms",
    "audit": "cli.audit:audit",
    "receipts": "cli.receipts:receipts",
    "trails": "cli.trails:trails",
    "pki": "cli.pki:pki",
}


class _LazyGroup(click.Group):
    """Imports a command when it is used, so that `craton --help` does not wait for gRPC and botocore."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Name the commands in the order of a first visit."""
        return list(_COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """Import a command by its name."""
        target = _COMMANDS.get(name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 (a wrong entry in the table above)
        return command

    def invoke(self, context: click.Context) -> Any:
        """Run the command; what the environment got wrong is one message instead of a traceback."""
        try:
            return super().invoke(context)
        except ConfigError as error:
            raise click.UsageError(str(error)) from error
        except PermissionError as error:
            raise CommandError(_not_yours(error), Exit.REFUSED) from error


def _not_yours(error: PermissionError) -> str:
    what = error.filename or "the control socket"
    return (
        f"{what}: {error.strerror}. Is this stack another user's? Run as the user who started it, or have "
        "a stack of your own: CRATON_HOME=<a folder of yours>"
    )


def _remember_role(context: click.Context, _parameter: click.Parameter, role: str | None) -> None:
    """Keep the role for the sessions of whatever command it stands before: see cli.session."""
    context.obj = role


@click.command(
    cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.option(
    "--role",
    metavar="ARN",
    expose_value=False,
    callback=_remember_role,
    help="Act as a session of this role, which the AWS profile assumes.",
)
def main() -> None:
    """Run and use a Craton installation.

    \b
    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 not found, 5 unavailable.
    Environment: CRATON_HOME (state, default <repository>/var), CRATON_ADDRESS (an IPv4 address of
    127.0.0.0/8, default 127.0.0.1), AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE and AWS_PROFILE
    (default: the stack's administrator).

    \b
    Example:
      craton up
      craton invoke craton.tiny-chat-v1 "Tell me a short story."
      craton audit lookup --event-name InvokeModelWithResponseStream
      craton --role arn:aws:iam::123456789012:role/reader models list
    """


if __name__ == "__main__":
    main(prog_name="craton")
