"""Shows how far a run is: one line that is written over on a terminal, a line every ten seconds elsewhere."""

import time
from typing import TextIO

from tests.campaigns.runner import Progress

_TERMINAL_S = 0.5
_LOG_S = 10.0


class Display:
    """Writes progress of one run to a stream."""

    def __init__(self, stream: TextIO, name: str, seed: int) -> None:
        """Say what is run on every line."""
        self._stream = stream
        self._terminal = stream.isatty()
        self._label = f"{name}, seed {seed}"
        self._phase = ""
        self._next = 0.0

    def show(self, progress: Progress) -> None:
        """Write a line when one is due; called after every case."""
        now = time.monotonic()
        if now < self._next and progress.phase == self._phase:
            return
        self._next = now + (_TERMINAL_S if self._terminal else _LOG_S)
        self._phase = progress.phase
        text = f"{self._label}: {_text(progress)}"
        self._stream.write(f"\r\x1b[K{text}" if self._terminal else f"{text}\n")
        self._stream.flush()

    def end(self, text: str) -> None:
        """Write the last lines."""
        self._stream.write(("\r\x1b[K" if self._terminal else "") + text + "\n")
        self._stream.flush()


def _text(progress: Progress) -> str:
    if progress.phase == "planted":
        return "planting the fault"
    if progress.phase == "replay":
        return "cases to look at again"
    rate = progress.cases / progress.seconds if progress.seconds else 0.0
    minutes, seconds = divmod(round(progress.left_s), 60)
    return f"{progress.cases} cases, {rate:.0f} a second, {minutes}:{seconds:02} left"
