"""Steps of long commands, shown while they work."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.output import console

Update = Callable[[str], None]


@contextmanager
def step(title: str) -> Iterator[Update]:
    """Show a step: a spinner with what it is doing on a terminal, a line a change elsewhere."""
    started = time.monotonic()
    last = ""
    with console.status(f"  {title}") as spinner:

        def update(text: str) -> None:
            nonlocal last
            if text == last:
                return
            last = text
            if console.is_terminal:
                spinner.update(f"  {title}: {text}")
            else:
                print(f"    {title}: {text}", flush=True)

        try:
            yield update
        except BaseException:
            console.print(f"  [red]failed[/red]  {title}" + (f" ({last})" if last else ""))
            raise
    console.print(f"  [green]ok[/green]  {title} ({time.monotonic() - started:.1f} s)")
