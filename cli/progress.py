"""Steps of long commands, shown while they work."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.output import console

_LINE_PERIOD_S = 2.0
"""Where lines cannot be overwritten there is at most one in this time."""

Update = Callable[[str], None]


@contextmanager
def step(title: str) -> Iterator[Update]:
    """Show a step: a spinner with what it is doing on a terminal, a line now and then elsewhere."""
    started = time.monotonic()
    last, printed = "", 0.0
    with console.status(f"  {title}") as spinner:

        def update(text: str) -> None:
            nonlocal last, printed
            if text == last:
                return
            last = text
            if console.is_terminal:
                spinner.update(f"  {title}: {text}")
            elif time.monotonic() - printed > _LINE_PERIOD_S:
                printed = time.monotonic()
                print(f"    {title}: {text}", flush=True)

        try:
            yield update
        except BaseException:
            console.print(f"  [red]failed[/red]  {title}" + (f" ({last})" if last else ""))
            raise
    console.print(f"  [green]ok[/green]  {title} ({time.monotonic() - started:.1f} s)")
