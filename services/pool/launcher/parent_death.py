"""The signal that the kernel sends when the parent dies, kept over a change of uid.

The kernel forgets it whenever a process changes its effective uid or gid (prctl(2), PR_SET_PDEATHSIG).
"""

import contextlib
import ctypes
import os
import signal
from collections.abc import Iterator

_PR_SET_PDEATHSIG, _PR_GET_PDEATHSIG = 1, 2


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Arm after the block what was armed before it; act on a death that happened in between."""
    libc = ctypes.CDLL(None, use_errno=True)
    armed = ctypes.c_int(0)
    libc.prctl(_PR_GET_PDEATHSIG, ctypes.byref(armed), 0, 0, 0)
    parent = os.getppid()
    try:
        yield
    finally:
        if armed.value:
            if libc.prctl(_PR_SET_PDEATHSIG, armed.value, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.Signals(armed.value))
