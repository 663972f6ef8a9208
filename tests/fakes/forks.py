"""Work in forked processes, which begin with a copy of everything that this one has in memory."""

import os
import random
import traceback
from collections.abc import Callable


def in_forks(count: int, work: Callable[[], bytes]) -> list[bytes]:
    """Run `work` in `count` children that live at the same time, and return what each of them returned.

    Raises RuntimeError when a child fails.
    """
    children = [_fork(work) for _ in range(count)]
    answers = []
    for child, reader in children:
        with os.fdopen(reader, "rb") as stream:
            answers.append(stream.read())
        if os.waitpid(child, 0)[1] != 0:
            raise RuntimeError("a forked process failed; its traceback stands above")
    return answers


def _fork(work: Callable[[], bytes]) -> tuple[int, int]:
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        return child, reader
    status = 1
    try:
        os.close(reader)
        with os.fdopen(writer, "wb") as stream:
            stream.write(work())
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        # Nothing of the parent may run twice: neither its handlers at exit nor pytest.
        os._exit(status)


class SharedStateRandomness:
    """A generator in this process's memory, which a fork copies with its state: the fault to be found."""

    def __init__(self, seed: int) -> None:
        self._generator = random.Random(seed)

    def token_bytes(self, count: int) -> bytes:
        """Return the generator's next bytes."""
        return self._generator.randbytes(count)
