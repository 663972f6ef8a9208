"""Memory for plaintext that must not outlive its process or reach a disk."""

import mmap


class PlainMemory:
    """An anonymous private mapping, left out of core dumps, zeroed by the kernel when the process ends.

    `mmap.mmap(-1, n)` alone would be shared memory, which lives under /dev/shm's accounting and
    can be mapped by a forked child; hence MAP_PRIVATE.
    """

    __slots__ = ("_mapping", "_size", "_view")

    def __init__(self, size: int) -> None:
        """Map `size` bytes. Raises OSError when the machine has no such memory."""
        self._size = size
        # A mapping cannot be empty, an empty file can.
        self._mapping = mmap.mmap(-1, max(1, size), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._mapping.madvise(mmap.MADV_DONTDUMP)
        self._view = memoryview(self._mapping)[:size]

    @property
    def view(self) -> memoryview:
        """The memory, writable. Tensors built on it keep the mapping alive."""
        return self._view

    def wipe(self) -> None:
        """Overwrite everything with zeros."""
        step = 1 << 20
        for start in range(0, self._size, step):
            end = min(self._size, start + step)
            self._view[start:end] = bytes(end - start)

    def __len__(self) -> int:
        """Size in bytes."""
        return self._size

    def __repr__(self) -> str:
        """Say the size and nothing of the contents."""
        return f"PlainMemory({self._size} bytes)"
