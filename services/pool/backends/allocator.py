"""Makes this process's Python forget what it frees.

The pool runs model processes with glibc told to overwrite freed memory (GLIBC_TUNABLES
glibc.malloc.perturb) and to keep no cache of it. Python's own allocator for small objects stands in the way:
it recycles blocks without returning them, with the words of old prompts in them. PYTHONMALLOC=malloc would
turn it off, but Triton's stub starts its interpreter in a configuration that does not read that variable.

So it is turned off from within: allocation goes to malloc from now on, while freeing and resizing stay with
the old allocator, which knows its own blocks by their address and passes all others on.
"""

import ctypes

_RAW, _MEM, _OBJ = 0, 1, 2


class _Allocator(ctypes.Structure):
    """PyMemAllocatorEx, https://docs.python.org/3.11/c-api/memory.html#customize-memory-allocators."""

    _fields_ = (
        ("ctx", ctypes.c_void_p),
        ("malloc", ctypes.c_void_p),
        ("calloc", ctypes.c_void_p),
        ("realloc", ctypes.c_void_p),
        ("free", ctypes.c_void_p),
    )


def forget_freed_memory() -> None:
    """Send all allocations of this process's Python to malloc. Doing it again changes nothing.

    Must run before anything secret is read: what the old allocator holds by then stays as it is.
    """
    raw = _get(_RAW)
    for domain in (_MEM, _OBJ):
        allocator = _get(domain)
        if allocator.malloc == raw.malloc:
            continue
        allocator.malloc, allocator.calloc, allocator.ctx = raw.malloc, raw.calloc, raw.ctx
        ctypes.pythonapi.PyMem_SetAllocator(domain, ctypes.byref(allocator))


def _get(domain: int) -> _Allocator:
    allocator = _Allocator()
    ctypes.pythonapi.PyMem_GetAllocator(domain, ctypes.byref(allocator))
    return allocator
