"""Frees what reference counting alone does not."""

import gc
import threading

from services.chassis.garbage import settle

# How long garbage that holds parts of a prompt may live.
_DELAY_S = 0.2


class Sweeper:
    """Collects cyclic garbage soon after each request: chat templates leave their variables in cycles.

    Python's collector runs by counts of allocations, so that the last prompt of a busy hour could stay until
    the next morning.
    """

    def __init__(self) -> None:
        """Leave all that exists now out of collections."""
        settle()
        self._needed = threading.Event()
        self._stopped = False
        self._pause = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        self._thread.start()

    def request_served(self) -> None:
        """Collect within the delay. Cheap."""
        self._needed.set()

    def close(self) -> None:
        """End the thread."""
        self._stopped = True
        self._pause.set()
        self._needed.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            self._needed.wait()
            self._pause.wait(_DELAY_S)
            if self._stopped:
                return
            self._needed.clear()
            gc.collect()
