"""`craton up`, `down`, `status` and `clean`."""

import shutil

import click

from cli.output import CommandError, console, json_option
from cli.progress import step
from deploy.local.stack import Stack
from deploy.local.supervisor import Supervisor


@click.command()
@click.option(
    "--sample/--no-sample", default=True, help="Invoke a model at the end and show its audit record."
)
@json_option
def up(sample: bool, as_json: bool) -> None:
    """Start everything, publish the bundled models, and run the sample.

    It is safe to run again: what runs is left alone, what is missing is added.

    \b
    Example:
      craton up --no-sample
    """
    from cli.start import start

    start(Stack.here(), sample=sample, as_json=as_json)


@click.command()
@json_option
def down(as_json: bool) -> None:
    """Stop everything; the state stays.

    \b
    Example:
      craton down
    """
    from cli.output import emit

    stack = Stack.here()
    supervisor = Supervisor(stack)
    was_running = supervisor.running()
    if as_json:
        supervisor.stop()
        emit({"was_running": was_running, "running": False}, as_json=True)
        return
    with step("stopping") as update:
        supervisor.stop(update)
    console.print("stopped" if was_running else "nothing was running", f"; {stack.home} stays", sep="")


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Show programs, health, isolation of the pools, custody of the root key, and memory.

    The exit code is 0 when every program serves and every published model is ready to be invoked, 5 when the
    stack is not running, else 1.

    \b
    Example:
      craton status --json
    """
    from cli.status import show

    show(Stack.here(), as_json=as_json)


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def clean(yes: bool, as_json: bool) -> None:
    """Stop everything and remove the state: keys, accounts, audit log, published models.

    \b
    Example:
      craton clean --yes
    """
    from cli.output import emit

    stack = Stack.here()
    existed = stack.home.exists()
    if existed:
        _remove(stack, asked=yes)
    if as_json:
        emit({"home": str(stack.home), "removed": existed}, as_json=True)
    else:
        console.print(f"removed {stack.home}" if existed else f"{stack.home} does not exist")


def _remove(stack: Stack, *, asked: bool) -> None:
    if not asked:
        # Beside the answer, which may be JSON for a program.
        question = f"Remove {stack.home} with all keys, accounts and the audit log?"
        click.confirm(question, abort=True, err=True)
    Supervisor(stack).stop()
    if not (stack.home / "run").is_dir() or stack.home in (stack.root, *stack.root.parents):
        raise CommandError(f"{stack.home} does not look like the state of a stack; nothing was removed")
    shutil.rmtree(stack.home)
