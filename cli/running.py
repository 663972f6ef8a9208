"""Whether the stack runs, and under which address: what most commands need before anything else."""

from cli.output import CommandError, Exit
from deploy.local.stack import Stack
from deploy.local.supervisor import Supervisor


def stopped(stack: Stack) -> CommandError | None:
    """Return the error for a stack that does not run, or not under this address; None when it does."""
    supervisor = Supervisor(stack)
    if not supervisor.running():
        return CommandError("the stack is not running: `craton up` starts it", Exit.UNAVAILABLE)
    return elsewhere(stack, supervisor.address())


def elsewhere(stack: Stack, running_under: str | None) -> CommandError | None:
    """Return the error for a stack that runs under another address than the one asked for."""
    if running_under in (None, stack.address):
        return None
    return CommandError(
        f"the stack of {stack.home} runs under {running_under}, not {stack.address}: set "
        f"CRATON_ADDRESS={running_under}, or stop it first (`craton down`), or choose another CRATON_HOME"
    )
