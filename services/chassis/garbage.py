"""When Python's garbage collector looks at what.

A process of ours makes 100,000 to 250,000 objects while it imports its modules (a model process, with torch,
a million). All of them stay, and the collector, which runs by counts of allocations, would look at them again
and again: a fifth of the time of a start. So `services` puts it off, and a process calls `settle` when it
has what it needs.
"""

import gc

PUT_OFF = 500_000
"""Objects made before the collector runs in a process that does not settle: it ends soon, or is small."""

_AS_PYTHON_HAS_IT = (700, 10, 10)
"""Objects made, and collections of what is younger, before a generation is collected (gc.get_threshold)."""


def put_off() -> None:
    """Let the process import its modules without collections."""
    gc.set_threshold(PUT_OFF, *_AS_PYTHON_HAS_IT[1:])


def leave_modules_out() -> None:
    """Leave all that exists out of every later collection: at the end of the imports.

    What is garbage by then, some thousand objects of modules, stays for ever.
    """
    gc.freeze()


def settle() -> None:
    """Collect what the start has left, leave the rest out, and let the collector run at its usual times.

    A collection of everything would stop all calls for a tenth of a second; one of what came since takes
    less than a millisecond.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_AS_PYTHON_HAS_IT)
